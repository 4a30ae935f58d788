package onnx_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/fit/published"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/onnx"
)

// enginesScript answers with every ONNX file named, on the values of a file, in
// other engines: lines of JSON.
const enginesScript = `
import json, sys
import numpy as np
import onnxruntime, openvino
values = np.fromfile(sys.argv[1], "<f4").reshape(1, 3, 224, 224)
for file in sys.argv[2:]:
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    compiled = openvino.compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for engine, logits in (
        ("onnxruntime " + onnxruntime.__version__, session.run(None, {"image": values})[0]),
        ("openvino " + openvino.__version__, compiled(values)[0]),
    ):
        print(json.dumps({"file": file, "engine": engine, "logits": np.asarray(logits)[0].astype(float).tolist()}))
`

// peer is a Python with the given modules, as make peers sets it up; a test without
// one is skipped.
func peer(t *testing.T, modules string) string {
	t.Helper()
	python := cmp.Or(os.Getenv("BINAS_PYTHON"), "../../peers/bin/python")
	if out, err := exec.Command(python, "-c", "import "+modules).CombinedOutput(); err != nil {
		t.Skipf("%s: %s are needed (make peers installs them, BINAS_PYTHON names another Python): %v %s", python, modules, err, out)
	}
	return python
}

// calmWeights keep activations as small as those of trained networks are: others
// grow until gates turn on the last bit.
type calmWeights struct{ onnx.RandomWeights }

func (w calmWeights) Tensor(name string, shape []int) ([]float32, error) {
	data, err := w.RandomWeights.Tensor(name, shape)
	if strings.HasSuffix(name, ".running_var") {
		for i := range data {
			data[i] *= 2
		}
	}
	return data, err
}

// Networks exported for deployment answer in OpenVINO and in another version of
// ONNX Runtime as here; in integers, which engines round each in their way, alike.
func TestOtherEnginesAnswerAlike(t *testing.T) {
	python := peer(t, "numpy, onnxruntime, openvino")
	onnxtest.Require(t)
	dir := t.TempDir()
	x, err := onnx.RandomWeights{Seed: 3}.Tensor("x.bias", []int{3 * 224 * 224})
	if err != nil {
		t.Fatal(err)
	}
	for i := range x {
		x[i] *= 20 // from -2 to 2
	}
	fill := func(in []float32) { copy(in, x) }
	var raw bytes.Buffer
	binary.Write(&raw, binary.LittleEndian, x)
	input := filepath.Join(dir, "x")
	if err := os.WriteFile(input, raw.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	args, want := []string{"-c", enginesScript, input}, map[string][]float32{}
	add := func(name string, g *onnx.Graph) {
		file := filepath.Join(dir, name+".onnx")
		if err := os.WriteFile(file, g.Marshal(), 0o644); err != nil {
			t.Fatal(err)
		}
		args, want[file] = append(args, file), onnxtest.Answer(t, g.Marshal(), fill)[0]
	}
	for _, n := range published.Networks() {
		if n.Family != published.BINAS {
			continue
		}
		g, err := onnx.Network(n.Architecture, calmWeights{onnx.RandomWeights{Seed: 1}}, onnx.NetworkOptions{})
		if err != nil {
			t.Fatal(err)
		}
		add(n.Letter, g)
		if n.Letter == "A" {
			o := g.Observed()
			ranges := map[string]onnx.Range{}
			for i, values := range onnxtest.Answer(t, o.Marshal(), fill) {
				ranges[o.Outputs()[i].Name] = onnx.Range{Min: slices.Min(values), Max: slices.Max(values)}
			}
			q, err := g.Quantised(func(name string) (onnx.Range, error) { return ranges[name], nil })
			if err != nil {
				t.Fatal(err)
			}
			add("int8", q)
		}
	}
	command := exec.CommandContext(t.Context(), python, args...)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if len(lines) != 2*7 {
		t.Fatalf("%d answers: expected those of 7 networks in 2 engines", len(lines))
	}
	for _, line := range lines {
		var a struct {
			File, Engine string
			Logits       []float64
		}
		if err := json.Unmarshal(line, &a); err != nil || len(a.Logits) != 1000 {
			t.Fatalf("%.80s: %d logits, %v", line, len(a.Logits), err)
		}
		off, largest := 0.0, 0.0
		for i, w := range want[a.File] {
			off, largest = max(off, math.Abs(a.Logits[i]-float64(w))), max(largest, math.Abs(float64(w)))
		}
		bound := 1e-4
		if filepath.Base(a.File) == "int8.onnx" {
			bound = 0.05
		}
		t.Logf("%s, %s: %.2g of logits up to %.3g", filepath.Base(a.File), a.Engine, off/largest, largest)
		if !(off <= bound*largest) {
			t.Errorf("%s in %s: logits are off by %.2g of the largest", filepath.Base(a.File), a.Engine, off/largest)
		}
	}
}
