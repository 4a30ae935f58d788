package safefile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadIsBounded(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	for _, size := range []int{0, 1, 99, 100} {
		want := bytes.Repeat([]byte{7}, size)
		if err := Write(file, want); err != nil {
			t.Fatal(err)
		}
		if got, err := Read(file, 100); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: %d, %v", size, len(got), err)
		}
	}
	if err := os.Truncate(file, 1<<40); err != nil { // a sparse file
		t.Fatal(err)
	}
	_, err := Read(file, 100)
	if want := file + ": larger than 100 bytes: 1099511627776 bytes"; !errors.Is(err, ErrUnreadable) || !errors.Is(err, ErrTooLarge) || err.Error() != want {
		t.Errorf("%v: expected %s", err, want)
	}
	_, err = Read(filepath.Join(dir, "none"), 100)
	if want := filepath.Join(dir, "none") + ": no such file or directory"; !errors.Is(err, ErrUnreadable) || !errors.Is(err, fs.ErrNotExist) || err.Error() != want {
		t.Errorf("%v: expected %s", err, want)
	}
}

// A name from outside stays in its folder, by links too.
func TestReadInStaysInTheFolder(t *testing.T) {
	dir := t.TempDir()
	inside := filepath.Join(dir, "in", "side")
	if err := errors.Join(Write(filepath.Join(inside, "file"), []byte("in")), Write(filepath.Join(dir, "secret"), []byte("out")),
		os.Symlink("../../secret", filepath.Join(inside, "link")), os.Symlink("file", filepath.Join(inside, "good"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"file", "good", "../side/file", "./file"} {
		data, err := ReadIn(inside, name, 100)
		if want := "in"; name != "../side/file" && (err != nil || string(data) != want) {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	for _, name := range []string{"link", "../../secret", filepath.Join(dir, "secret"), "..", ".", "", "none"} {
		if data, err := ReadIn(inside, name, 100); err == nil || !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	if _, err := ReadIn(inside, "file", 1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
}

func TestReplaceIsWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := Write(file, []byte("old")); err != nil {
		t.Fatal(err)
	}
	full := errors.New("disk full")
	err := Replace(file, true, func(w io.Writer) error {
		io.WriteString(w, strings.Repeat("new", 1<<16))
		return full
	})
	if !errors.Is(err, full) || err.Error() != "write "+file+": disk full" {
		t.Errorf("%v", err)
	}
	if data, _ := os.ReadFile(file); string(data) != "old" {
		t.Errorf("%q after a failure", data)
	}
	if err := os.Symlink("file", link); err != nil {
		t.Fatal(err)
	}
	if err := Write(link, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(file); string(data) != "new" {
		t.Errorf("%q through a link", data)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 2 {
		t.Errorf("left behind: %v", entries)
	}
	if err := Write(dir, nil); err == nil || err.Error() != "write "+dir+": it is a folder" {
		t.Errorf("%v", err)
	}
	for _, name := range []string{temporaryPrefix + "1" + temporarySuffix, ".other.tmp"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	Sweep(dir)
	if entries, _ = os.ReadDir(dir); len(entries) != 3 {
		t.Errorf("after the sweep: %v", entries)
	}
}

// What a reader finds while files are replaced is one of them, whole.
func TestReplaceBesideReaders(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := Write(file, bytes.Repeat([]byte{0}, 1<<16)); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	for range 2 {
		go func() {
			for i := range 50 {
				if err := Replace(file, false, func(w io.Writer) error {
					_, err := w.Write(bytes.Repeat([]byte{byte(i)}, 1<<16))
					return err
				}); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for writers := 2; writers > 0; {
		select {
		case err := <-done:
			if writers--; err != nil {
				t.Error(err)
			}
		default:
			data, err := Read(file, 1<<16)
			if err != nil || !bytes.Equal(data, bytes.Repeat(data[:1], 1<<16)) {
				t.Fatalf("torn: %d bytes, %v", len(data), err)
			}
		}
	}
}

func TestNoLocks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lock")
	for _, errno := range noLocks {
		try := func() (bool, error) { return false, fmt.Errorf("flock: %w", errno) }
		_, err := locked(file, nil, try)
		if !errors.Is(err, ErrNoLocks) || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), EnvNoLocks+"=1") {
			t.Errorf("%v: %v", errno, err)
		}
		t.Setenv(EnvNoLocks, "1")
		release, err := locked(file, nil, try)
		if err != nil {
			t.Fatal(err)
		}
		release()
		if _, err := locked(file, nil, func() (bool, error) { return false, nil }); !errors.Is(err, ErrLocked) {
			t.Errorf("a lock that is held, and %s=1: %v", EnvNoLocks, err)
		}
		t.Setenv(EnvNoLocks, "")
	}
	if _, err := locked(file, nil, func() (bool, error) { return false, fs.ErrPermission }); errors.Is(err, ErrNoLocks) || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("another error: %v", err)
	}
}
