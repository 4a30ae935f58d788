//go:build unix

package e2e

import (
	"bytes"
	encoding "encoding/binary"
	hexadecimal "encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/needed"
)

// answer is a line of predictions, or of the programs in docs/deploy.
type answer struct {
	Image  string
	Label  int
	Top5   []int
	Class  string
	Logits []float64
}

func answers(t *testing.T, lines []byte) map[string]answer {
	t.Helper()
	out := map[string]answer{}
	for _, line := range bytes.Split(bytes.TrimSpace(lines), []byte("\n")) {
		var a answer
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if a.Image != "" {
			out[filepath.Base(a.Image)] = a
		}
	}
	return out
}

// The programs of docs/deploy, and ONNX Runtime in Python and Node, answer as validate
// does to image files of every kind.
func TestDeployment(t *testing.T) {
	if testing.Short() {
		t.Skip("trains")
	}
	library(t)
	// Every kind of file that is read, and what PIL makes of it.
	const images = "../supernet/dataset/testdata/images"
	var pixels map[string]struct {
		Width, Height int
		RGB           string
	}
	text, err := os.ReadFile(images + ".json")
	if err == nil {
		err = json.Unmarshal(text, &pixels)
	}
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	data, network, predictions := filepath.Join(dir, "data"), filepath.Join(dir, "network.onnx"), filepath.Join(dir, "predictions.jsonl")
	var names []string
	for name := range pixels {
		names = append(names, name)
	}
	slices.Sort(names)
	where := map[string]string{}
	for i, name := range names {
		file, err := os.ReadFile(filepath.Join(images, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"train", "val"} {
			where[name] = filepath.Join(data, part, string('a'+byte(i%3)), name)
			if err := os.MkdirAll(filepath.Dir(where[name]), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(where[name], file, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	must := func(args ...string) string {
		t.Helper()
		out, errs, code := command(t, args...)
		if code != 0 {
			t.Fatalf("%v: exit code %d, %s", args, code, errs)
		}
		return out
	}
	// More than 96 pixels, so that images are trimmed.
	must("train", "--stage", "heaviest", "--data", data, "--out", filepath.Join(dir, "run"), "--image-size", "112", "--preset", "small", "--batch-size", "8", "--epochs", "3", "--model-ema=false",
		"--train-percent", "100", "--augment", "none")
	described := must("export", "--checkpoint", filepath.Join(dir, "run", "heaviest.safetensors"), "--onnx", network, "--check", where["coarse.jpg"], "--json")
	must("validate", "--checkpoint", network, "--data", data, "--predictions", predictions)
	lines, err := os.ReadFile(predictions)
	if err != nil {
		t.Fatal(err)
	}
	want := answers(t, lines)
	var spread []float64
	for _, a := range want {
		spread = append(spread, a.Logits[0])
	}
	if len(want) != len(names) || slices.Max(spread)-slices.Min(spread) < 0.05 {
		t.Fatalf("%d predictions of %d images, whose first logits are %.3f to %.3f", len(want), len(names), slices.Min(spread), slices.Max(spread))
	}
	same := func(t *testing.T, have map[string]answer, images []string) {
		t.Helper()
		if len(have) != len(images) {
			t.Errorf("%d answers to %d images", len(have), len(images))
		}
		for _, name := range images {
			h, w := have[name], want[name]
			worst := 0.0
			for c, v := range w.Logits {
				if len(h.Logits) == len(w.Logits) {
					worst = max(worst, math.Abs(v-h.Logits[c]))
				}
			}
			if len(h.Logits) != 3 || worst > 1e-4 || slices.Index(h.Logits, slices.Max(h.Logits)) != w.Top5[0] || h.Class != "" && h.Class != string('a'+byte(w.Top5[0])) {
				t.Errorf("%s: %+v, expected %+v", name, h, w)
			}
		}
	}
	run := func(t *testing.T, program string, args ...string) []byte {
		t.Helper()
		out, err := exec.Command(program, args...).Output()
		if exit, ok := err.(*exec.ExitError); ok {
			err = fmt.Errorf("%w\n%s", err, exit.Stderr)
		}
		if err != nil {
			t.Fatalf("%s: %v", program, err)
		}
		return out
	}
	paths := func(names []string) (out []string) {
		for _, name := range names {
			out = append(out, where[name])
		}
		return out
	}
	var checked struct {
		Checked struct{ Difference, InputDifference float64 }
	}
	if err := json.Unmarshal([]byte(described), &checked); err != nil || checked.Checked.Difference > 1e-4 || checked.Checked.InputDifference != 0 {
		t.Errorf("checked: %+v, %v", checked, err)
	}

	t.Run("python", func(t *testing.T) {
		python := needed.Python(t, "numpy", "onnxruntime", "PIL")
		same(t, answers(t, run(t, python, append([]string{"../docs/deploy/classify.py", network}, paths(names)...)...)), names)
	})
	t.Run("node", func(t *testing.T) {
		nodeModules(t)
		file := filepath.Join(dir, "network.json")
		if err := os.WriteFile(file, []byte(described), 0o644); err != nil {
			t.Fatal(err)
		}
		read := slices.DeleteFunc(slices.Clone(names), func(name string) bool { // docs/DEPLOYING.md names them
			return strings.HasSuffix(name, ".bmp") || strings.HasSuffix(name, ".gif") || name == "cmyk.jpg"
		})
		script, err := filepath.Abs("../docs/deploy/classify.mjs")
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("node", append([]string{script, network, file}, paths(read)...)...)
		cmd.Dir = "node"
		out, err := cmd.Output()
		if exit, ok := err.(*exec.ExitError); ok {
			t.Fatalf("node: %v\n%s", err, exit.Stderr)
		}
		same(t, answers(t, out), read)
	})
	t.Run("c++", func(t *testing.T) {
		compiler, program := needed.Program(t, "g++"), filepath.Join(dir, "prepare")
		if out, err := exec.Command(compiler, "-std=c++17", "-Wall", "-Werror", "-O2", "-I", "../docs/deploy", "-o", program, "testdata/prepare.cpp").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		var prepared [][]float32
		for _, name := range names {
			p := pixels[name]
			rgb, err := hexadecimal.DecodeString(p.RGB)
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(program, fmt.Sprint(p.Width), fmt.Sprint(p.Height), "112", "0.875", "0.485", "0.456", "0.406", "0.229", "0.224", "0.225")
			cmd.Stdin = bytes.NewReader(rgb)
			raw, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			x := make([]float32, len(raw)/4)
			if _, err := encoding.Decode(raw, encoding.LittleEndian, x); err != nil {
				t.Fatal(err)
			}
			prepared = append(prepared, x)
		}
		have := map[string]answer{}
		for i, z := range runHere(t, network, prepared...) {
			a := answer{}
			for _, v := range z {
				a.Logits = append(a.Logits, float64(v))
			}
			have[names[i]] = a
		}
		same(t, have, names)
	})
}
