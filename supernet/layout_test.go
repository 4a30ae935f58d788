package supernet

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// The layout is PyTorch's: names, shapes, order and types.
func TestLayoutIsPyTorchs(t *testing.T) {
	var want [][3]json.RawMessage
	readJSON(t, "supernet_keys.json", &want)
	have := Layout(space(t, model.MobileNASNet, 32), 10)
	if len(have) != len(want) || len(want) < 1000 {
		t.Fatalf("%d tensors, PyTorch has %d", len(have), len(want))
	}
	for i, w := range want {
		var name, dtype string
		var shape []int
		for j, into := range []any{&name, &shape, &dtype} {
			if err := json.Unmarshal(w[j], into); err != nil {
				t.Fatal(err)
			}
		}
		if have[i].Name != name || !slices.Equal(have[i].Shape, shape) || (have[i].Kind == Batches) != (dtype == "torch.int64") {
			t.Errorf("tensor %d is %+v, PyTorch's %s %v %s", i, have[i], name, shape, dtype)
		}
	}
}

// A supernet and every network of it hold what package model counts; widths,
// classes and paths of either space fit together.
func TestLayoutsFitTogether(t *testing.T) {
	for _, name := range []string{model.MobileNASNet, model.MobileNASNetLarge} {
		s := space(t, name, 32)
		super := map[string]Tensor{}
		for _, tensor := range Layout(s, 7) {
			if _, twice := super[tensor.Name]; twice {
				t.Fatalf("%s: %s is there twice", name, tensor.Name)
			}
			super[tensor.Name] = tensor
		}
		for seed := range uint64(20) {
			p := randomPath(s, seed)
			arch := s.Architecture(p)
			cost, err := arch.Cost(32, 7)
			if err != nil {
				t.Fatal(err)
			}
			params := int64(0)
			for _, tensor := range ChildLayout(s, p, 7) {
				if tensor.Kind.Trained() {
					params += int64(tensor.Elements())
				}
				from, ok := super[tensor.Source]
				if !ok || from.Kind != tensor.Kind || len(from.Shape) != len(tensor.Shape) {
					t.Fatalf("%s: %s comes from %s: %+v", name, tensor.Name, tensor.Source, from)
				}
				for d, n := range tensor.Shape {
					if n > from.Shape[d] {
						t.Errorf("%s: %s %v is larger than %s %v", name, tensor.Name, tensor.Shape, from.Name, from.Shape)
					}
				}
			}
			if params != cost.Params {
				t.Errorf("%s: %s: %d parameters, package model counts %d", name, arch, params, cost.Params)
			}
			if seed == 0 {
				if _, err := onnx.Network(arch, Init{Seed: 1}.Weights(ChildLayout(s, p, 7)), onnx.NetworkOptions{ImageSize: 32, Classes: 7}); err != nil {
					t.Errorf("%s: package onnx does not find its tensors: %v", name, err)
				}
			}
		}
	}
}
