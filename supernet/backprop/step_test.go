package backprop

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/internal/timetest"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
)

// smallest is a network to test steps on, at 32 pixels with batches of 4.
func smallest(t *testing.T) (*Engine, *Network, onnx.StateDict) {
	t.Helper()
	onnxtest.Require(t)
	s := newSpace(t, 32)
	p := s.HeaviestPath()
	for i := range p.Depth {
		p.Depth[i] = s.MinDepth
	}
	for i := range p.Option {
		p.Option[i] = 0
	}
	w := supernet.Init{Seed: 3}.Weights(supernet.ChildLayout(s, p, 10))
	e := newEngine(t, s, 10, Options{Batch: 4, Threads: 1})
	n, err := e.Child(p, w)
	if err != nil {
		t.Fatal(err)
	}
	return e, n, w
}

// Two steps add their gradients; zeroing forgets them.
func TestGradientsAddUp(t *testing.T) {
	_, n, _ := smallest(t)
	x, labels := randomBatch(4, 32, 10)
	step := func() {
		if _, err := n.Step(context.Background(), x, labels, Loss{}, StepOptions{KeepStatistics: true}); err != nil {
			t.Fatal(err)
		}
	}
	step()
	once := map[string][]float32{}
	for name := range n.Touched {
		once[name] = append([]float32{}, n.Gradients[name].Data...)
	}
	if len(once) != len(n.Gradients) {
		t.Errorf("%d of %d parameters have a gradient", len(once), len(n.Gradients))
	}
	step()
	for name, want := range once {
		for i := range want {
			if got := n.Gradients[name].Data[i]; math.Abs(float64(got-2*want[i])) > 1e-5*math.Abs(float64(want[i]))+1e-6 {
				t.Fatalf("%s[%d] is %v after two steps, %v after one", name, i, got, want[i])
			}
		}
	}
	n.ZeroGradients()
	step()
	for name, want := range once {
		compare(t, name, n.Gradients[name].Data, want, 1e-6)
	}
}

// With two labels loss and gradients are the weighted sums of those with one, and the
// gradient of the logits is the slope of the loss.
func TestMixedLabels(t *testing.T) {
	_, n, _ := smallest(t)
	x, first := randomBatch(4, 32, 10)
	second := []int{first[3], first[2], first[1], first[0]}
	const share, smoothing = 0.3, 0.1
	step := func(labels []int, loss Loss) (float64, map[string][]float32) {
		n.ZeroGradients()
		loss.Smoothing = smoothing
		r, err := n.Step(context.Background(), x, labels, loss, StepOptions{KeepStatistics: true})
		if err != nil {
			t.Fatal(err)
		}
		gradients := map[string][]float32{}
		for name := range n.Touched {
			gradients[name] = append([]float32{}, n.Gradients[name].Data...)
		}
		return r.Loss, gradients
	}
	a, ofA := step(first, Loss{})
	b, ofB := step(second, Loss{})
	both, of := step(first, Loss{Other: second, Share: share})
	if want := share*a + (1-share)*b; a == b || math.Abs(both-want) > 1e-6 {
		t.Errorf("loss %v, expected %v, between %v and %v", both, want, a, b)
	}
	for name, got := range of {
		for i := range got {
			want := float64(share*ofA[name][i] + (1-share)*ofB[name][i])
			if math.Abs(float64(got[i])-want) > 1e-3*math.Abs(want)+1e-5 {
				t.Fatalf("%s[%d]: %v, expected %v", name, i, got[i], want)
			}
		}
	}
	logits := []float32{0.5, -1, 2, 0.25}
	loss := func() (float64, []float64) {
		l := newImageLoss(len(logits))
		l.start(logits)
		return l.crossEntropy(1, smoothing, share) + l.crossEntropy(3, smoothing, 1-share), l.gradient
	}
	_, gradient := loss()
	for i, z := range logits {
		const h = 1.0 / 256
		logits[i] = z + h
		above, _ := loss()
		logits[i] = z - h
		below, _ := loss()
		logits[i] = z
		if slope := (above - below) / (2 * h); math.Abs(slope-gradient[i]) > 1e-5 {
			t.Errorf("logit %d: gradient %v, slope %v", i, gradient[i], slope)
		}
	}
	for name, loss := range map[string]Loss{"labels": {Other: []int{1}, Share: 0.5}, "share": {Other: second, Share: 1.5}, "label": {Other: []int{0, 0, 0, 10}, Share: 0.5}} {
		if _, err := n.Step(context.Background(), x, first, loss, StepOptions{}); err == nil {
			t.Errorf("wrong %s: accepted", name)
		}
	}
}

// A path of the supernet and the child extracted from it have the same loss and
// gradients, wherever the path cuts the shared weights.
func TestPathsAreTheirChildren(t *testing.T) {
	onnxtest.Require(t)
	s := newSpace(t, 32)
	w := rawSupernet(t)
	x, labels := goldenBatch(t)
	e := newEngine(t, s, 10, Options{Batch: len(labels)})
	n, err := e.Supernet(w)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(8, 9))
	for range 2 {
		p := randomPath(s, r)
		childWeights, err := supernet.Child(s, w, p)
		if err != nil {
			t.Fatal(err)
		}
		child, err := e.Child(p, childWeights)
		if err != nil {
			t.Fatal(err)
		}
		o := StepOptions{KeepStatistics: true, Dropout: 0.2, DropPath: 0.2, Seed: 4}
		want, err := child.Step(context.Background(), x, labels, Loss{Smoothing: 0.1}, o)
		if err != nil {
			t.Fatal(err)
		}
		n.ZeroGradients()
		if err := n.SetPath(p); err != nil {
			t.Fatal(err)
		}
		got, err := n.Step(context.Background(), x, labels, Loss{Smoothing: 0.1}, o)
		if err != nil {
			t.Fatal(err)
		}
		if got.Loss != want.Loss {
			t.Errorf("loss %v in the supernet, %v in the child", got.Loss, want.Loss)
		}
		gradients := onnx.StateDict{}
		for name, v := range w {
			gradients[name] = v
			if g, ok := n.Gradients[name]; ok {
				gradients[name] = g
			}
		}
		cut, err := supernet.Child(s, gradients, p)
		if err != nil {
			t.Fatal(err)
		}
		for name, g := range child.Gradients {
			compare(t, name, cut[name].Data, g.Data, 1e-6)
		}
		if len(n.Touched) != len(child.Touched) {
			t.Errorf("%d parameters touched in the supernet, %d in the child", len(n.Touched), len(child.Touched))
		}
		if err := child.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A loss that is no number is told apart from other errors, and the running
// statistics stay as they were.
func TestDivergenceIsReported(t *testing.T) {
	_, n, w := smallest(t)
	x, labels := randomBatch(4, 32, 10)
	before := append([]float32{}, w["bn1.running_mean"].Data...)
	x[5] = float32(math.NaN())
	_, err := n.Step(context.Background(), x, labels, Loss{}, StepOptions{})
	if !errors.Is(err, ErrDiverged) {
		t.Fatalf("got %v, expected ErrDiverged", err)
	}
	compare(t, "bn1.running_mean", w["bn1.running_mean"].Data, before, 0)
}

func TestStepErrors(t *testing.T) {
	e, n, w := smallest(t)
	x, labels := randomBatch(4, 32, 10)
	for _, c := range []struct {
		want   string
		x      []float32
		labels []int
		loss   Loss
		o      StepOptions
	}{
		{"4 images of 32 pixels", x[1:], labels, Loss{}, StepOptions{}},
		{"3 labels", x, labels[:3], Loss{}, StepOptions{}},
		{"label 10 of image 1", x, []int{0, 10, 0, 0}, Loss{}, StepOptions{}},
		{"without a teacher", x, labels, Loss{KD: 1}, StepOptions{}},
		{"dropout 1", x, labels, Loss{}, StepOptions{Dropout: 1}},
	} {
		_, err := n.Step(context.Background(), c.x, c.labels, c.loss, c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, expected an error with %q", err, c.want)
		}
	}
	if err := n.SetPath(n.path); err == nil {
		t.Error("a child took a path")
	}
	delete(w, "blocks.3.1.bn2.running_var")
	if _, err := e.Child(n.path, w); !errors.Is(err, onnx.ErrNoTensor) {
		t.Errorf("got %v, expected ErrNoTensor", err)
	}
	super, err := e.Supernet(rawSupernet(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := super.Step(context.Background(), x, labels, Loss{}, StepOptions{}); err == nil {
		t.Error("a supernet took a step without a path")
	}
}

// A step of larger images stops soon after its context ends, and the next one
// runs.
func TestStepIsCancelled(t *testing.T) {
	onnxtest.Require(t)
	s := newSpace(t, 64)
	p := s.HeaviestPath()
	e := newEngine(t, s, 10, Options{Batch: 16, Threads: 1})
	n, err := e.Child(p, supernet.Init{Seed: 1}.Weights(supernet.ChildLayout(s, p, 10)))
	if err != nil {
		t.Fatal(err)
	}
	x, labels := randomBatch(16, 64, 10)
	if _, err := n.Step(context.Background(), x, labels, Loss{}, StepOptions{}); err != nil {
		t.Fatal(err) // makes the sessions
	}
	timetest.Within(t, 200*time.Millisecond, func(asked func()) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		time.AfterFunc(20*time.Millisecond, func() { asked(); cancel() })
		_, err = n.Step(ctx, x, labels, Loss{}, StepOptions{})
		if ctx.Err() != nil && !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v after the context ended", err)
		}
	})
	if _, err := n.Step(context.Background(), x, labels, Loss{}, StepOptions{}); err != nil {
		t.Error(err)
	}
}
