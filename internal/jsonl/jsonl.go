// Package jsonl reads and writes JSON lines that survive damage: a line that was
// cut short, run into another or changed is lost, the others are not.
//
// Every line is a JSON object whose last field, "sum", is a check sum of the
// others and of the key of the file, so that neither a changed digit nor a line of
// another file passes for a record. Lines without a sum, as written by hand or by
// older versions, are taken as they are, up to the first that has one.
package jsonl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

// MaxLine bounds a line, in bytes.
const MaxLine = 1 << 20

// ErrHeader says that the first line is not that of a file of records.
var ErrHeader = errors.New("the first line is no header of records")

const (
	sumBefore = `,"sum":"`
	sumAfter  = `"}`
	sumSize   = len(sumBefore) + 8 + len(sumAfter)
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(object, key []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, object)
}

// Marshal is v as JSON in one line without its end, as [Encode] and keys take it.
func Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Encode is one line, its end included. v is a JSON object with fields. A header
// has the nil key.
func Encode(v any, key []byte) ([]byte, error) {
	object, err := Marshal(v)
	if err != nil {
		return nil, err
	}
	if len(object) < 3 || object[0] != '{' {
		return nil, fmt.Errorf("record %.40q: expected a JSON object with fields", object)
	}
	sum := checksum(object, key)
	return fmt.Appendf(object[:len(object)-1], "%s%08x%s\n", sumBefore, sum, sumAfter), nil
}

// decode is the JSON object of a line without its sum. An error says what is
// wrong with the line.
func decode(line, key []byte) (object []byte, sealed bool, err error) {
	if len(line) > MaxLine {
		return nil, false, fmt.Errorf("it has %d bytes: expected at most %d", len(line), MaxLine)
	}
	object, sum, sealed := unseal(line)
	if sealed && checksum(object, key) != sum {
		return nil, false, errors.New("its check sum is another")
	}
	return object, sealed, check(object)
}

// unseal takes the sum off a line; sealed is false where it has none.
func unseal(line []byte) (object []byte, sum uint32, sealed bool) {
	at := len(line) - sumSize
	if at < 0 || !bytes.HasPrefix(line[at:], []byte(sumBefore)) || !bytes.HasSuffix(line, []byte(sumAfter)) {
		return line, 0, false
	}
	n, err := strconv.ParseUint(string(line[at+len(sumBefore):len(line)-len(sumAfter)]), 16, 32)
	if err != nil {
		return line, 0, false
	}
	return append(bytes.Clone(line[:at]), '}'), uint32(n), true
}

// check says why a line is no JSON object.
func check(object []byte) error {
	if len(object) == 0 {
		return errors.New("it is empty")
	}
	if object[0] != '{' || !json.Valid(object) {
		return errors.New("it is no JSON object")
	}
	return nil
}

// Reader says what the lines of a file are given to. Slices are valid during the
// call only.
type Reader struct {
	// Header takes the first line; nil: the file has none. Its error ends the
	// reading: the file is of something else.
	Header func(object []byte) error
	// Key makes the key of the lines from the header; nil takes all of it.
	Key func(header []byte) []byte
	// Expected is the header that the file should have. Where the first line is
	// damaged, a line of that key shows that it was. Nil takes the other lines
	// unseen, their sums unchecked.
	Expected []byte
	// Record takes every other whole line, the first of them 0. Its error loses the
	// line.
	Record func(i int, object []byte) error
}

// Result is what [Reader.Read] found.
type Result struct {
	Whole int    // bytes of whole lines: what follows was not finished
	Key   []byte // of the lines
	Lost  Lost
}

// Read reads the whole lines of data. A last line without its end is what a
// process that was killed did not finish: it is left out, and not lost. Any
// other line that is damaged is.
func (r Reader) Read(data []byte) (Result, error) {
	var out Result
	sealed := false  // a line had a sum: all that follow have
	unknown := false // key
	for number := 1; ; number++ {
		length := bytes.IndexByte(data[out.Whole:], '\n')
		if length < 0 {
			return out, nil
		}
		line := data[out.Whole : out.Whole+length]
		out.Whole += length + 1
		if r.Header != nil && number == 1 {
			object, ok, err := decode(line, nil)
			if err == nil && !ok && r.foreign(object, data[out.Whole:]) {
				err = errNoSum
			}
			if err == nil {
				if err = r.Header(object); err != nil {
					return out, err
				}
				out.Key, sealed = bytes.Clone(r.key(object)), ok
				continue
			}
			if !r.recognised(data[out.Whole:]) {
				return out, fmt.Errorf("%w: %w", ErrHeader, err)
			}
			out.Lost.add(1, fmt.Errorf("the header: %w", err))
			out.Key, unknown = r.key(r.Expected), r.Expected == nil
			sealed = !unknown // what a line without a sum belongs to is not known
			continue
		}
		if unknown {
			line, _, _ = unseal(line)
		}
		object, ok, err := decode(line, out.Key)
		if sealed = sealed || ok; err == nil && sealed && !ok {
			err = errNoSum
		}
		if err == nil {
			i := number - 1
			if r.Header != nil {
				i--
			}
			err = r.Record(i, object)
		}
		if err != nil {
			out.Lost.add(number, err)
		}
	}
}

var errNoSum = errors.New("it has no check sum")

// foreign reports whether the line after a header without a sum has one, which is
// not of this header.
func (r Reader) foreign(header, lines []byte) bool {
	next, _, _ := bytes.Cut(lines, []byte("\n"))
	object, sum, sealed := unseal(next)
	return sealed && checksum(object, r.key(header)) != sum
}

func (r Reader) key(header []byte) []byte {
	if r.Key == nil || header == nil {
		return header
	}
	return r.Key(header)
}

// recognised reports whether a line shows that the file is of the expected header,
// or, where none is expected, that it is one of records.
func (r Reader) recognised(lines []byte) bool {
	key := r.key(r.Expected)
	for line := range bytes.Lines(lines) {
		object, sum, sealed := unseal(bytes.TrimSuffix(line, []byte("\n")))
		if sealed && (r.Expected == nil || checksum(object, key) == sum) && check(object) == nil {
			return true
		}
	}
	return false
}

// Lost is the lines of a file that could not be read.
type Lost struct {
	Count int   // of all
	Lines []int // numbers of the first, counted from 1
	Why   error // what was wrong with the first
}

// maxNamed is the number of lines that are named.
const maxNamed = 10

func (l *Lost) add(number int, why error) {
	if l.Count++; l.Count == 1 {
		l.Why = why
	}
	if len(l.Lines) < maxNamed {
		l.Lines = append(l.Lines, number)
	}
}

// String says in words what was lost; empty where nothing was.
func (l Lost) String() string {
	switch l.Count {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("line %d is damaged and left out: %v", l.Lines[0], l.Why)
	}
	names := make([]string, len(l.Lines))
	for i, n := range l.Lines {
		names[i] = strconv.Itoa(n)
	}
	more := ""
	if l.Count > len(l.Lines) {
		more = ", …"
	}
	return fmt.Sprintf("%d lines are damaged and left out (%s%s); line %d: %v", l.Count, strings.Join(names, ", "), more, l.Lines[0], l.Why)
}
