package supernet

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/fit/published"
	"github.com/binas-tui/binas-tui/internal/needed"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/onnx"
)

// formula is the weights of testdata/hardcorenas.py.
func formula(t Tensor) []float32 {
	sum := 0
	for _, b := range []byte(t.Name) {
		sum += int(b)
	}
	out := make([]float32, t.Elements())
	for i := range out {
		v := float64((sum*31+i*7919)%2003)/2003 - 0.5
		switch {
		case t.Kind == Variance || t.Kind == Scale:
			v = 1 + 0.4*v
		case t.Kind == Conv:
			v *= math.Sqrt(24 / float64(onnx.Elements(t.Shape[1:])))
		default:
			v *= 0.3
		}
		out[i] = float32(v)
	}
	return out
}

// answersAsTimm compares logits, by letter, with those of weights.
func answersAsTimm(t *testing.T, logits map[string][]float32, weights func(letter string, layout []Tensor) onnx.StateDict) {
	t.Helper()
	const size, classes = 64, 10
	image := make([]float32, 3*size*size)
	for i := range image {
		image[i] = float32(float64(i*7919%1000)/500 - 1)
	}
	s := space(t, "mobilenasnet", size)
	if len(logits) != 6 {
		t.Fatalf("%d networks", len(logits))
	}
	for letter, want := range logits {
		n, known := published.Find("hardcorenas_" + letter)
		if !known {
			t.Fatal(letter)
		}
		w := weights(letter, ChildLayout(s, n.Path, classes))
		if c, err := CheckChild(s, n.Path, w); err != nil || c != classes {
			t.Fatalf("%s: %d classes, %v", letter, c, err)
		}
		have := answer(t, n.Architecture, w, image, []int{1, 3, size, size})
		worst := 0.0
		for c, v := range want {
			worst = max(worst, math.Abs(float64(v-have[c])))
		}
		if least := slices.Max(want) - slices.Min(want); worst > 1e-4 || least < 0.05 || len(have) != classes {
			t.Errorf("%s: logits differ by %g, and among themselves by %g: %v, timm's are %v", letter, worst, least, have, want)
		}
	}
}

// The published HardCoRe-NAS networks are timm's: its state dicts have the tensors, and
// weights by a formula give its logits.
func TestHardCoReNASIsTimms(t *testing.T) {
	onnxtest.Require(t)
	var logits map[string][]float32
	readJSON(t, "hardcorenas.json", &logits)
	answersAsTimm(t, logits, func(_ string, layout []Tensor) onnx.StateDict {
		w := onnx.StateDict{}
		for _, tensor := range layout {
			if tensor.Kind != Batches {
				w[tensor.Name] = onnx.TensorData{Shape: tensor.Shape, Data: formula(tensor)}
			}
		}
		return w
	})
}

// What torch and safetensors save of timm's networks with random weights of its own
// loads, and gives its logits.
func TestTimmsStateDicts(t *testing.T) {
	onnxtest.Require(t)
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	python, dir := needed.Python(t, "timm", "torch", "safetensors"), t.TempDir()
	if out, err := exec.Command(python, "testdata/hardcorenas.py", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var logits map[string][]float32
	text, err := os.ReadFile(filepath.Join(dir, "logits.json"))
	if err == nil {
		err = json.Unmarshal(text, &logits)
	}
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "?.*"))
	if err != nil || len(files) != 6 {
		t.Fatalf("%v, %v", files, err)
	}
	answersAsTimm(t, logits, func(letter string, _ []Tensor) onnx.StateDict {
		for _, file := range files {
			if strings.HasPrefix(filepath.Base(file), letter+".") {
				c, err := Load(file)
				if err != nil {
					t.Fatal(err)
				}
				return c.Weights
			}
		}
		t.Fatal(letter)
		return nil
	})
}
