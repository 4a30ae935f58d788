package cli

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/adrg/xdg"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/nobodytest"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// damages are what can be in the place of a file that is read.
var damages = map[string]func(file string, good []byte) error{
	"empty":     func(file string, _ []byte) error { return os.WriteFile(file, nil, 0o644) },
	"truncated": func(file string, good []byte) error { return os.WriteFile(file, good[:len(good)/2], 0o644) },
	"another type": func(file string, _ []byte) error {
		return os.WriteFile(file, []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00"), 0o644)
	},
	"a folder": func(file string, _ []byte) error { return os.Mkdir(file, 0o755) },
	"a pipe":   func(file string, _ []byte) error { return syscall.Mkfifo(file, 0o644) },
	"unreadable": func(file string, good []byte) error {
		return errors.Join(os.WriteFile(file, good, 0o600), os.Chmod(file, 0))
	},
	"too large": func(file string, good []byte) error {
		return errors.Join(os.WriteFile(file, good, 0o644), os.Truncate(file, 1<<40))
	},
	"a dangling link": func(file string, _ []byte) error { return os.Symlink("nowhere", file) },
}

// Everything that reads a file refuses each of them with exit code 2 and one line
// that names it, and waits for nothing.
func TestDamagedInput(t *testing.T) {
	onnxtest.Require(t)
	passable(t)
	data := idxFolder(t, 40)
	run, checkpoint, space := newSupernet(t, data)
	arch := space.Architecture(space.HeaviestPath()).String()
	lut := must(latency.EncodeLUT(must(explore.LoadLUT("ort-cpu-224-1t"))))
	pkl, _, err := latency.EncodePickle(must(explore.LoadLUT("ort-cpu-224-1t")))
	if err != nil {
		t.Fatal(err)
	}
	predictor, info, err := explore.LoadPredictor("published-12")
	if err != nil {
		t.Fatal(err)
	}
	safetensors := must(model.EncodePredictor(predictor, info))
	samples := readFile(t, accuracyTable(t, "fit", 0, 40))
	graph := must(onnx.Network(space.Architecture(space.HeaviestPath()), onnx.RandomWeights{}, onnx.NetworkOptions{ImageSize: 32, Classes: 3})).Marshal()
	settings := readFile(t, filepath.Join(run, "settings.json"))
	begun := t.TempDir()
	train := []string{"train", "--stage", "heaviest", "--data", data, "--image-size", "32", "--batch-size", "8", "--epochs", "1", "--out"}
	if r := runCLI(t, append(train, begun)...); r.code != 0 {
		t.Fatal(r.err)
	}
	gone := []string{"a dangling link"} // is no file: it is begun
	type loader struct {
		name string // of the file
		good []byte
		args func(file string) []string
		fine []string // damages that this one goes on with
	}
	plain := func(name string, good []byte, args ...string) loader {
		return loader{name: name, good: good, args: func(file string) []string {
			out := slices.Clone(args)
			for i := range out {
				out[i] = strings.ReplaceAll(out[i], "FILE", file)
			}
			return out
		}}
	}
	source := []string{"--data", data, "--image-size", "32", "--train-percent", "50"}
	for name, l := range map[string]loader{
		"table, JSON":          plain("lut.json", lut, "search", "--limit", "5ms", "--lut", "FILE"),
		"table, pickle":        plain("lut.pkl", pkl, "lut", "show", "FILE"),
		"table to convert":     plain("lut.pkl", pkl, "lut", "convert", "FILE", "-", "--to", "json"),
		"table to compare":     plain("lut.json", lut, "lut", "compare", "ort-cpu-224-1t", "FILE"),
		"table to verify":      plain("lut.json", lut, "lut", "verify", "--lut", "FILE"),
		"table of a limit":     plain("lut.json", lut, "search", "--limit", "5ms", "--limit-on", "FILE=12ms"),
		"predictor":            plain("p.safetensors", safetensors, "search", "--limit", "5ms", "--predictor", "FILE"),
		"predictor, explorer":  plain("p.safetensors", safetensors, "--plain", "--limit", "5ms", "--predictor", "FILE"),
		"samples":              plain("samples.pkl", samples, "fit", "--fit-accuracy-lut", "FILE", "--predictor-ckpt", filepath.Join(t.TempDir(), "p")),
		"contributions":        plain("c.pkl", samples, "contribute", "--from-lut", "FILE", "--out", filepath.Join(t.TempDir(), "p")),
		"architecture":         plain("arch.txt", []byte(arch), "export", "FILE", "--onnx", filepath.Join(t.TempDir(), "x.onnx")),
		"checkpoint to export": plain("c.safetensors", readFile(t, checkpoint), "export", arch, "--onnx", filepath.Join(t.TempDir(), "x.onnx"), "--checkpoint", "FILE"),
		"checkpoint to sample": plain("c.safetensors", readFile(t, checkpoint), append([]string{"sample", "--checkpoint", "FILE", "--num", "1", "--out", filepath.Join(t.TempDir(), "s")}, source...)...),
		"checkpoint":           plain("c.safetensors", readFile(t, checkpoint), append([]string{"validate", "--checkpoint", "FILE", "--arch", arch}, source...)...),
		"ONNX":                 plain("n.onnx", graph, append([]string{"validate", "--checkpoint", "FILE"}, source...)...),
		"settings to sample":   {"settings.json", settings, func(file string) []string { return []string{"sample", "--run", filepath.Dir(file), "--num", "1"} }, nil},
		"settings to validate": {"settings.json", settings, func(file string) []string {
			return []string{"validate", "--run", filepath.Dir(file), "--arch", arch}
		}, nil},
		"settings to train": {"settings.json", settings, func(file string) []string { return append(train, filepath.Dir(file)) }, gone},
		"settings of a pipeline": {"settings.json", []byte(`{"data": "` + data + `", "space": "x"}`), func(file string) []string {
			return []string{"pipeline", "--data", data, "--out", filepath.Dir(file), "--image-size", "32"}
		}, gone},
		"state": {"heaviest.state", readFile(t, filepath.Join(begun, "heaviest.state")), func(file string) []string {
			if err := os.WriteFile(filepath.Join(filepath.Dir(file), "settings.json"), readFile(t, filepath.Join(begun, "settings.json")), 0o644); err != nil {
				t.Fatal(err)
			}
			return append(train, filepath.Dir(file))
		}, gone},
	} {
		for damage, place := range damages {
			if slices.Contains(l.fine, damage) {
				continue
			}
			dir, err := os.MkdirTemp("/tmp", "damaged") // where nobody may pass
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(dir)
			file := filepath.Join(dir, l.name)
			if err := errors.Join(os.Chmod(dir, 0o777), place(file, l.good)); err != nil {
				t.Fatal(err)
			}
			checkRefused(t, name, damage, l.name, l.args(file))
		}
	}
}

// ONNX files that are whole and cannot be run.
func TestUnusableONNX(t *testing.T) {
	onnxtest.Require(t)
	data := idxFolder(t, 40)
	for name, build := range map[string]func(g *onnx.Graph, x string) string{
		"an unknown operator": func(g *onnx.Graph, x string) string { return g.Node("logits", "Nonsense", []string{x}) },
		"a stride of zero": func(g *onnx.Graph, x string) string {
			y := g.Node("pool", "AveragePool", []string{x}, onnx.Ints("kernel_shape", 4, 4), onnx.Ints("strides", 0, 0))
			return g.Node("logits", "Flatten", []string{y})
		},
		"another shape than declared": func(g *onnx.Graph, x string) string { return g.Node("logits", "Flatten", []string{x}) },
	} {
		g := onnx.NewGraph("unusable")
		g.Output(build(g, g.Input("image", 1, 3, 4, 4)), 1, 3)
		file := writeTemp(t, "n.onnx", g.Marshal())
		checkRefused(t, "validate", name, file, []string{"validate", "--checkpoint", file, "--data", data, "--train-percent", "50"})
	}
}

// passable makes the test's folders such that others may pass, and one of them the
// user's: nobody may look into that of root.
func passable(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	if err := os.Chmod(filepath.Dir(home), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(xdg.Reload)
	t.Setenv("XDG_DATA_HOME", home)
	xdg.Reload()
	return home
}

// checkRefused runs a command that must end with exit code 2 and one line.
func checkRefused(t *testing.T, name, damage, file string, args []string) {
	t.Helper()
	ended := make(chan result, 1)
	go func() {
		var r result
		work := func() { r = runCLI(t, args...) }
		if damage == "unreadable" {
			nobodytest.Run(work)
		} else {
			work()
		}
		ended <- r
	}()
	select {
	case r := <-ended:
		said := 0
		for line := range strings.Lines(r.err) {
			if !strings.HasPrefix(line, "note: ") {
				said++
			}
		}
		if r.code != exitUsage || !strings.Contains(r.err, file) || said != 1 {
			t.Errorf("%s, %s: exit code %d, %q: expected 2 and one line with %s", name, damage, r.code, r.err, file)
		}
	case <-time.After(20 * time.Second):
		t.Errorf("%s, %s: waits", name, damage)
	}
}

// Data sets are refused likewise: damaged in a file, not readable, of one class.
func TestDamagedData(t *testing.T) {
	onnxtest.Require(t)
	base := passable(t)
	commands := func(data string) map[string][]string {
		return map[string][]string{
			"data show": {"data", "show", data},
			"train":     {"train", "--stage", "heaviest", "--data", data, "--image-size", "32", "--batch-size", "8", "--epochs", "1", "--out", filepath.Join(base, "run")},
			"pipeline":  {"pipeline", "--data", data, "--image-size", "32", "--out", filepath.Join(base, "pipeline")},
		}
	}
	for damage, place := range damages {
		for _, name := range []string{"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "dataset.json"} {
			if damage == "a dangling link" && name == "dataset.json" {
				continue // there may be none
			}
			data := idxFolder(t, 40)
			file := filepath.Join(data, name)
			good, _ := os.ReadFile(file)
			if name == "dataset.json" {
				good = []byte(`{"name": "x", "class_names": ["a", "b", "c"]}`)
			}
			os.Remove(file)
			if err := place(file, good); err != nil {
				t.Fatal(err)
			}
			for command, args := range commands(data) {
				checkRefused(t, command+" with "+name, damage, data, args)
			}
		}
	}
	hidden := filepath.Join(base, "hidden")
	if err := errors.Join(os.Mkdir(hidden, 0o700), os.Chmod(hidden, 0)); err != nil {
		t.Fatal(err)
	}
	one := filepath.Join(base, "one")
	for _, part := range []string{"train", "val"} {
		if err := os.MkdirAll(filepath.Join(one, part, "only"), 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range 16 {
			var b bytes.Buffer
			if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 32, 32))); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(one, part, "only", fmt.Sprintf("%d.png", i)), b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	pipe := filepath.Join(base, "pipe")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	for command, args := range commands(hidden) {
		checkRefused(t, command, "unreadable", hidden, args)
	}
	for command, args := range commands(pipe) {
		checkRefused(t, command, "a pipe", pipe, args)
	}
	for command, args := range commands(one) {
		if command != "data show" { // it may be looked at
			checkRefused(t, command, "one class", one, args)
		}
	}
}
