//go:build unix

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/datatest"
)

// A build without cgo explores, searches and exports. Whatever would run a
// network says in one line why not, and which build would.
func TestWithoutCgo(t *testing.T) {
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "binas-tui"), "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	defer func(whole string) { binary = whole }(binary)
	binary = filepath.Join(dir, "binas-tui")
	home := filepath.Join(dir, "home")
	t.Setenv("XDG_DATA_HOME", home)
	data, run := t.TempDir(), filepath.Join(dir, "run")
	datatest.Patches(t, data, "train", 40)
	datatest.Patches(t, data, "t10k", 10)

	const why, which = "built without cgo", "CGO_ENABLED=1 and a C compiler"
	for _, args := range [][]string{
		{"measure", tinyNetwork}, {"lut", "measure", "--out", filepath.Join(dir, "a.json")}, {"lut", "verify"},
		{"measure", tinyNetwork, "--onnxruntime", filepath.Join(dir, "missing.so")},
		{"pipeline", "--data", data, "--out", run}, {"train", "--stage", "heaviest", "--data", data, "--out", run},
		{"validate", "--arch", tinyNetwork, "--checkpoint", filepath.Join(dir, "none.pth"), "--data", data},
		{"doctor", "--install-onnxruntime"},
	} {
		out, errs, code := command(t, args...)
		if code != 1 || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, why) || !strings.Contains(errs, which) {
			t.Errorf("%v: exit code %d, output %q, error %q", args, code, out, errs)
		}
	}
	for _, made := range []string{"a.json", "run", "home"} {
		if _, err := os.Stat(filepath.Join(dir, made)); err == nil {
			t.Errorf("%s was written", made)
		}
	}

	for want, args := range map[string][]string{
		"without cgo":         {"--version"},
		why:                   {"doctor"},
		`"status": "optimal"`: {"search", "--limit", "45ms", "--json"},
		`"bytes":`:            {"export", tinyNetwork, "--onnx", filepath.Join(dir, "x.onnx"), "--json"},
	} {
		out, errs, code := command(t, args...)
		if code != 0 || errs != "" || !strings.Contains(out, want) || strings.Contains(out, "--install-onnxruntime") {
			t.Errorf("%v: exit code %d, error %q, output without %q:\n%s", args, code, errs, want, out)
		}
	}

	w := explore(t, narrow)
	start := w.waitLimit("a network", func(float64) bool { return true })
	w.pressLimit("right", func(l float64) bool { return l > start.limit })
	w.Press("m")
	w.WaitFor(why)
	w.WaitFor(which)
	w.Press("esc")
	w.WaitGone(why)
	w.Press("q")
	if code := w.Exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
