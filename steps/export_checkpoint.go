package steps

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
)

// trained is the weights of a network. It remembers what was asked for: the
// checkpoint of a larger network would otherwise pass for the one exported.
type trained struct {
	onnx.StateDict
	from  string // in words
	asked map[string]bool
}

// loadTrained reads the weights of a network from its own checkpoint, or takes
// them out of a supernet's.
func (c *Common) loadTrained(file string, arch model.Architecture) (*trained, error) {
	loaded, err := c.load(file)
	if err != nil {
		return nil, err
	}
	t := &trained{loaded.Weights, filepath.Base(file), map[string]bool{}}
	if loaded.From != "" {
		t.from += " (" + loaded.From + ")"
	}
	if !supernet.IsSupernet(loaded.Weights) {
		return t, nil
	}
	t.from += ", taken out of the supernet"
	if t.StateDict, err = supernet.ChildOf(arch, loaded.Weights); err != nil {
		return nil, requestf("checkpoint %s: %w", file, err)
	}
	return t, nil
}

// Tensor implements [onnx.Weights].
func (t *trained) Tensor(name string, shape []int) ([]float32, error) {
	t.asked[name] = true
	return t.StateDict.Tensor(name, shape)
}

// checkUsed reports a tensor that no part of the network asked for.
func (t *trained) checkUsed() error {
	for _, name := range slices.Sorted(maps.Keys(t.StateDict)) {
		if !t.asked[name] && !strings.HasSuffix(name, ".num_batches_tracked") {
			return fmt.Errorf("weights: %w: %.80q of shape %v is not of the network", supernet.ErrExtraTensor, name, t.StateDict[name].Shape)
		}
	}
	return nil
}

// classes is the number of classes of the weights, 0 where they do not say.
func (t *trained) classes() int {
	if w := t.StateDict["classifier.weight"]; len(w.Shape) == 2 {
		return w.Shape[0]
	}
	return 0
}

// checkpointError marks weights that are not the network's as unreadable input, by where they come from.
func checkpointError(from string, err error) error {
	if errors.Is(err, onnx.ErrNoTensor) || errors.Is(err, onnx.ErrTensorShape) || errors.Is(err, supernet.ErrExtraTensor) {
		return requestf("checkpoint %s: %w: is it of this network?", from, err)
	}
	return err
}
