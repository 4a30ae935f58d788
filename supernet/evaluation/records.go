package evaluation

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/binas-tui/binas-tui/job"
	"github.com/binas-tui/binas-tui/model"
)

// ErrRecords is wrapped by errors about a file that is there and cannot be gone
// on with: of other settings, or no records file.
var ErrRecords = errors.New("records cannot be gone on with")

// recordFile is a file of JSON lines that is only ever added to. Its methods are
// for one goroutine at a time.
type recordFile struct {
	f       *os.File
	release func() // of its lock
}

// maxRecords bounds a records file in bytes.
const maxRecords = 64 << 20

// openRecords opens the records file at path, or begins one with the header. What
// is there is decoded by decode, which returns its header and the length of its
// whole lines; the rest, which a killed process did not finish, is cut off. A file
// with another header is refused.
func openRecords(path string, header model.EvaluationInfo, decode func([]byte) (model.EvaluationInfo, int, error)) (*recordFile, error) {
	release, err := job.Lock(path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("records: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		release()
		return nil, fmt.Errorf("records: %w", err)
	}
	if err := goOn(f, header, decode); err != nil {
		f.Close()
		release()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &recordFile{f, release}, nil
}

// Recorded is the header of a records file: who goes on with one takes the
// settings it was begun with. Without a file, or before its first line is whole,
// began is false.
func Recorded(path, format string) (info model.EvaluationInfo, began bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return info, false, nil
	}
	if err != nil {
		return info, false, fmt.Errorf("records: %w", err)
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, maxRecords)).ReadBytes('\n')
	if err == io.EOF {
		return info, false, nil
	}
	if err == nil {
		info, _, err = model.DecodeRecords(line, format, nil)
	}
	if err != nil {
		return info, false, fmt.Errorf("%s: %w: %w", path, ErrRecords, err)
	}
	return info, true, nil
}

func goOn(f *os.File, header model.EvaluationInfo, decode func([]byte) (model.EvaluationInfo, int, error)) error {
	data, err := io.ReadAll(io.LimitReader(f, maxRecords+1))
	if err != nil {
		return err
	}
	there, whole, err := decode(data)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRecords, err)
	}
	first := model.EncodeRecord(header)
	if whole == 0 {
		// Only a header that was cut off may be replaced.
		if !bytes.HasPrefix(first, data) {
			return fmt.Errorf("%w: the file is there and is none of records", ErrRecords)
		}
	} else if err := there.Differs(header); err != nil {
		return fmt.Errorf("%w: %w", ErrRecords, err)
	}
	if err := f.Truncate(int64(whole)); err != nil {
		return err
	}
	if _, err := f.Seek(int64(whole), io.SeekStart); err != nil {
		return err
	}
	if whole == 0 {
		_, err = f.Write(first)
	}
	return err
}

// add appends one record, its line end included, in one write.
func (r *recordFile) add(line []byte) error {
	if _, err := r.f.Write(line); err != nil {
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		return fmt.Errorf("write %s: %w", r.f.Name(), err)
	}
	return nil
}

func (r *recordFile) close() error {
	defer r.release()
	return errors.Join(r.f.Sync(), r.f.Close())
}
