package safefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/nobodytest"
)

func TestPermissionDeniedNamesTheFile(t *testing.T) {
	base, err := os.MkdirTemp("/tmp", "safefile") // others may pass
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(base)
	dir := filepath.Join(base, "run")
	file, lock := filepath.Join(dir, "file"), filepath.Join(dir, "lock")
	err = errors.Join(os.Chmod(base, 0o755), os.Mkdir(dir, 0o755), os.WriteFile(file, nil, 0o600), os.Chmod(file, 0), os.WriteFile(lock, nil, 0o600), os.Chmod(lock, 0))
	if os.Getuid() != 0 {
		err = errors.Join(err, os.Chmod(dir, 0o555))
		defer os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, do := range map[string]func() error{
		file:                        func() error { _, err := Read(file, 100); return err },
		lock:                        func() error { _, err := Lock(lock); return err },
		filepath.Join(dir, "new"):   func() error { return Write(filepath.Join(dir, "new"), nil) },
		filepath.Join(dir, "sub"):   func() error { return MkdirAll(filepath.Join(dir, "sub")) },
		filepath.Join(dir, "lock2"): func() error { _, err := Lock(filepath.Join(dir, "lock2")); return err },
	} {
		nobodytest.Run(func() { err = do() })
		if !errors.Is(err, fs.ErrPermission) || strings.Count(err.Error(), base) != 1 || !strings.Contains(err.Error(), name+": permission denied") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
