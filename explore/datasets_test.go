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
