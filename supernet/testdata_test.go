package supernet

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/binas-tui/binas-tui/internal/npytest"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// The files of testdata were written by BINAS's own code with torch 1.13:
// supernet_raw.pth is a supernet with random weights, children.json and the
// arrays are networks of it and their answers, ckpt_* one small network in every
// form that the trainer saves.

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func readJSON(t testing.TB, name string, into any) {
	t.Helper()
	if err := json.Unmarshal(read(t, name), into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// array reads a .npy file of float32.
func array(t testing.TB, name string) (data []float32, shape []int) {
	t.Helper()
	a := npytest.Read(t, filepath.Join("testdata", name))
	return a.Floats, a.Shape
}

// raw is the supernet of testdata; tests do not change it.
var raw = sync.OnceValues(func() (Checkpoint, error) {
	data, err := os.ReadFile("testdata/supernet_raw.pth")
	if err != nil {
		return Checkpoint{}, err
	}
	return Decode(data)
})

func rawSupernet(t testing.TB) onnx.StateDict {
	t.Helper()
	c, err := raw()
	if err != nil {
		t.Fatal(err)
	}
	return c.Weights
}

func space(t testing.TB, name string, imageSize int) *model.Space {
	t.Helper()
	s, err := model.NewSpace(name, imageSize)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type goldenChild struct {
	Name     string
	Arch     string
	Params   int64
	Absmax32 float64 `json:"logit_absmax_32"`
	Absmax   float64 `json:"logit_absmax_224"`
}

// children are the golden networks.
func children(t testing.TB) []goldenChild {
	t.Helper()
	var file struct{ Children []goldenChild }
	readJSON(t, "children.json", &file)
	if len(file.Children) != 11 {
		t.Fatalf("%d children, expected 11", len(file.Children))
	}
	return file.Children
}

func pathOf(t testing.TB, s *model.Space, arch string) model.Path {
	t.Helper()
	a, err := model.ParseArchitecture(arch)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Path(a)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// answer is the logits of a network for images of shape [n, 3, size, size].
func answer(t testing.TB, arch model.Architecture, w onnx.StateDict, images []float32, shape []int) []float32 {
	t.Helper()
	onnxtest.Require(t)
	classes, err := ClassesOf(w)
	if err != nil {
		t.Fatal(err)
	}
	g, err := onnx.Network(arch, w, onnx.NetworkOptions{ImageSize: shape[2], Classes: classes, Batch: shape[0]})
	if err != nil {
		t.Fatal(err)
	}
	return onnxtest.Answer(t, g.Marshal(), func(x []float32) { copy(x, images) })[0]
}

// distance is the greatest difference of two lists.
func distance(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	d := 0.0
	for i := range a {
		if v := math.Abs(float64(a[i]) - float64(b[i])); !(v <= d) {
			d = v
		}
	}
	return d
}

// greatest is the greatest absolute value.
func greatest(a []float32) float64 { return distance(a, make([]float32, len(a))) }
