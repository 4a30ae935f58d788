package cli

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/npytest"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
)

// supernetFile was saved by BINAS's own code, with the answers of networks of it.
const supernetFile = "../supernet/testdata/supernet_raw.pth"

func npyFile(t *testing.T, name string) []float32 {
	t.Helper()
	return npytest.Read(t, filepath.Join("../supernet/testdata", name)).Floats
}

func supernetChildren(t *testing.T) (archs []string) {
	t.Helper()
	data, err := os.ReadFile("../supernet/testdata/children.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Children []struct{ Arch string } }
	if err := json.Unmarshal(data, &file); err != nil || len(file.Children) == 0 {
		t.Fatal(err)
	}
	for _, c := range file.Children {
		archs = append(archs, c.Arch)
	}
	return archs
}

// A network exported out of a supernet's checkpoint, of torch or safetensors, and
// one exported from its own, answer as PyTorch did.
func TestExportFromSupernet(t *testing.T) {
	arch := supernetChildren(t)[0]
	c, err := supernet.Load(supernetFile)
	if err != nil {
		t.Fatal(err)
	}
	s, classes, err := supernet.SpaceOf(c.Weights, 32)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := model.ParseArchitecture(arch)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Path(parsed)
	if err != nil {
		t.Fatal(err)
	}
	child, err := supernet.Child(s, c.Weights, p)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := map[string]string{supernetFile: "taken out of the supernet"}
	for name, w := range map[string]onnx.StateDict{"super.safetensors": c.Weights, "child.safetensors": child} {
		file := filepath.Join(dir, name)
		if err := supernet.Save(file, supernet.Checkpoint{Weights: w}); err != nil {
			t.Fatal(err)
		}
		files[file] = name
	}
	images, logits := npyFile(t, "x32.npy"), npyFile(t, "child_logits_32.npy")[:4*classes]
	var want []float64
	for _, v := range logits {
		want = append(want, float64(v))
	}
	for file, weights := range files {
		out := filepath.Join(dir, "x.onnx")
		run := runCLI(t, "export", arch, "--onnx", out, "--checkpoint", file, "--image-size", "32", "--classes", "10", "--batch", "4", "--json")
		r := decode[exportJSON](t, run.out)
		if !r.Trained || r.Classes != classes || !strings.Contains(r.Weights, weights) || !strings.Contains(notesOf(t, run), "does not say what its classes are called and how images are prepared") {
			t.Errorf("%s: %+v", file, run)
		}
		if have := answerTo(t, out, func(x []float32) { copy(x, images) }); !closeTo(have, want, 1e-5) {
			t.Errorf("%s: answers %v, PyTorch's are %v", file, have, want)
		}
	}
}

func TestExportFromSupernetBadInput(t *testing.T) {
	arch := supernetChildren(t)[0]
	c, err := supernet.Load(supernetFile)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken.safetensors")
	w := maps.Clone(c.Weights)
	delete(w, "blocks.4.1.se.1.conv_expand.bias")
	if err := supernet.Save(broken, supernet.Checkpoint{Weights: w}); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "other.safetensors")
	w = maps.Clone(c.Weights)
	w["conv_stem.weight"] = onnx.TensorData{Shape: []int{16, 3, 3, 3}, Data: make([]float32, 432)}
	if err := supernet.Save(other, supernet.Checkpoint{Weights: w}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(supernetFile)
	if err != nil {
		t.Fatal(err)
	}
	short := writeTemp(t, "short.pth", data[:len(data)/3])
	file := filepath.Join(dir, "x.onnx")
	for _, c := range []struct{ arch, checkpoint, classes, want string }{
		{arch, supernetFile, "1000", "classifier.weight is [10 1280]"},
		{arch, broken, "10", "no such tensor: blocks.4.1.se.1.conv_expand.bias"},
		{arch, other, "10", "conv_stem.weight is [16 3 3 3]"},
		{arch, short, "10", "short.pth"},
		{largeNetwork, supernetFile, "10", "a supernet of mobilenasnet"},
	} {
		r := runCLI(t, "export", c.arch, "--onnx", file, "--checkpoint", c.checkpoint, "--classes", c.classes)
		if r.code != 2 || !strings.Contains(r.err, c.want) || strings.Count(r.err, "\n") != 1 || r.out != "" {
			t.Errorf("%s: exit code %d, output %q, error %q; want one line with %q", c.checkpoint, r.code, r.out, r.err, c.want)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a failed export left a file")
	}
}
