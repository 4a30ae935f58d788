package backprop

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/binas-tui/binas-tui/internal/npytest"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/kernels"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
)

// The files of testdata were written by BINAS's own code with torch 1.13, from
// ../testdata/supernet_raw.pth: one training step with one path for the batch
// (super_single), with a path per image (super_multi), with a teacher (ikd_step),
// and of a child with a teacher (kd_step).

func newSpace(t testing.TB, side int) *model.Space {
	t.Helper()
	s, err := model.NewSpace(model.MobileNASNet, side)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var raw = sync.OnceValues(func() (supernet.Checkpoint, error) {
	data, err := os.ReadFile("../testdata/supernet_raw.pth")
	if err != nil {
		return supernet.Checkpoint{}, err
	}
	return supernet.Decode(data)
})

// rawSupernet returns a copy of the weights of the golden data.
func rawSupernet(t testing.TB) onnx.StateDict {
	t.Helper()
	c, err := raw()
	if err != nil {
		t.Fatal(err)
	}
	w := onnx.StateDict{}
	for name, v := range c.Weights {
		w[name] = onnx.TensorData{Shape: v.Shape, Data: append([]float32{}, v.Data...)}
	}
	return w
}

// goldenBatch is the eight images of all golden steps.
func goldenBatch(t testing.TB) (x []float32, labels []int) {
	t.Helper()
	for _, v := range npytest.Read(t, "testdata/train_y.npy").Ints {
		labels = append(labels, int(v))
	}
	return npytest.Read(t, "testdata/train_x32.npy").Floats, labels
}

// goldenStep is an .npz file: float32 and float64 arrays, and indices.
type goldenStep struct {
	floats map[string][]float32
	ints   map[string][]int64
}

func readGolden(t testing.TB, name string) goldenStep {
	t.Helper()
	g := goldenStep{map[string][]float32{}, map[string][]int64{}}
	for key, a := range npytest.ReadZip(t, "testdata/"+name) {
		if a.Ints != nil {
			g.ints[key] = a.Ints
		} else {
			g.floats[key] = a.Floats
		}
	}
	return g
}

// path is the path of image i of a step with images, or of the whole batch.
func (g goldenStep) path(s *model.Space, i, images int) model.Path {
	p := model.Path{Depth: make([]int, len(s.Stages)), Option: make([]int, s.NumBlocks())}
	for k := range p.Depth {
		p.Depth[k] = s.MinDepth + int(g.ints["beta_depth_index"][k*images+i])
	}
	for k := range p.Option {
		p.Option[k] = int(g.ints["alpha_index"][k*images+i])
	}
	return p
}

// paths are those of a step with one per image.
func (g goldenStep) paths(s *model.Space, images int) []model.Path {
	var out []model.Path
	for i := range images {
		out = append(out, g.path(s, i, images))
	}
	return out
}

// noSlope are gradients that are 0 but for rounding: a normalisation follows and
// takes off what the bias adds.
var noSlope = regexp.MustCompile(`^gradient of blocks\..*\.bn3(\.\d)?\.bias$|^gradient of blocks\.0\.0\.bn2\.bias$`)

// compare checks values to a tolerance relative to the largest of want.
func compare(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if d := difference(what, got, want, tolerance); d != "" {
		t.Error(d)
	}
}

// difference says how values differ by more than compare allows; empty: they do not.
func difference(what string, got, want []float32, tolerance float64) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%s: %d values, want %d", what, len(got), len(want))
	}
	worst, largest := 0.0, 1e-4
	if noSlope.MatchString(what) {
		largest = 0.05
	}
	for i := range want {
		worst = max(worst, math.Abs(float64(got[i])-float64(want[i])))
		largest = max(largest, math.Abs(float64(want[i])))
	}
	if worst <= tolerance*largest {
		return ""
	}
	return fmt.Sprintf("%s: off by %.3g of %.3g", what, worst, largest)
}

// compareGradients checks every gradient of a golden step, which step repeats on
// other images without moving statistics.
//
// A value within rounding of the edge of a ReLU falls on either side of it, here as
// in PyTorch, and a channel has so few values that its gradient shows that. So before
// gradients are said to differ, rounding is drawn anew, by images that differ in
// their last bits; what is wrong stays wrong.
func compareGradients(t *testing.T, n *Network, g goldenStep, images []float32, step func(x []float32) error) {
	t.Helper()
	differences := g.gradients(t, n)
	first := differences
	for draw := range 6 {
		if len(differences) == 0 {
			return
		}
		x := slices.Clone(images)
		for i := range x {
			x[i] *= 1 + float32(draw+1)*0x1p-22
		}
		n.ZeroGradients()
		if err := step(x); err != nil {
			t.Fatal(err)
		}
		differences = g.gradients(t, n)
	}
	if len(differences) > 0 {
		t.Errorf("gradients differ, however rounding falls:\n%s", strings.Join(first, "\n"))
	}
}

// gradients lists those that differ.
func (g goldenStep) gradients(t *testing.T, n *Network) (differences []string) {
	t.Helper()
	count := 0
	for _, key := range slices.Sorted(maps.Keys(g.floats)) {
		name, ok := strings.CutPrefix(key, "grad/")
		if !ok {
			continue
		}
		count++
		if !n.Touched[name] {
			differences = append(differences, name+" has no gradient")
		} else if d := difference("gradient of "+name, n.Gradients[name].Data, g.floats[key], 1e-3); d != "" {
			differences = append(differences, d)
		}
	}
	if count == 0 {
		t.Fatal("no gradients in the golden data")
	}
	return differences
}

// compareTouched checks that exactly those parameters have a gradient that have
// one in PyTorch; the file lists null for the others.
func compareTouched(t *testing.T, n *Network, file string) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Grads map[string]*struct{ Absmax float64 }
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	for name, g := range golden.Grads {
		if n.Touched[name] != (g != nil) {
			t.Errorf("%s: touched %v, in PyTorch %v", name, n.Touched[name], g != nil)
		}
	}
	if len(golden.Grads) != len(n.Gradients) {
		t.Errorf("%d parameters, in PyTorch %d", len(n.Gradients), len(golden.Grads))
	}
}

// compareStatistics checks the running statistics that a step has left. PyTorch
// moves those of channels and blocks beside a single path too, here they stay:
// what the path uses is what PyTorch has, all else is that or as it was.
func compareStatistics(t *testing.T, s *model.Space, n *Network, w onnx.StateDict, g goldenStep) {
	t.Helper()
	before, after := rawSupernet(t), rawSupernet(t)
	count := 0
	for key, want := range g.floats {
		name, ok := strings.CutPrefix(key, "stat/")
		if !ok {
			continue
		}
		count++
		copy(after[name].Data, want)
		var moved, there []float32
		for i, v := range w[name].Data {
			if n.paths != nil || v != before[name].Data[i] {
				moved, there = append(moved, v), append(there, want[i])
			}
		}
		compare(t, name, moved, there, 1e-4)
	}
	if count == 0 {
		t.Fatal("no statistics in the golden data")
	}
	if n.paths != nil {
		return
	}
	have, err := supernet.Child(s, w, n.path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := supernet.Child(s, after, n.path)
	if err != nil {
		t.Fatal(err)
	}
	old, err := supernet.Child(s, before, n.path)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range want {
		if strings.Contains(name, ".running_") {
			compare(t, "of the child: "+name, have[name].Data, v.Data, 1e-4)
			if slices.Equal(have[name].Data, old[name].Data) {
				t.Errorf("of the child: %s did not move", name)
			}
		}
	}
}

func newEngine(t testing.TB, s *model.Space, classes int, o Options) *Engine {
	t.Helper()
	e, err := NewEngine(s, classes, onDevice(o))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// One path for the batch, and a path per image, give the original's loss,
// gradients and running statistics.
func TestPathsAreTorchs(t *testing.T) {
	eachKernels(t, func(t *testing.T, of kernels.Set) {
		s := newSpace(t, 32)
		x, labels := goldenBatch(t)
		e := newEngine(t, s, 10, Options{Batch: len(labels), Kernels: of})
		for file, set := range map[string]func(*Network, goldenStep) error{
			"super_single": func(n *Network, g goldenStep) error { return n.SetPath(g.path(s, 0, 1)) },
			"super_multi":  func(n *Network, g goldenStep) error { return n.SetPaths(g.paths(s, len(labels))) },
		} {
			t.Run(file, func(t *testing.T) {
				g, w := readGolden(t, file+".npz"), rawSupernet(t)
				n, err := e.Supernet(w)
				if err == nil {
					err = set(n, g)
				}
				if err != nil {
					t.Fatal(err)
				}
				r, err := n.Step(context.Background(), x, labels, Loss{Smoothing: 0.1}, StepOptions{})
				if err != nil {
					t.Fatal(err)
				}
				compare(t, "loss", []float32{float32(r.Loss)}, g.floats["loss_f64"], 1e-4)
				compare(t, "logits", r.Logits, g.floats["logits_f64"], 1e-3)
				compareGradients(t, n, g, x, again(n, labels, Loss{Smoothing: 0.1}))
				compareTouched(t, n, file+".json")
				compareStatistics(t, s, n, w, g)
			})
		}
	})
}

// again repeats a step on other images.
func again(n *Network, labels []int, loss Loss) func(x []float32) error {
	return func(x []float32) error {
		_, err := n.Step(context.Background(), x, labels, loss, StepOptions{KeepStatistics: true})
		return err
	}
}

// eachKernels runs a test with graphs of ordinary operators alone, and with every
// set of kernels that this machine has.
func eachKernels(t *testing.T, test func(t *testing.T, of kernels.Set)) {
	onnxtest.Require(t)
	sets := append([]kernels.Set{kernels.Off}, kernels.Available()...)
	if onnx.Target(*device).Kind() != onnx.CPU {
		t.Logf("on %s: graphs of ordinary operators alone, no kernels", *device)
		sets = sets[:1]
	}
	for _, of := range sets {
		t.Run(string(of), func(t *testing.T) { test(t, of) })
	}
}

// A teacher and the distillation of its logits give PyTorch's losses and
// gradients.
func TestDistillationIsTorchs(t *testing.T) {
	eachKernels(t, testDistillation)
}

func testDistillation(t *testing.T, of kernels.Set) {
	g := readGolden(t, "kd_step.npz")
	s := newSpace(t, 32)
	x, labels := goldenBatch(t)
	e := newEngine(t, s, 10, Options{Batch: len(labels), Kernels: of})
	w := rawSupernet(t)
	teacher := newTeacher(t, e, s, w)
	f, err := teacher.Features(context.Background(), x)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "teacher's logits", f.Logits, g.floats["logits_teacher"], 1e-4)

	path := goldenChild(t, s, "random3")
	child, err := supernet.Child(s, w, path)
	if err != nil {
		t.Fatal(err)
	}
	n, err := e.Child(path, child)
	if err != nil {
		t.Fatal(err)
	}
	loss := Loss{Teacher: f, KD: 2}
	r, err := n.Step(context.Background(), x, labels, loss, StepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "student's logits", r.Logits, g.floats["logits_student"], 1e-3)
	for _, c := range []struct {
		name string
		got  float64
	}{{"ce", r.CE}, {"loss_kd", 2 * r.KL}, {"total", r.Loss}} {
		compare(t, c.name, []float32{float32(c.got)}, g.floats[c.name], 1e-3)
	}
	compareGradients(t, n, g, x, again(n, labels, loss))
}

func newTeacher(t testing.TB, e *Engine, s *model.Space, w onnx.StateDict) *Teacher {
	t.Helper()
	path := s.HeaviestPath()
	child, err := supernet.Child(s, w, path)
	if err != nil {
		t.Fatal(err)
	}
	teacher, err := e.Teacher(path, child)
	if err != nil {
		t.Fatal(err)
	}
	return teacher
}

// goldenChild is the path of one of the networks of ../testdata/children.json.
func goldenChild(t testing.TB, s *model.Space, name string) model.Path {
	t.Helper()
	data, err := os.ReadFile("../testdata/children.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Children []struct{ Name, Arch string } }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Children {
		if c.Name != name {
			continue
		}
		arch, err := model.ParseArchitecture(c.Arch)
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Path(arch)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	t.Fatal("no child ", name)
	return model.Path{}
}
