package supernet

import (
	"fmt"
	"slices"
	"strings"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// FromHeaviest returns a supernet whose weights are those of the trained
// heaviest network (see [model.Space.HeaviestPath]), under the names of [ChildLayout]: the
// start of one-shot training. Every normalisation after the projection is a copy
// of the network's, running statistics included, as are those of all kernels.
// Extracted again, the heaviest network is what it was.
//
// Smaller depthwise kernels are the centre of the network's: the paper's program
// leaves them random, though their normalisation is a copy.
//
// Reorder first: it decides which channels narrow options keep.
func FromHeaviest(s *model.Space, heaviest onnx.StateDict) (onnx.StateDict, error) {
	classes, err := CheckChild(s, s.HeaviestPath(), heaviest)
	if err != nil {
		return nil, fmt.Errorf("supernet from the heaviest network: %w", err)
	}
	tensors := Layout(s, classes)
	w := make(onnx.StateDict, len(tensors))
	for _, t := range tensors {
		from, ok := heaviest[childName(t.Name)]
		data := make([]float32, t.Elements())
		switch {
		case !ok: // counts of batches may be missing; _alpha and beta are
			if t.Kind == Choice {
				constant(data, 1/float64(len(data)))
			}
		case t.Kind == Conv:
			centre(data, t.Shape[2], from)
		default:
			copy(data, from.Data)
		}
		w[t.Name] = onnx.TensorData{Shape: t.Shape, Data: data}
	}
	return w, nil
}

// childName is the name that a tensor of the supernet has in a network: without
// the index of what options do not share.
func childName(name string) string {
	parts := strings.Split(name, ".") // blocks.1.0.bn3.5.weight
	if len(parts) > 5 && len(parts[4]) == 1 && parts[4][0] >= '0' && parts[4][0] <= '9' {
		parts = slices.Delete(parts, 4, 5)
	}
	return strings.Join(parts, ".")
}

// centre copies the middle of square kernels.
func centre(dst []float32, side int, src onnx.TensorData) {
	from := src.Shape[2]
	margin := (from - side) / 2
	for k := range len(dst) / (side * side) {
		for y := range side {
			at := (k*from+y+margin)*from + margin
			copy(dst[(k*side+y)*side:], src.Data[at:at+side])
		}
	}
}
