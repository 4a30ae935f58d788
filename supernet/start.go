package supernet

import (
	"maps"

	"github.com/binas-tui/binas-tui/onnx"
)

// WithHead returns the weights of a network or a supernet with a classifier of so
// many classes as training begins with it. The other tensors are shared.
func WithHead(w onnx.StateDict, classes int, seed uint64) onnx.StateDict {
	features := w["classifier.weight"].Shape[1]
	out := maps.Clone(w)
	maps.Copy(out, Init{Seed: seed}.Weights([]Tensor{
		{Name: "classifier.weight", Shape: []int{classes, features}, Kind: Linear}, {Name: "classifier.bias", Shape: []int{classes}, Kind: Bias},
	}))
	return out
}

// Cover writes the weights of a smaller network over those of a larger one of the
// same space, w, which has the given layout: what both have, the first channels of
// what is wider there, and in the middle of larger kernels, which are 0 around it. A
// classifier of other classes stays. It returns how many trained values were written,
// and of how many.
func Cover(layout []Tensor, w, smaller onnx.StateDict) (written, of int) {
	for _, t := range layout {
		to, from := w[t.Name], smaller[t.Name]
		if t.Kind.Trained() {
			of += len(to.Data)
		}
		if len(from.Shape) != len(to.Shape) || from.Data == nil || (t.Name == "classifier.weight" || t.Name == "classifier.bias") && from.Shape[0] != to.Shape[0] {
			continue
		}
		if n := cover(to.Data, to.Shape, from.Data, from.Shape); t.Kind.Trained() {
			written += n
		}
	}
	return written, of
}

// cover does so for one tensor, row-major.
func cover(to []float32, shape []int, from []float32, smaller []int) (written int) {
	if len(shape) == 0 {
		return copy(to, from)
	}
	if len(shape) == 4 { // a convolution
		for i := range min(shape[0], smaller[0]) {
			for j := range min(shape[1], smaller[1]) {
				side, inner := shape[2], smaller[2]
				kernel, middle := to[(i*shape[1]+j)*side*side:][:side*side], from[(i*smaller[1]+j)*inner*inner:]
				clear(kernel)
				for y := range min(side, inner) {
					margin, off := max(side-inner, 0)/2, max(inner-side, 0)/2
					written += copy(kernel[(y+margin)*side+margin:][:min(side, inner)], middle[(y+off)*inner+off:])
				}
			}
		}
		return written
	}
	large, small := onnx.Elements(shape[1:]), onnx.Elements(smaller[1:])
	for i := range min(shape[0], smaller[0]) {
		written += cover(to[i*large:][:large], shape[1:], from[i*small:][:small], smaller[1:])
	}
	return written
}
