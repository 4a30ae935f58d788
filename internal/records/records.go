// Package records keeps files of JSON lines that are only ever added to, by a
// program that may be killed at any instant: package jsonl says what a line is.
//
// A file is opened by one process at a time. What a kill left unfinished is cut
// off. A damaged line loses that line: the file without it is written anew, by
// rename, and the file as it was is kept beside it as NAME.damaged. Where records
// have places (the i-th sample of a seed) the lost ones can be made again: they
// are added at the end, and sorted in when the file is closed or next opened, so
// that it ends with the bytes of one that nothing happened to.
package records

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/binas-tui/binas-tui/internal/jsonl"
	"github.com/binas-tui/binas-tui/internal/safefile"
)

// MaxFile bounds a file, in bytes: it is read into memory.
const MaxFile = 256 << 20

// maxPlace bounds the places of records.
const maxPlace = 1 << 24

// ErrNotRecords says that a file is there and is not one of these records.
var ErrNotRecords = errors.New("the file is there and is none of records")

// ErrDrop is returned by [Options.Record] for a record that is whole and not wanted
// any more: it is left out without being lost.
var ErrDrop = errors.New("not wanted any more")

// Options say what the records of a file are.
type Options struct {
	// Header is the first line of a new file; nil: the file has none.
	Header any
	// Check compares the header that is there with that of now. Its error refuses
	// the file.
	Check func(header []byte) error
	// Renew makes the header that takes the place of the one that is there, of the
	// same key, once that was checked; nil, or a Renew of nil, keeps it.
	Renew func(header []byte) any
	// Key is the part of a header that its records belong to; nil: all of it.
	Key func(header []byte) []byte
	// Record takes a record that is there (the JSON object, valid during the call)
	// and returns its place, counted from 0. An error loses it.
	Record func(object []byte) (place int, err error)
	// Each takes a record of a file whose records have no places, in place of Record:
	// they are counted.
	Each func(object []byte) error
	// Unlocked leaves out the lock on NAME.lock: the caller holds one.
	Unlocked bool
}

// File is an open file of records. Its methods are for one goroutine at a time.
type File struct {
	Lost jsonl.Lost // what was damaged when it was opened

	path    string
	f       *os.File
	key     []byte
	header  []byte // line
	lines   []line // in the order of the file
	sorted  bool
	added   bool
	end     int64
	release func()
}

// line is where a record is in the file.
type line struct {
	place    int
	from, to int64
}

// Open opens the file at path, or begins one. Errors wrap [ErrNotRecords], what
// Check returned, or safefile.ErrLocked.
func Open(path string, o Options) (*File, error) {
	r := &File{path: path, release: func() {}, sorted: true}
	if !o.Unlocked {
		release, err := safefile.Lock(path + ".lock")
		if err != nil {
			return nil, fmt.Errorf("records: %w", err)
		}
		r.release = release
	}
	if err := r.open(o); err != nil {
		if r.f != nil {
			r.f.Close()
		}
		r.release()
		return nil, fmt.Errorf("records: %w", err)
	}
	return r, nil
}

func (r *File) open(o Options) error {
	if o.Header != nil {
		var err error
		if r.header, err = jsonl.Encode(o.Header, nil); err != nil {
			return err
		}
	}
	data, err := Read(r.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	keep, err := r.read(data, o)
	if err != nil {
		return fmt.Errorf("%s: %w", r.path, err)
	}
	if r.Lost.Count > 0 {
		if err := safefile.Write(r.DamagedCopy(), data); err != nil {
			return err
		}
	}
	if keep != nil {
		if err := safefile.Write(r.path, keep); err != nil {
			return err
		}
	}
	if r.f, err = safefile.OpenFile(r.path, os.O_RDWR|os.O_CREATE); err != nil {
		return err
	}
	if err := r.f.Truncate(r.end); err != nil {
		return err
	}
	if _, err := r.f.Seek(r.end, io.SeekStart); err != nil {
		return err
	}
	if r.end == 0 {
		return r.write(r.header)
	}
	return nil
}

// DamagedCopy is the name of the copy of the file as it was, where lines are lost.
func (r *File) DamagedCopy() string { return r.path + ".damaged" }

// read takes in what is there, and returns what the file should hold instead
// where lines are lost, not wanted, or out of order.
func (r *File) read(data []byte, o Options) (instead []byte, err error) {
	reader := jsonl.Reader{Key: o.Key}
	var renewed any
	if o.Header != nil {
		if bytes.IndexByte(data, '\n') < 0 {
			// Only a header that was cut off may be replaced.
			if !bytes.HasPrefix(r.header, data) {
				return nil, ErrNotRecords
			}
			if reader.Key == nil {
				reader.Key = func(header []byte) []byte { return header }
			}
			r.key, err = jsonl.Marshal(o.Header)
			r.key = bytes.Clone(reader.Key(r.key))
			return nil, err
		}
		if reader.Expected, err = jsonl.Marshal(o.Header); err != nil {
			return nil, err
		}
		reader.Header = o.Check
		if o.Renew != nil {
			reader.Header = func(header []byte) error {
				err := o.Check(header)
				if err == nil {
					renewed = o.Renew(header)
				}
				return err
			}
		}
	}
	places := map[int]bool{}
	dropped := false
	at := int64(bytes.IndexByte(data, '\n') + 1) // behind the header
	var starts []int64
	if o.Header == nil {
		at = 0
	}
	for line := range bytes.Lines(data[at:]) {
		starts, at = append(starts, at), at+int64(len(line))
	}
	starts = append(starts, at)
	take := o.Record
	if o.Each != nil {
		take = func(object []byte) (int, error) { return len(r.lines), o.Each(object) }
	}
	reader.Record = func(i int, object []byte) error {
		place, err := take(object)
		switch {
		case errors.Is(err, ErrDrop):
			dropped = true
			return nil
		case err != nil:
			return err
		case place < 0 || place > maxPlace:
			return fmt.Errorf("its number is %d: expected 0 to %d", place, maxPlace)
		case places[place]:
			return fmt.Errorf("number %d is there twice", place)
		}
		places[place] = true
		r.lines = append(r.lines, line{place, starts[i], starts[i+1]})
		return nil
	}
	result, err := reader.Read(data)
	if errors.Is(err, jsonl.ErrHeader) {
		return nil, fmt.Errorf("%w: %w", ErrNotRecords, err)
	}
	if err != nil {
		return nil, err
	}
	r.Lost, r.key, r.end = result.Lost, result.Key, int64(result.Whole)
	if o.Header != nil && !slices.Contains(r.Lost.Lines, 1) {
		r.header = bytes.Clone(data[:bytes.IndexByte(data, '\n')+1])
	}
	if renewed != nil {
		if r.header, err = jsonl.Encode(renewed, nil); err != nil {
			return nil, err
		}
	}
	sorted := slices.IsSortedFunc(r.lines, byPlace)
	if r.Lost.Count == 0 && !dropped && sorted && renewed == nil {
		return nil, nil
	}
	return r.inOrder(data), nil
}

func byPlace(a, b line) int { return a.place - b.place }

// inOrder is the header and the lines of data in the order of their places, with
// no others; lines are then where they are in it.
func (r *File) inOrder(data []byte) []byte {
	slices.SortStableFunc(r.lines, byPlace)
	out := make([]byte, 0, len(data)+len(r.header))
	out = append(out, r.header...)
	for i, l := range r.lines {
		r.lines[i].from = int64(len(out))
		out = append(out, data[l.from:l.to]...)
		r.lines[i].to = int64(len(out))
	}
	r.end = int64(len(out))
	r.sorted = true
	return out
}

// Missing are the places below n that have no record, in their order.
func (r *File) Missing(n int) []int {
	have := make([]bool, n)
	for _, l := range r.lines {
		if l.place < n {
			have[l.place] = true
		}
	}
	out := make([]int, 0, n)
	for i, ok := range have {
		if !ok {
			out = append(out, i)
		}
	}
	return out
}

// Add appends a record, its line end included, in one write.
func (r *File) Add(place int, v any) error {
	encoded, err := jsonl.Encode(v, r.key)
	if err != nil {
		return fmt.Errorf("records: %w", err)
	}
	from := r.end
	if err := r.write(encoded); err != nil {
		return err
	}
	if n := len(r.lines); n > 0 && place < r.lines[n-1].place {
		r.sorted = false
	}
	r.lines = append(r.lines, line{place, from, r.end})
	return nil
}

// Append is Add of a record without a place, behind all others.
func (r *File) Append(v any) error { return r.Add(len(r.lines), v) }

func (r *File) write(line []byte) error {
	if _, err := r.f.Write(line); err != nil {
		// Half a line must not run into the next one.
		r.f.Truncate(r.end)
		r.f.Seek(r.end, io.SeekStart)
		return fmt.Errorf("records: %w", err)
	}
	r.end, r.added = r.end+int64(len(line)), true
	return nil
}

// Close sorts what was added out of order, and closes and unlocks the file.
func (r *File) Close() error {
	defer r.release()
	var err error
	if r.added && r.sorted {
		err = r.f.Sync()
	}
	err = errors.Join(err, r.f.Close())
	if err == nil && !r.sorted {
		var data []byte
		if data, err = Read(r.path); err == nil {
			err = safefile.Write(r.path, r.inOrder(data))
		}
	}
	if err != nil {
		return fmt.Errorf("records: %w", err)
	}
	return nil
}

// Read reads a whole file of records, of at most [MaxFile] bytes.
func Read(path string) ([]byte, error) { return safefile.Read(path, MaxFile) }

// Header is the first line of a file (the JSON object). It is nil where there is
// no file, no whole line, or a damaged one: Open knows what to do about them.
func Header(path string) ([]byte, error) {
	data, err := Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("records: %w", err)
	}
	var header []byte
	r := jsonl.Reader{
		Header: func(object []byte) error { header = bytes.Clone(object); return nil },
		Record: func(int, []byte) error { return nil },
	}
	r.Read(data) // what is wrong with it is said when it is opened
	return header, nil
}
