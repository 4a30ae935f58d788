package backprop

import (
	"context"
	"testing"

	"github.com/binas-tui/binas-tui/kernels"
	"github.com/binas-tui/binas-tui/model"
)

// In-place distillation from features and logits gives PyTorch's losses and
// gradients.
func TestInPlaceDistillationIsTorchs(t *testing.T) {
	eachKernels(t, testInPlaceDistillation)
}

func testInPlaceDistillation(t *testing.T, of kernels.Set) {
	g := readGolden(t, "ikd_step.npz")
	s := newSpace(t, 32)
	x, labels := goldenBatch(t)
	w := rawSupernet(t)
	e := newEngine(t, s, 10, Options{Batch: len(labels), Kernels: of})
	f, err := newTeacher(t, e, s, w).Features(context.Background(), x)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "teacher's logits", f.Logits, g.floats["logits_teacher"], 1e-4)
	n, err := e.Supernet(w)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.SetPaths(g.paths(s, len(labels))); err != nil {
		t.Fatal(err)
	}
	loss := Loss{Smoothing: 0.1, Teacher: f, KD: 1, Features: 1.0 / 50}
	r, err := n.Step(context.Background(), x, labels, loss, StepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range r.Stages {
		compare(t, "feature", []float32{float32(v)}, g.floats["mse_stem_then_7_stages"][i:i+1], 1e-4)
	}
	compare(t, "student's logits", r.Logits, g.floats["logits_student"], 1e-3)
	compare(t, "kl", []float32{float32(r.KL)}, g.floats["kl"], 1e-3)
	compare(t, "ce", []float32{float32(r.CE)}, g.floats["ce_smooth"], 1e-3)
	compare(t, "total", []float32{float32(r.Loss)}, g.floats["total"], 1e-3)
	compareGradients(t, n, g, x, again(n, labels, loss))
}

// Where all images take the same path, the masks give what cutting gives.
func TestEqualPathsAreOnePath(t *testing.T) {
	eachKernels(t, testEqualPaths)
}

func testEqualPaths(t *testing.T, of kernels.Set) {
	g := readGolden(t, "super_single.npz")
	s := newSpace(t, 32)
	x, labels := goldenBatch(t)
	e := newEngine(t, s, 10, Options{Batch: len(labels), Kernels: of})
	n, err := e.Supernet(rawSupernet(t))
	if err != nil {
		t.Fatal(err)
	}
	var all []model.Path
	for range labels {
		all = append(all, g.path(s, 0, 1))
	}
	if err := n.SetPaths(all); err != nil {
		t.Fatal(err)
	}
	r, err := n.Step(context.Background(), x, labels, Loss{Smoothing: 0.1}, StepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "loss", []float32{float32(r.Loss)}, g.floats["loss_f64"], 1e-4)
	compareGradients(t, n, g, x, again(n, labels, Loss{Smoothing: 0.1}))
}
