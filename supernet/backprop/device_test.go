package backprop

import (
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/kernels"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
)

// device is what the tests and benchmarks of this package train on: a target; or memory,
// the processor with tensors in memory that behaves as a card's does.
var device = flag.String("device", "", "what trains in tests and benchmarks: cpu, cuda, cuda:1, or memory (the processor, with tensors in memory like a card's)")

// onDevice are the options of an engine on the device of the flag.
func onDevice(o Options) Options {
	switch *device {
	case "":
	case "memory":
		o.memory = onnx.NewProcessorMemory(&onnxtest.Memory{})
	default:
		if o.Target = onnx.Target(*device); o.Target.Kind() != onnx.CPU {
			o.Kernels = ""
		}
	}
	return o
}

// trained is what some steps leave behind.
type trained struct {
	results   []Result
	moments   [][]Moments
	gradients []onnx.StateDict
	touched   []map[string]bool
	weights   onnx.StateDict
}

// training is steps on a network of an engine.
type training struct {
	options  Options
	supernet bool
	path     model.Path // of a child
	teacher  bool
	loss     Loss
	set      func(n *Network, step int) error
}

// train does three steps with an optimizer, two of which add up, on images, paths and
// what is dropped that only seeds choose.
func (c training) train(t *testing.T, memory *onnx.Memory) (out trained) {
	const batch, classes = 4, 10
	s := newSpace(t, 32)
	o := c.options
	o.Batch, o.Threads, o.memory = batch, 2, memory
	e, err := NewEngine(s, classes, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	var n *Network
	if c.supernet {
		out.weights = supernet.Init{Seed: 5}.Weights(supernet.Layout(s, classes))
		n, err = e.Supernet(out.weights)
	} else {
		out.weights = supernet.Init{Seed: 5}.Weights(supernet.ChildLayout(s, c.path, classes))
		n, err = e.Child(c.path, out.weights)
	}
	if err != nil {
		t.Fatal(err)
	}
	var teacher *Teacher
	if c.teacher {
		heaviest := s.HeaviestPath()
		if teacher, err = e.Teacher(heaviest, supernet.Init{Seed: 6, ResidualScale: 1}.Weights(supernet.ChildLayout(s, heaviest, classes))); err != nil {
			t.Fatal(err)
		}
	}
	x, labels := randomBatch(batch, 32, classes)
	for step := range 4 {
		loss := c.loss
		if teacher != nil {
			if loss.Teacher, err = teacher.Features(t.Context(), x); err != nil {
				t.Fatal(err)
			}
		}
		if c.set != nil {
			if err := c.set(n, step); err != nil {
				t.Fatal(err)
			}
		}
		if step != 2 { // adds to the one before
			n.ZeroGradients()
		}
		r, err := n.Step(t.Context(), x, labels, loss, StepOptions{Dropout: 0.2, DropPath: 0.3, Seed: uint64(step), KeepStatistics: step == 1})
		if err != nil {
			t.Fatal(err)
		}
		r.Logits = slices.Clone(r.Logits)
		gradients := onnx.StateDict{}
		for name := range n.Touched {
			g, w := n.Gradients[name], out.weights[name]
			gradients[name] = onnx.TensorData{Shape: g.Shape, Data: slices.Clone(g.Data)}
			for i, v := range g.Data {
				w.Data[i] -= 0.01 * v
			}
		}
		out.results, out.moments = append(out.results, r), append(out.moments, n.Moments())
		out.gradients, out.touched = append(out.gradients, gradients), append(out.touched, maps.Clone(n.Touched))
	}
	return out
}

// bitEqual is a test of lists that takes NaN for NaN.
func bitEqual(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

func sameStates(t *testing.T, what string, got, want onnx.StateDict) {
	t.Helper()
	if len(got) != len(want) || len(want) == 0 {
		t.Errorf("%s: %d tensors, want %d", what, len(got), len(want))
	}
	for name, w := range want {
		if !bitEqual(got[name].Data, w.Data) {
			t.Errorf("%s of %s differ", what, name)
		}
	}
}

// Training with all tensors in a device's memory gives the bits of training in place,
// whatever is trained.
func TestDeviceMemoryIsThePlace(t *testing.T) {
	onnxtest.Require(t)
	s := newSpace(t, 32)
	random := func(seed uint64) model.Path { return randomPath(s, rand.New(rand.NewPCG(seed, 1))) }
	levels := map[string]onnx.Levels{}
	ranged := random(3)
	for i := range ranged.Option {
		if !s.Active(ranged, i) {
			ranged.Option[i] = model.Off
		}
	}
	weights := supernet.Init{Seed: 5}.Weights(supernet.ChildLayout(s, ranged, 10))
	g, err := onnx.Network(s.Architecture(ranged), weights, onnx.NetworkOptions{ImageSize: 32, Classes: 10, Batch: 4})
	if err == nil {
		levels, err = g.Levels(func(string) (onnx.Range, error) { return onnx.Range{Min: -4, Max: 6}, nil })
	}
	if err != nil {
		t.Fatal(err)
	}
	distilled := Loss{Smoothing: 0.1, KD: 1, Features: 0.02}
	for name, c := range map[string]training{
		"heaviest":         {path: s.HeaviestPath(), loss: Loss{Smoothing: 0.1}},
		"heaviest, graphs": {options: Options{Kernels: kernels.Off}, path: s.HeaviestPath(), loss: Loss{Smoothing: 0.1}},
		"fine-tuned":       {path: ranged, teacher: true, loss: Loss{KD: 2}},
		"fine-tuned, int8": {options: Options{Levels: levels}, path: ranged, loss: Loss{}},
		"one-shot":         {supernet: true, teacher: true, loss: distilled, set: func(n *Network, step int) error { return n.SetPath(random(uint64(step / 2))) }},
		"one-shot, graphs": {options: Options{Kernels: kernels.Off}, supernet: true, teacher: true, loss: distilled, set: func(n *Network, step int) error { return n.SetPath(random(uint64(step / 2))) }},
		"a path each image": {supernet: true, teacher: true, loss: distilled, set: func(n *Network, step int) error {
			var paths []model.Path
			for i := range 4 {
				paths = append(paths, random(uint64(4*step+i)))
			}
			return n.SetPaths(paths)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			want := c.train(t, nil)
			memory := &onnxtest.Memory{}
			got := c.train(t, onnx.NewProcessorMemory(memory))
			if memory.Copies == 0 {
				t.Error("nothing was copied: the memory was not used")
			}
			for i, w := range want.results {
				g := got.results[i]
				if !bitEqual(g.Logits, w.Logits) || fmt.Sprint(g.Loss, g.CE, g.KL, g.Stages) != fmt.Sprint(w.Loss, w.CE, w.KL, w.Stages) {
					t.Errorf("step %d: loss %v of %v, %v, %v, in place %v of %v, %v, %v", i, g.Loss, g.CE, g.KL, g.Stages, w.Loss, w.CE, w.KL, w.Stages)
				}
				if !maps.Equal(got.touched[i], want.touched[i]) {
					t.Errorf("step %d: other parameters have gradients", i)
				}
				sameStates(t, fmt.Sprintf("step %d: gradients", i), got.gradients[i], want.gradients[i])
				for k, m := range want.moments[i] {
					if o := got.moments[i][k]; o.Name != m.Name || o.Count != m.Count || !bitEqual(o.Mean, m.Mean) || !bitEqual(o.Variance, m.Variance) {
						t.Errorf("step %d: moments of %s differ", i, m.Name)
					}
				}
			}
			sameStates(t, "weights", got.weights, want.weights)
		})
	}
}

// A device that is full is an error, wherever that comes to light, and all that was
// taken of it is freed.
func TestAFullDevice(t *testing.T) {
	onnxtest.Require(t)
	s := newSpace(t, 32)
	path := s.HeaviestPath()
	x, labels := randomBatch(4, 32, 10)
	for limit, done := 8<<20, false; !done; limit += 12 << 20 {
		e, err := NewEngine(s, 10, Options{Batch: 4, memory: onnx.NewProcessorMemory(&onnxtest.Memory{Limit: limit})})
		if err != nil {
			t.Fatal(err)
		}
		n, err := e.Child(path, supernet.Init{Seed: 5}.Weights(supernet.ChildLayout(s, path, 10)))
		if err == nil {
			_, err = n.Step(t.Context(), x, labels, Loss{}, StepOptions{})
		}
		if done = err == nil; !done && !strings.Contains(err.Error(), "out of memory") {
			t.Fatalf("of %d MB: %v", limit>>20, err)
		}
		if err := e.Close(); err != nil {
			t.Errorf("of %d MB: %v", limit>>20, err)
		}
	}
}
