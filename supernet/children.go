package supernet

import (
	"fmt"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// Child returns the weights of one network of the supernet, under the names
// that package onnx asks for: the first entries of the shared tensors, and the
// normalisations and the depthwise kernel of its own options. Evaluated, it
// answers as the supernet does on that path. The data is copied.
//
// The error names the first decision that is not of the space, or the first
// tensor that is not the supernet's.
func Child(s *model.Space, w onnx.StateDict, p model.Path) (onnx.StateDict, error) {
	if err := s.CheckPath(p); err != nil {
		return nil, fmt.Errorf("child: %w", err)
	}
	classes, err := CheckSupernet(s, w)
	if err != nil {
		return nil, fmt.Errorf("child: %w", err)
	}
	tensors := ChildLayout(s, p, classes)
	child := make(onnx.StateDict, len(tensors))
	for _, t := range tensors {
		data := make([]float32, t.Elements())
		if have, ok := w[t.Source]; ok { // counts of batches may be missing
			cut(data, t.Shape, have.Data, have.Shape)
		}
		child[t.Name] = onnx.TensorData{Shape: t.Shape, Data: data}
	}
	return child, nil
}

// ChildOf is [Child] for an architecture and weights that say their space
// themselves.
func ChildOf(arch model.Architecture, w onnx.StateDict) (onnx.StateDict, error) {
	const anySize = 224 // weights do not depend on it
	s, _, err := SpaceOf(w, anySize)
	if err != nil {
		return nil, err
	}
	p, err := s.Path(arch)
	if err != nil {
		return nil, fmt.Errorf("the architecture is not of the supernet, a supernet of %s: %w", s.Name, err)
	}
	return Child(s, w, p)
}

// cut copies the first entries in every dimension, row-major.
func cut(dst []float32, shape []int, src []float32, from []int) {
	if len(shape) == 0 {
		copy(dst, src)
		return
	}
	small, large := onnx.Elements(shape[1:]), onnx.Elements(from[1:])
	if small == large { // whole rows
		copy(dst, src[:shape[0]*large])
		return
	}
	for i := range shape[0] {
		cut(dst[i*small:(i+1)*small], shape[1:], src[i*large:(i+1)*large], from[1:])
	}
}
