package supernet

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// ErrExtraTensor is wrapped by errors about a tensor that a network has not. A
// tensor that is missing or of another shape is [onnx.ErrNoTensor] or
// [onnx.ErrTensorShape].
var ErrExtraTensor = errors.New("unexpected tensor")

const maxClasses = 1 << 20

// CheckSupernet reports whether w is a supernet of the space, and for how many
// classes. The error names the first tensor, in the order of [Layout], that is
// missing or of another shape, else the first that does not belong. Counts of
// batches (num_batches_tracked), _alpha and beta may be missing: nothing is
// computed from them.
func CheckSupernet(s *model.Space, w onnx.StateDict) (classes int, err error) {
	if classes, err = ClassesOf(w); err != nil {
		return 0, fmt.Errorf("supernet of %s: %w", s.Name, err)
	}
	if err := check(Layout(s, classes), w); err != nil {
		return 0, fmt.Errorf("supernet of %s: %w", s.Name, err)
	}
	return classes, nil
}

// CheckChild is [CheckSupernet] for the weights of one network.
func CheckChild(s *model.Space, p model.Path, w onnx.StateDict) (classes int, err error) {
	if err := s.CheckPath(p); err != nil {
		return 0, fmt.Errorf("network of %s: %w", s.Name, err)
	}
	if classes, err = ClassesOf(w); err != nil {
		return 0, fmt.Errorf("network of %s: %w", s.Name, err)
	}
	if err := check(ChildLayout(s, p, classes), w); err != nil {
		return 0, fmt.Errorf("network of %s: %w", s.Name, err)
	}
	return classes, nil
}

// IsSupernet reports whether weights are a supernet's rather than one
// network's, by a tensor that only supernets have.
func IsSupernet(w onnx.StateDict) bool {
	_, ok := w["blocks.1.0.bn3.0.weight"]
	return ok
}

// SpaceOf finds the space that a supernet's weights belong to.
func SpaceOf(w onnx.StateDict, imageSize int) (s *model.Space, classes int, err error) {
	for _, name := range []string{model.MobileNASNet, model.MobileNASNetLarge} {
		if s, err = model.NewSpace(name, imageSize); err != nil {
			return nil, 0, err
		}
		stem := w["conv_stem.weight"].Shape
		if len(stem) > 0 && stem[0] == s.StemChannels {
			classes, err = CheckSupernet(s, w)
			return s, classes, err
		}
	}
	return nil, 0, fmt.Errorf("supernet: %w: conv_stem.weight is %v: %s needs [32 3 3 3], %s [40 3 3 3]",
		onnx.ErrTensorShape, w["conv_stem.weight"].Shape, model.MobileNASNet, model.MobileNASNetLarge)
}

// ClassesOf is the number of classes of the weights of a supernet or network.
func ClassesOf(w onnx.StateDict) (int, error) {
	t, ok := w["classifier.weight"]
	if !ok {
		return 0, fmt.Errorf("weights: %w: classifier.weight of shape [classes %d]", onnx.ErrNoTensor, model.FeatureWidth)
	}
	if len(t.Shape) != 2 || t.Shape[0] < 1 || t.Shape[0] > maxClasses {
		return 0, fmt.Errorf("weights: %w: classifier.weight is %v: the network needs [classes %d]", onnx.ErrTensorShape, t.Shape, model.FeatureWidth)
	}
	return t.Shape[0], nil
}

func check(tensors []Tensor, w onnx.StateDict) error {
	known := make(map[string]bool, len(tensors))
	for _, t := range tensors {
		known[t.Name] = true
		if _, ok := w[t.Name]; !ok && (t.Kind == Batches || t.Kind == Choice) {
			continue
		}
		if _, err := w.Tensor(t.Name, t.Shape); err != nil {
			return err
		}
	}
	var extra []string
	for name := range w {
		if !known[name] {
			extra = append(extra, name)
		}
	}
	if len(extra) == 0 {
		return nil
	}
	slices.SortFunc(extra, strings.Compare)
	return fmt.Errorf("weights: %w: %.80q of shape %v is not of the network", ErrExtraTensor, extra[0], w[extra[0]].Shape)
}
