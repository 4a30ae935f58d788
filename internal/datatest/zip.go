package datatest

import (
	"archive/zip"
	"io"
	"strings"
	"testing"
)

// Zipped are the files in a folder of a zip archive ("" is all of it), by name
// without the folder. Fewer than least fail the test.
func Zipped(t testing.TB, archive, folder string, least int) map[string][]byte {
	t.Helper()
	z, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	out := map[string][]byte{}
	for _, f := range z.File {
		name, ok := strings.CutPrefix(f.Name, folder)
		if !ok {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if out[name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	if len(out) < least {
		t.Fatalf("%s: %d files in %q: expected at least %d", archive, len(out), folder, least)
	}
	return out
}
