package archtest

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestNoConflictMarkers reads what no compiler does as well: the Makefile,
// the documents, the scripts.
func TestNoConflictMarkers(t *testing.T) {
	read := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == ".git" || name == "bin" || name == "node_modules" {
				return filepath.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		content, err := os.ReadFile(path)
		read++
		for i, line := range bytes.Split(content, []byte("\n")) {
			if bytes.HasPrefix(line, []byte("<<<<<<< ")) || bytes.HasPrefix(line, []byte(">>>>>>> ")) {
				t.Errorf("%s:%d: a conflict that was not resolved: %.60s", path, i+1, line)
			}
		}
		return err
	})
	if err != nil || read < 500 {
		t.Fatalf("read %d files: %v", read, err)
	}
}
