package supernet

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// heaviest is the heaviest network of the golden supernet.
func heaviest(t testing.TB, s *model.Space) onnx.StateDict {
	t.Helper()
	w, err := Child(s, rawSupernet(t), s.HeaviestPath())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// The heaviest network put into a supernet comes out as it was, and all its
// normalisations are copies.
func TestFromHeaviest(t *testing.T) {
	s := space(t, model.MobileNASNet, 32)
	want := heaviest(t, s)
	w, err := FromHeaviest(s, want)
	if err != nil {
		t.Fatal(err)
	}
	if classes, err := CheckSupernet(s, w); err != nil || classes != 10 {
		t.Fatal(classes, err)
	}
	have, err := Child(s, w, s.HeaviestPath())
	if err != nil || !reflect.DeepEqual(have, want) {
		t.Errorf("the heaviest network changed: %v", err)
	}
	for name, tensor := range w {
		plain, ok := want[childName(name)]
		switch {
		case strings.Contains(name, "_alpha") || strings.HasPrefix(name, "beta"):
			if len(tensor.Data) < 2 || tensor.Data[0] != 1/float32(len(tensor.Data)) {
				t.Errorf("%s is %v", name, tensor.Data)
			}
		case !ok:
			t.Errorf("%s comes from nothing", name)
		case strings.Contains(name, "conv_dw.0"): // 3x3 out of 5x5
			for c := range tensor.Shape[0] {
				for y := range 3 {
					if !slices.Equal(tensor.Data[c*9+y*3:c*9+y*3+3], plain.Data[c*25+(y+1)*5+1:c*25+(y+1)*5+4]) {
						t.Fatalf("%s: row %d of channel %d is not the centre", name, y, c)
					}
				}
			}
		case !slices.Equal(tensor.Data, plain.Data):
			t.Errorf("%s is not a copy", name)
		}
	}
	delete(want, "bn1.num_batches_tracked")
	if w, err := FromHeaviest(s, want); err != nil || w["bn1.num_batches_tracked"].Data[0] != 0 {
		t.Error(err)
	}
	delete(want, "blocks.4.2.bn2.bias")
	if _, err := FromHeaviest(s, want); !errors.Is(err, onnx.ErrNoTensor) || !strings.Contains(err.Error(), "blocks.4.2.bn2.bias") {
		t.Error(err)
	}
	if _, err := FromHeaviest(s, rawSupernet(t)); err == nil {
		t.Error("a supernet was taken for the heaviest network")
	}
}

// gradientsFor makes up gradients of every trained tensor.
func gradientsFor(w onnx.StateDict, seed uint64) onnx.StateDict {
	r := rand.New(rand.NewPCG(seed, 0))
	out := onnx.StateDict{}
	names := make([]string, 0, len(w))
	for name := range w {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		g := make([]float32, len(w[name].Data))
		for i := range g {
			g[i] = float32(r.NormFloat64())
		}
		out[name] = onnx.TensorData{Shape: w[name].Shape, Data: g}
	}
	return out
}

// Reordering leaves what networks of full width compute, puts important channels
// first, and does the same to a network and to the supernet made of it.
func TestReorder(t *testing.T) {
	s := space(t, model.MobileNASNet, 32)
	before := heaviest(t, s)
	g := gradientsFor(before, 1)
	after, err := Reorder(s, before, g)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(before, heaviest(t, s)) {
		t.Error("the weights that were given changed")
	}
	if slices.Equal(before["blocks.2.1.conv_pw.weight"].Data, after["blocks.2.1.conv_pw.weight"].Data) {
		t.Error("nothing was reordered")
	}
	order, err := Importance(s, before, g)
	if err != nil || len(order) != s.NumBlocks() {
		t.Fatal(len(order), err)
	}
	moved, err := order.Apply(g)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"expanded", "squeezed"} {
		for _, b := range order {
			last := 0.0
			for c := range len(map[string][]int{"expanded": b.Expanded, "squeezed": b.Squeezed}[part]) {
				sum := 0.0
				names := []string{"conv_pw", "conv_dw", "se.conv_expand"}
				if part == "squeezed" {
					names = []string{"se.conv_reduce"}
				}
				for _, name := range names {
					w, dw := after[b.Block+"."+name+".weight"], moved[b.Block+"."+name+".weight"]
					per := len(w.Data) / w.Shape[0]
					for i := c * per; i < (c+1)*per; i++ {
						sum += abs(float64(w.Data[i]) * float64(dw.Data[i]))
					}
				}
				if c > 0 && sum > last*(1+1e-12) {
					t.Fatalf("%s: %s channel %d of importance %g follows one of %g", b.Block, part, c, sum, last)
				}
				last = sum
			}
		}
	}
	again, err := Reorder(s, after, moved)
	if err != nil || !reflect.DeepEqual(again, after) {
		t.Errorf("reordered twice is not reordered once: %v", err)
	}

	// A supernet in the same order holds the same network.
	super, err := FromHeaviest(s, before)
	if err != nil {
		t.Fatal(err)
	}
	super, err = order.Apply(super)
	if err != nil {
		t.Fatal(err)
	}
	child, err := Child(s, super, s.HeaviestPath())
	if err != nil || !reflect.DeepEqual(child, after) {
		t.Errorf("supernet and network were reordered differently: %v", err)
	}

	if testing.Short() {
		return
	}
	onnxtest.Require(t)
	images, shape := array(t, "x32.npy")
	arch := s.Architecture(s.HeaviestPath())
	y, z := answer(t, arch, before, images, shape), answer(t, arch, after, images, shape)
	if d := distance(y, z) / greatest(y); !(d < 1e-5) {
		t.Errorf("answers differ by %g of the greatest logit after reordering", d)
	}
}

// The golden supernet with private weights per option: full-width options of
// every kernel, with and without squeeze-excite, compute the same.
func TestReorderSupernet(t *testing.T) {
	onnxtest.Require(t)
	s := space(t, model.MobileNASNet, 32)
	w := rawSupernet(t)
	reordered, err := Reorder(s, w, gradientsFor(w, 2))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := CheckSupernet(s, reordered); err != nil {
		t.Fatal(err)
	}
	images, shape := array(t, "x32.npy")
	p := s.HeaviestPath()
	for b := range p.Option {
		p.Option[b] = 8 + b%4 // expansion 6 with both kernels, both ratios
	}
	var logits [2][]float32
	for i, weights := range []onnx.StateDict{w, reordered} {
		child, err := Child(s, weights, p)
		if err != nil {
			t.Fatal(err)
		}
		logits[i] = answer(t, s.Architecture(p), child, images, shape)
	}
	if d := distance(logits[0], logits[1]) / greatest(logits[0]); !(d < 1e-5) {
		t.Errorf("answers differ by %g of the greatest logit after reordering", d)
	}
}

func TestReorderRefuses(t *testing.T) {
	s := space(t, model.MobileNASNet, 32)
	w := Init{Seed: 1}.Weights(ChildLayout(s, s.HeaviestPath(), 2))
	g := gradientsFor(w, 1)
	delete(g, "blocks.1.1.conv_dw.weight")
	if _, err := Reorder(s, w, g); !errors.Is(err, onnx.ErrNoTensor) || !strings.Contains(err.Error(), "gradient") || !strings.Contains(err.Error(), "blocks.1.1.conv_dw.weight") {
		t.Error(err)
	}
	g = gradientsFor(w, 1)
	g["blocks.1.1.conv_dw.weight"].Data[5] = float32(nan)
	if _, err := Reorder(s, w, g); err == nil || !strings.Contains(err.Error(), "blocks.1.1.conv_dw.weight") {
		t.Error(err)
	}
	if _, err := Reorder(s, Init{Seed: 1}.Weights(ChildLayout(s, randomPath(s, 1), 2)), g); err == nil {
		t.Error("a lighter network was taken for the heaviest")
	}
	o := Order{{Block: "blocks.1.0", Expanded: []int{1, 0}}}
	if _, err := o.Apply(w); err == nil || !strings.Contains(err.Error(), "blocks.1.0.") {
		t.Error(err)
	}
}
