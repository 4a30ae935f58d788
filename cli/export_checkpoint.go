package cli

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/pickle"
)

// maxCheckpoint bounds a checkpoint in bytes: that of the largest networks of
// the space, with averaged weights and the optimiser's state, takes 200 MB.
const maxCheckpoint = 1 << 30

// trained is the weights of a checkpoint.
type trained struct {
	state onnx.StateDict
	from  string // in words
}

// loadCheckpoint reads the weights of one network from what torch.save wrote:
// a state dict, or a training checkpoint, of which the averaged weights
// (state_dict_ema) are taken where it has them, as in validation.
func loadCheckpoint(file string) (trained, error) {
	data, err := explore.ReadFileUpTo(file, maxCheckpoint)
	if err != nil {
		return trained{}, err
	}
	if !pickle.IsTorch(data) {
		return trained{}, fmt.Errorf("checkpoint %s: %w: found no file of torch.save", file, explore.ErrUnreadable)
	}
	var tensors pickle.StateDict
	from := filepath.Base(file)
	for _, key := range []string{"state_dict_ema", "state_dict", ""} {
		keys := []string{key}
		if key == "" {
			keys = nil
		}
		if tensors, err = pickle.DecodeTorch(data, keys...); !errors.Is(err, pickle.ErrNoEntry) {
			if key != "" {
				from += " (" + key + ")"
			}
			break
		}
	}
	if err != nil {
		return trained{}, fmt.Errorf("checkpoint %s: %w: %w", file, explore.ErrUnreadable, err)
	}
	state := make(onnx.StateDict, len(tensors))
	for _, t := range tensors {
		values := make([]float32, len(t.Values))
		for i, v := range t.Values {
			if values[i] = float32(v); math.IsNaN(v) || math.IsInf(float64(values[i]), 0) {
				return trained{}, fmt.Errorf("checkpoint %s: %w: %.80s[%d] is %v: expected a finite number", file, explore.ErrUnreadable, t.Name, i, v)
			}
		}
		state[strings.TrimPrefix(t.Name, "module.")] = onnx.TensorData{Shape: t.Shape, Data: values}
	}
	return trained{state, from}, nil
}

// classes is the number of classes of the weights, 1000 where they do not say.
func (t trained) classes() int {
	if w := t.state["classifier.weight"]; len(w.Shape) == 2 {
		return w.Shape[0]
	}
	return 1000
}

// checkpointError marks weights that are not the network's as unreadable input.
func checkpointError(err error) error {
	if errors.Is(err, onnx.ErrNoTensor) || errors.Is(err, onnx.ErrTensorShape) {
		return usageError{fmt.Errorf("%w: is the checkpoint of this network?", err)}
	}
	return err
}
