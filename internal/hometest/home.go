// Package hometest keeps tests away from what the user has: tables with what
// they have learnt, settings and the explorer's state.
package hometest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/adrg/xdg"

	"github.com/binas-tui/binas-tui/internal/safefile"
)

// Run runs the tests of a package with data, state, settings and cache in a folder of
// their own, which has the user's ONNX Runtime and data sets; for TestMain.
func Run(m *testing.M) int {
	home, err := os.MkdirTemp("", "binas-tui-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(home)
	own := filepath.Join(home, "binas-tui")
	if err := safefile.MkdirAll(own); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for _, name := range []string{"onnxruntime", "data"} {
		theirs := filepath.Join(xdg.DataHome, "binas-tui", name)
		if _, err := os.Stat(theirs); err != nil {
			continue // tests that need it say so
		}
		if err := os.Symlink(theirs, filepath.Join(own, name)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	if cache, err := os.UserCacheDir(); err == nil && os.Getenv("GOCACHE") == "" {
		os.Setenv("GOCACHE", filepath.Join(cache, "go-build")) // the go command's stays
	}
	for _, name := range []string{"XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"} {
		os.Setenv(name, home)
	}
	xdg.Reload()
	return m.Run()
}

// Own points folders, such as XDG_DATA_HOME, at an empty one for the length of a
// test, and returns it.
func Own(t testing.TB, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(xdg.Reload) // after the variables are back
	for _, name := range names {
		t.Setenv(name, dir)
	}
	xdg.Reload()
	return dir
}
