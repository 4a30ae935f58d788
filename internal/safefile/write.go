package safefile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// MkdirAll makes a folder and those above it with the mode of the umask.
func MkdirAll(dir string) error { return os.MkdirAll(dir, 0o777) }

// Write replaces a file, made with its folder where there is none, by data.
func Write(name string, data []byte) error {
	if err := MkdirAll(filepath.Dir(name)); err != nil {
		return err
	}
	return Replace(name, true, Bytes(data))
}

// Same reports whether two names are of one file.
func Same(a, b string) bool {
	if filepath.Clean(a) == filepath.Clean(b) {
		return true
	}
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// Bytes writes data, for [Replace].
func Bytes(data []byte) func(io.Writer) error {
	return func(w io.Writer) error { _, err := w.Write(data); return err }
}

// Replace replaces a file by what write writes, or leaves it as it is where that
// fails: a crash leaves the old file or the new one. With durable the new one is
// on the disk first: it takes longer and guards against a crash of the machine as
// well. What is there and is no regular file (a device, a pipe) is written to
// directly; a link stays, and what it points to is replaced. The errors of write
// are wrapped.
func Replace(name string, durable bool, write func(io.Writer) error) error {
	err := replace(name, durable, write)
	if err != nil {
		return &fs.PathError{Op: "write", Path: name, Err: plain(err)}
	}
	return nil
}

func replace(name string, durable bool, write func(io.Writer) error) error {
	info, err := os.Stat(name)
	if err == nil && info.IsDir() {
		return errors.New("it is a folder")
	}
	if err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(name, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if info.Mode()&fs.ModeNamedPipe != 0 && errors.Is(err, syscall.ENXIO) {
			return errors.New("nobody reads from the pipe")
		}
		if err != nil {
			return err
		}
		return fill(f, false, write)
	}
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	temporary := filepath.Join(filepath.Dir(name), fmt.Sprintf("%s%016x%s", temporaryPrefix, rand.Uint64(), temporarySuffix))
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	if err = fill(f, durable, write); err == nil {
		err = os.Rename(temporary, name)
	}
	if err != nil {
		os.Remove(temporary)
	}
	return err
}

func fill(f *os.File, durable bool, write func(io.Writer) error) error {
	w := bufio.NewWriter(f)
	err := write(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil && durable {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// Names of files that are being written.
const (
	temporaryPrefix = ".binas-tui-"
	temporarySuffix = ".tmp"
)

// Sweep removes what killed programs left of files they were writing to a folder.
// It is for who holds the folder's lock.
func Sweep(dir string) {
	entries, _ := os.ReadDir(dir) // none: nothing to remove
	for _, e := range entries {
		if name := e.Name(); strings.HasPrefix(name, temporaryPrefix) && strings.HasSuffix(name, temporarySuffix) {
			os.Remove(filepath.Join(dir, name))
		}
	}
}
