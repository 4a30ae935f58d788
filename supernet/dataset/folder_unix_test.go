//go:build unix

package dataset

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What is no file is refused before it is opened: a pipe would wait for ever.
func TestPipesAreNoImages(t *testing.T) {
	dir := imageFolder(t, 1)
	for _, name := range []string{"train/ant/a.png", "train/ant/b", "train/c.png"} {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o644); err != nil {
			t.Skip("no pipes here: ", err)
		}
	}
	if err := os.Symlink("/dev/zero", filepath.Join(dir, "train/bee/zero.jpg")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	train, _, err := Open(ctx, dir, Options{})
	if err == nil {
		err = train.Try(ctx, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	u := train.Unreadable()
	if u.Count != 2 || !strings.Contains(u.First[0].Reason, "a pipe") || !strings.Contains(u.First[1].Reason, "a device") {
		t.Errorf("%+v", u)
	}
	idx := t.TempDir()
	for _, name := range []string{"train-images-idx3-ubyte", descriptionFile} {
		if err := syscall.Mkfifo(filepath.Join(idx, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := Open(ctx, idx, Options{}); err == nil || ctx.Err() != nil {
		t.Errorf("a folder of pipes: %v", err)
	}
}
