package supernet

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// randomPath draws every decision uniformly.
func randomPath(s *model.Space, seed uint64) model.Path {
	r := rand.New(rand.NewPCG(seed, 0))
	p := s.HeaviestPath()
	for i := range p.Depth {
		p.Depth[i] = s.MinDepth + r.IntN(s.NumDepths())
	}
	for b := range p.Option {
		p.Option[b] = r.IntN(s.NumOptions())
	}
	return p
}

// Networks taken from the supernet answer as PyTorch's do.
func TestChildrenAnswerAsPyTorchs(t *testing.T) {
	onnxtest.Require(t)
	w, s := rawSupernet(t), space(t, model.MobileNASNet, 32)
	small, smallShape := array(t, "x32.npy")
	large, largeShape := array(t, "x224.npy")
	want32, _ := array(t, "child_logits_32.npy")
	want224, _ := array(t, "child_logits_224.npy")
	n32, n224 := smallShape[0]*10, largeShape[0]*10
	for i, c := range children(t) {
		t.Run(c.Name, func(t *testing.T) {
			p := pathOf(t, s, c.Arch)
			child, err := Child(s, w, p)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := CheckChild(s, p, child); err != nil {
				t.Error(err)
			}
			params := int64(0)
			for _, tensor := range ChildLayout(s, p, 10) {
				if tensor.Kind.Trained() {
					params += int64(len(child[tensor.Name].Data))
				}
			}
			if params != c.Params {
				t.Errorf("%d parameters, PyTorch counts %d", params, c.Params)
			}
			arch := s.Architecture(p)
			if d := distance(answer(t, arch, child, small, smallShape), want32[i*n32:(i+1)*n32]); d > 1e-5 {
				t.Errorf("32 pixels: %g from PyTorch's logits", d)
			}
			if d := distance(answer(t, arch, child, large, largeShape), want224[i*n224:(i+1)*n224]) / c.Absmax; d > 1e-5 {
				t.Errorf("224 pixels: %g of the greatest logit from PyTorch's", d)
			}
		})
	}
}

// A child's tensors are its own: changing them leaves the supernet as it was.
func TestChildIsACopy(t *testing.T) {
	s := space(t, model.MobileNASNet, 32)
	w := Init{Seed: 1}.Weights(Layout(s, 3))
	child, err := Child(s, w, s.HeaviestPath())
	if err != nil {
		t.Fatal(err)
	}
	for _, tensor := range child {
		for i := range tensor.Data {
			tensor.Data[i] = 99
		}
	}
	for name, tensor := range w {
		for _, v := range tensor.Data {
			if v == 99 {
				t.Fatalf("%s was changed", name)
			}
		}
	}
}

// What does not fit is named, the first tensor of PyTorch's order first.
func TestCheckNamesTheFirstDifference(t *testing.T) {
	s, large := space(t, model.MobileNASNet, 32), space(t, model.MobileNASNetLarge, 32)
	base := Init{Seed: 1}.Weights(Layout(s, 5))
	change := func(f func(w onnx.StateDict)) onnx.StateDict {
		w := maps.Clone(base)
		f(w)
		return w
	}
	for _, c := range []struct {
		w    onnx.StateDict
		want string
		is   error
	}{
		{Init{Seed: 1}.Weights(Layout(large, 5)), "conv_stem.weight is [40 3 3 3] with 1080 values: the network needs [32 3 3 3]", onnx.ErrTensorShape},
		{change(func(w onnx.StateDict) { delete(w, "blocks.3.1.bn3.4.bias") }), "blocks.3.1.bn3.4.bias", onnx.ErrNoTensor},
		{change(func(w onnx.StateDict) { delete(w, "classifier.weight") }), "classifier.weight", onnx.ErrNoTensor},
		{change(func(w onnx.StateDict) { w["classifier.weight"] = onnx.TensorData{Shape: []int{0, 1280}} }), "classifier.weight is [0 1280]", onnx.ErrTensorShape},
		{change(func(w onnx.StateDict) {
			w["classifier.bias"] = onnx.TensorData{Shape: []int{4}, Data: make([]float32, 4)}
		}), "classifier.bias is [4]", onnx.ErrTensorShape},
		{change(func(w onnx.StateDict) {
			w["zzz"], w["extra"] = onnx.TensorData{}, onnx.TensorData{Shape: []int{2}, Data: make([]float32, 2)}
		}), `"extra" of shape [2]`, ErrExtraTensor},
		{Init{Seed: 1}.Weights(ChildLayout(s, s.HeaviestPath(), 5)), "blocks.1.0.conv_dw.0.weight", onnx.ErrNoTensor},
		{onnx.StateDict{}, "classifier.weight", onnx.ErrNoTensor},
	} {
		_, err := CheckSupernet(s, c.w)
		if err == nil || !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: want one line with %q", err, c.want)
		}
		if _, err := Child(s, c.w, s.HeaviestPath()); !errors.Is(err, c.is) {
			t.Errorf("child: %v", err)
		}
	}
	w := maps.Clone(base)
	for name := range w { // as some programs save it
		if counts(name) || strings.Contains(name, "alpha") || strings.HasPrefix(name, "beta") {
			delete(w, name)
		}
	}
	if classes, err := CheckSupernet(s, w); err != nil || classes != 5 {
		t.Errorf("%d classes, %v", classes, err)
	}
	if child, err := Child(s, w, s.HeaviestPath()); err != nil || len(child["bn1.num_batches_tracked"].Data) != 1 {
		t.Error(err)
	}
	if _, err := Child(s, w, model.Path{}); err == nil || !strings.Contains(err.Error(), "path of 0 stages") {
		t.Error(err)
	}
	for _, other := range []*model.Space{s, large} {
		found, classes, err := SpaceOf(Init{Seed: 1}.Weights(Layout(other, 2)), 32)
		if err != nil || found.Name != other.Name || classes != 2 {
			t.Errorf("%s: found %v, %d classes, %v", other.Name, found, classes, err)
		}
	}
	if _, _, err := SpaceOf(onnx.StateDict{"conv_stem.weight": {Shape: []int{8, 3, 3, 3}}}, 32); !errors.Is(err, onnx.ErrTensorShape) {
		t.Error(err)
	}
}

func ExampleChild() {
	s, err := model.NewSpace(model.MobileNASNet, 224)
	if err != nil {
		panic(err)
	}
	super := Init{Seed: 1}.Weights(Layout(s, 10))

	smallest := model.Path{Depth: []int{2, 2, 2, 2, 2}, Option: make([]int, s.NumBlocks())}
	child, err := Child(s, super, smallest)
	if err != nil {
		panic(err)
	}
	fmt.Println("supernet:", super["blocks.1.0.conv_pwl.weight"].Shape)
	fmt.Println("child:   ", child["blocks.1.0.conv_pwl.weight"].Shape)
	// Output:
	// supernet: [24 96 1 1]
	// child:    [24 48 1 1]
}
