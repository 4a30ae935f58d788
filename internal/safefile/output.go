package safefile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// ErrOutput is wrapped by errors about the name of a file to write.
var ErrOutput = errors.New("not a file to write")

// Kind is a kind of files that are written under a name that a user gave.
type Kind struct {
	Name   string   // with its article: "an HTML page"
	Begins []string // with one of these, or
	Has    []string // one of these in its first bytes, in lower case
}

// headBytes is how much of a file is looked at to tell its kind.
const headBytes = 4 << 10

// Check refuses a name under which no file of the kind can be written, or where
// there is a file of another kind that is not empty: what is not made again would be
// lost. What is no regular file (a device, a pipe) may be written to. The errors wrap
// ErrOutput.
func (k Kind) Check(name string) error {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		folder := filepath.Dir(name)
		if info, err := os.Stat(folder); err != nil {
			return fmt.Errorf("%w: %s: its folder: %w", ErrOutput, name, plain(err))
		} else if !info.IsDir() {
			return fmt.Errorf("%w: %s: %s is no folder", ErrOutput, name, folder)
		}
		return nil
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w: %s: %w", ErrOutput, name, plain(err))
	case info.IsDir():
		return fmt.Errorf("%w: %s: it is a folder", ErrOutput, name)
	case alwaysFull(name):
		return fmt.Errorf("%w: %s: %w", ErrOutput, name, syscall.ENOSPC)
	case !info.Mode().IsRegular() || info.Size() == 0:
		return nil
	}
	f, err := Open(name)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrOutput, err)
	}
	defer f.Close()
	head := make([]byte, headBytes)
	n, err := f.ReadAt(head, 0)
	if n == 0 {
		return fmt.Errorf("%w: %s: %w", ErrOutput, name, plain(err))
	}
	text := strings.ToLower(string(head[:n]))
	if slices.ContainsFunc(k.Begins, func(mark string) bool { return bytes.HasPrefix(head[:n], []byte(mark)) }) ||
		slices.ContainsFunc(k.Has, func(mark string) bool { return strings.Contains(text, mark) }) {
		return nil
	}
	return fmt.Errorf("%w: %s is there and is not %s: name another file, or move it away", ErrOutput, name, k.Name)
}

// alwaysFull reports that a name is that of the device on which there is never room:
// what else is known of devices is known once they are written to.
func alwaysFull(name string) bool {
	target, err := filepath.EvalSymlinks(name)
	return err == nil && target == "/dev/full"
}
