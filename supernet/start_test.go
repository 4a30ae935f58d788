package supernet

import (
	"slices"
	"testing"

	"github.com/binas-tui/binas-tui/onnx"
)

// What a network covers of the heaviest one is its own weights, seen as a child of it,
// and the rest stays; all of the heaviest itself is covered.
func TestCover(t *testing.T) {
	s := space(t, "mobilenasnet", 32)
	heaviest := ChildLayout(s, s.HeaviestPath(), 10)
	first := func() onnx.StateDict { return Init{Seed: 1}.Weights(heaviest) }
	whole := Init{Seed: 2, ResidualScale: 1}.Weights(heaviest)
	w := first()
	if written, of := Cover(heaviest, w, whole); written != of {
		t.Errorf("%d of %d values", written, of)
	}
	for name, tensor := range whole {
		if !slices.Equal(w[name].Data, tensor.Data) {
			t.Errorf("%s is another", name)
		}
	}
	p := pathOf(t, s, children(t)[0].Arch)
	smaller := Init{Seed: 3, ResidualScale: 1}.Weights(ChildLayout(s, p, 7))
	w = first()
	written, of := Cover(heaviest, w, smaller)
	trained := 0
	for _, tensor := range ChildLayout(s, p, 7) {
		if tensor.Kind.Trained() && tensor.Name != "classifier.weight" && tensor.Name != "classifier.bias" {
			trained += tensor.Elements()
		}
	}
	if written != trained || written >= of {
		t.Errorf("%d of %d values were written, the network has %d", written, of, trained)
	}
	if before := first(); !slices.Equal(w["classifier.weight"].Data, before["classifier.weight"].Data) {
		t.Error("a classifier of other classes was taken over")
	}
	for name, tensor := range smaller {
		to := w[name]
		if len(tensor.Shape) != 4 {
			continue
		}
		side, inner := to.Shape[2], tensor.Shape[2]
		at, from := (side/2*side)+side/2, (inner/2*inner)+inner/2 // of the first kernel
		if to.Data[at] != tensor.Data[from] || side > inner && to.Data[0] != 0 {
			t.Errorf("%s: %v in the middle, expected %v", name, to.Data[at], tensor.Data[from])
		}
	}
}
