//go:build unix

package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/needed"
	"github.com/binas-tui/binas-tui/internal/timetest"
	"github.com/binas-tui/binas-tui/onnx"
)

// library is the ONNX Runtime of this machine; a test without one is skipped or
// fails.
func library(t *testing.T) string {
	t.Helper()
	lib, _, err := onnx.Find("")
	if err != nil {
		needed.Missing(t, err)
	}
	return lib.Path
}

const tinyNetwork = "[['ds_r1_k3_s1_e1_c16_nre'], ['ir_r1_k3_s2_e3_c24_nre_se0.25'], ['cn_r1_k1_s1_c64']]"

// measured is what scripts read of lut measure and measure.
type measured struct {
	Blocks   int
	Rounds   int
	File     string
	MedianMS float64 `json:"median_ms"`
}

// measureBusy runs a command that measures until the machine is quiet enough,
// a few times.
func measureBusy(t *testing.T, args ...string) (m measured) {
	t.Helper()
	timetest.Measured(t, func() bool {
		out, errs, code := command(t, args...)
		if code == 0 {
			if err := json.Unmarshal([]byte(out), &m); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			return true
		}
		if code != 1 || !strings.Contains(errs, "inconclusive") || out != "" {
			t.Fatalf("%q: exit code %d, output %q, error %q", args, code, out, errs)
		}
		return false
	})
	return m
}

// Interrupted with ctrl+c, a measurement says how to go on, writes no table and
// leaves what it measured; the same command goes on from there, and tidies up.
func TestMeasureIsInterruptedAndGoesOn(t *testing.T) {
	lib := library(t)
	out := filepath.Join(t.TempDir(), "table.json")
	args := []string{"lut", "measure", "--out", out, "--image-size", "32", "--networks", "24", "--onnxruntime", lib}
	w := Start(t, medium, append(args, "--rounds", "1000"))
	w.waitShown("network ")
	w.waitShownUntil("some networks", func(string) bool { return measuredLines(t, out+".run") >= 3 })
	w.send("\x03")
	if code := w.Exit(); code != 130 {
		t.Errorf("exit code %d, want 130", code)
	}
	screen := w.Screen()
	if !strings.Contains(screen, "the same command resumes") || strings.Contains(screen, "preparing") || strings.Contains(screen, "left") {
		t.Errorf("screen:\n%s", screen)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("an interrupted measurement wrote a table")
	}
	before := measuredLines(t, out+".run")
	m := measureBusy(t, append(args, "--rounds", "1", "--json")...)
	if m.Blocks != 120 || m.File != out || m.Rounds < 24 {
		t.Errorf("%+v after %d networks", m, before)
	}
	entries, err := os.ReadDir(filepath.Dir(out))
	if err != nil || len(entries) != 1 || entries[0].Name() != "table.json" {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// waitShown waits for a text of a command that has no idle signal.
func (w *Terminal) waitShown(text string) {
	w.t.Helper()
	w.waitShownUntil(text, func(screen string) bool { return strings.Contains(screen, text) })
}

// waitShownUntil looks at the screen whenever it changes.
func (w *Terminal) waitShownUntil(what string, holds func(screen string) bool) {
	w.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for !holds(w.Screen()) {
		select {
		case <-w.changed:
		case <-w.ended:
			w.t.Fatalf("the program ended while waiting for %s; the screen:\n%s", what, w.Screen())
		case <-deadline.C:
			w.t.Fatalf("waited %v for %s; the screen:\n%s", patience, what, w.Screen())
		}
	}
}

// measuredLines counts what a run folder holds.
func measuredLines(t *testing.T, folder string) int {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "measure.jsonl"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return max(0, bytes.Count(data, []byte("\n"))-1)
}

// SIGTERM ends a measurement as any other program.
func TestMeasureIsTerminated(t *testing.T) {
	w := Start(t, medium, []string{"measure", tinyNetwork, "--rounds", "1000", "--onnxruntime", library(t)})
	w.waitShown("left")
	w.Signal(syscall.SIGTERM)
	if code := w.Exit(); code != 143 {
		t.Errorf("exit code %d, want 143", code)
	}
}

// Every way in which there is no usable library is one line that says so.
func TestMeasureWithoutLibrary(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.so")
	if err := os.WriteFile(text, []byte("not a library"), 0o644); err != nil {
		t.Fatal(err)
	}
	install := "doctor --install-onnxruntime"
	cases := map[string][]string{text: {"not a usable ONNX Runtime"}, filepath.Join(dir, "missing.so"): {"was not found", install}}
	if cc, err := exec.LookPath("cc"); err == nil {
		old := filepath.Join(dir, "old.so")
		cmd := exec.Command(cc, "-shared", "-fPIC", "-x", "c", "-o", old, "-")
		cmd.Stdin = strings.NewReader("struct base { const void *(*api)(unsigned); const char *(*version)(void); };\n" +
			"static const void *api(unsigned v) { return 0; }\nstatic const char *version(void) { return \"1.10.0\"; }\n" +
			"static struct base b = {api, version};\nconst struct base *OrtGetApiBase(void) { return &b; }")
		if msg, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, msg)
		}
		cases[old] = []string{"older than", install}
	}
	for path, want := range cases {
		for _, args := range [][]string{
			{"measure", tinyNetwork}, {"lut", "measure", "--out", filepath.Join(dir, "a.json")}, {"lut", "verify"},
		} {
			out, errs, code := command(t, append(args, "--onnxruntime", path)...)
			if code != 2 || out != "" || strings.Count(errs, "\n") != 1 {
				t.Errorf("%v with %s: exit code %d, output %q, error %q", args, filepath.Base(path), code, out, errs)
			}
			for _, text := range want {
				if !strings.Contains(errs, text) {
					t.Errorf("%v with %s: no %q in %q", args, filepath.Base(path), text, errs)
				}
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "a.json")); err == nil {
		t.Error("a table was written")
	}
	if _, errs, code := command(t, "export", tinyNetwork, "--onnx", filepath.Join(dir, "x.onnx"), "--json"); code != 0 {
		t.Errorf("export without a library: exit code %d, %s", code, errs)
	}
}

func TestMeasureTargets(t *testing.T) {
	lib := library(t)
	if _, errs, code := command(t, "measure", tinyNetwork, "--target", "quantum"); code != 2 || !strings.Contains(errs, "expected one of") {
		t.Errorf("unknown target: exit code %d, %s", code, errs)
	}
	missing := "coreml"
	if runtime.GOOS == "darwin" {
		missing = "directml"
	}
	out, errs, code := command(t, "measure", tinyNetwork, "--target", missing, "--onnxruntime", lib)
	if code != 2 || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "not available: "+missing) {
		t.Errorf("target that the library lacks: exit code %d, output %q, error %q", code, out, errs)
	}
}

// A disk without room is told before anything is measured. Needs the right to
// mount.
func TestMeasureFullDisk(t *testing.T) {
	lib := library(t)
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("mount: %v: %s", err, out)
	}
	defer func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	}()
	out, errs, code := command(t, "lut", "measure", "--out", filepath.Join(dir, "a.json"), "--image-size", "32", "--onnxruntime", lib)
	if code != 1 || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "no space left") {
		t.Errorf("exit code %d, output %q, error %q", code, out, errs)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
