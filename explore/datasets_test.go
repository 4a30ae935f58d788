package explore

import (
	"os"
	"path/filepath"
	"testing"
)

func TestDataSetPath(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("here", 0o755); err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"digits": filepath.Join(DataDir(), "data", "digits"), "here": "here", "./digits": "./digits", "a/b": "a/b", "..": "..", "/": "/", "": "",
	} {
		if got := DataSetPath(in); got != want {
			t.Errorf("%q is at %q, expected %q", in, got, want)
		}
	}
}

// A file that is taken for a data set is one that is there, not a set of its name
// that is not.
func TestDataSetPathOfAFile(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("d.tar", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := DataSetPath("d.tar"); got != "d.tar" {
		t.Errorf("%q", got)
	}
}
