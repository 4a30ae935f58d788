//go:build unix

package safefile

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

var noLocks = []error{syscall.ENOLCK, syscall.ENOSYS, syscall.EOPNOTSUPP, syscall.ENOTSUP}

// special makes one file of every kind that is no regular one.
func special(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	pipe, link, socket := filepath.Join(dir, "pipe"), filepath.Join(dir, "link"), filepath.Join(dir, "socket")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o644), os.Symlink("pipe", link)); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return map[string]string{"a pipe": pipe, "a pipe ": link, "a socket": socket, "a device": "/dev/zero", "a folder": dir}
}

func TestWhatIsNoFileIsRefusedAtOnce(t *testing.T) {
	for kind, name := range special(t) {
		for what, do := range map[string]func() error{
			"read":   func() error { _, err := Read(name, 1<<20); return err },
			"open":   func() error { _, err := Open(name); return err },
			"append": func() error { _, err := OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE); return err },
			"lock":   func() error { _, err := Lock(name); return err },
		} {
			ended := make(chan error, 1)
			go func() { ended <- do() }()
			select {
			case err := <-ended:
				if want := name + ": not a regular file but " + strings.TrimSpace(kind); err == nil || err.Error() != want || !errors.Is(err, ErrNotRegular) || !errors.Is(err, ErrUnreadable) {
					t.Errorf("%s %s: %v: expected %s", what, kind, err, want)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("%s %s: waits", what, kind)
			}
		}
	}
}

// A pipe that takes the place of a file between the look at it and the opening
// of it is opened without waiting and refused then.
func TestAPipeInPlaceOfAFile(t *testing.T) {
	pipe := special(t)["a pipe"]
	ended := make(chan error, 1)
	go func() {
		f, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err == nil {
			defer f.Close()
			var info fs.FileInfo
			if info, err = f.Stat(); err == nil {
				err = regular(pipe, info)
			}
		}
		ended <- err
	}()
	select {
	case err := <-ended:
		if !errors.Is(err, ErrNotRegular) {
			t.Errorf("%v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("waits for a writer")
	}
}

// Everything that is written has the mode of the umask: over files of another
// mode, and whatever TMPDIR says.
func TestModesAreTheUmasks(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, mask := range []int{0o000, 0o002, 0o022, 0o077} {
		dir := filepath.Join(t.TempDir(), "a", "b")
		old := syscall.Umask(mask)
		err := Write(filepath.Join(dir, "new"), nil)
		over := filepath.Join(dir, "over")
		err = errors.Join(err, os.WriteFile(over, nil, 0o600), os.Chmod(over, 0o600), Write(over, nil))
		release, lockErr := Lock(filepath.Join(dir, "lock"))
		f, openErr := OpenFile(filepath.Join(dir, "log"), os.O_WRONLY|os.O_APPEND|os.O_CREATE)
		syscall.Umask(old)
		if err := errors.Join(err, lockErr, openErr); err != nil {
			t.Fatal(err)
		}
		release()
		f.Close()
		for name, want := range map[string]fs.FileMode{"new": 0o666, "over": 0o666, "lock": 0o666, "log": 0o666, ".": 0o777, "..": 0o777} {
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if want &^= fs.FileMode(mask); info.Mode().Perm() != want {
				t.Errorf("umask %03o: %s is %v: expected %v", mask, name, info.Mode().Perm(), want)
			}
		}
	}
}
