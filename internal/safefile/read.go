package safefile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Errors of reading. Every error of a file that is read wraps ErrUnreadable;
// other packages wrap it for a file that is not what it was taken for.
var (
	ErrUnreadable = errors.New("cannot be read")
	ErrNotRegular = errors.New("not a regular file")
	ErrTooLarge   = errors.New("larger")
)

// Error is an error of reading a file. It wraps [ErrUnreadable].
type Error struct {
	Path string
	Err  error // without the path
}

func (e *Error) Error() string        { return e.Path + ": " + e.Err.Error() }
func (e *Error) Unwrap() error        { return e.Err }
func (e *Error) Is(target error) bool { return target == ErrUnreadable }

// Read reads a regular file of at most limit bytes. A larger one is refused
// before it is read, one that grows beyond the limit while it is read as well.
func Read(name string, limit int64) ([]byte, error) {
	f, err := Open(name)
	if err != nil {
		return nil, err
	}
	return readAll(f, name, limit)
}

// ReadIn reads as [Read] does a file of a folder, whose name comes from outside:
// neither the name nor a link leads out of the folder.
func ReadIn(dir, name string, limit int64) ([]byte, error) {
	path := filepath.Join(dir, name)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, &Error{path, plain(err)}
	}
	defer root.Close()
	info, err := root.Stat(name)
	if err != nil {
		return nil, &Error{path, plain(err)}
	}
	if err := regular(path, info); err != nil {
		return nil, err
	}
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, &Error{path, plain(err)}
	}
	return readAll(f, path, limit)
}

// readAll reads a file and closes it.
func readAll(f *os.File, name string, limit int64) ([]byte, error) {
	defer f.Close()
	info, err := f.Stat()
	if err == nil {
		if err := regular(name, info); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, &Error{name, plain(err)}
	}
	if info.Size() > limit {
		return nil, tooLarge(name, info.Size(), limit)
	}
	data := bytes.NewBuffer(make([]byte, 0, info.Size()+bytes.MinRead))
	n, err := data.ReadFrom(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, &Error{name, plain(err)}
	}
	if n > limit {
		return nil, tooLarge(name, n, limit)
	}
	return data.Bytes(), nil
}

func tooLarge(name string, size, limit int64) error {
	most := fmt.Sprintf("%d bytes", limit)
	if limit >= 1<<20 {
		most = fmt.Sprintf("%d MiB", limit>>20)
	}
	return &Error{name, fmt.Errorf("%w than %s: %d bytes", ErrTooLarge, most, size)}
}

// Open opens a regular file for reading.
func Open(name string) (*os.File, error) {
	f, err := OpenFile(name, os.O_RDONLY)
	var path *fs.PathError
	if errors.As(err, &path) {
		err = &Error{name, path.Err}
	}
	return f, err
}

// OpenFile opens a regular file as [os.OpenFile] does, made with the mode of the
// umask where the flag says so.
func OpenFile(name string, flag int) (*os.File, error) {
	if info, err := os.Stat(name); err == nil {
		if err := regular(name, info); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(name, flag|syscall.O_NONBLOCK, 0o666)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = regular(name, info)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// regular refuses what is no regular file, and says what it is.
func regular(name string, info fs.FileInfo) error {
	kind := "something else"
	switch m := info.Mode(); {
	case m.IsRegular():
		return nil
	case m.IsDir():
		kind = "a folder"
	case m&fs.ModeNamedPipe != 0:
		kind = "a pipe"
	case m&fs.ModeSocket != 0:
		kind = "a socket"
	case m&fs.ModeDevice != 0:
		kind = "a device"
	}
	return &Error{name, fmt.Errorf("%w but %s", ErrNotRegular, kind)}
}

// plain is an error without the operation and the file that it names.
func plain(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}
