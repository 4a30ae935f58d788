package supernet

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/binas-tui/binas-tui/internal/pickle"
	"github.com/binas-tui/binas-tui/onnx"
)

// ErrCheckpoint is wrapped by errors about bytes that are not a checkpoint, or
// one whose numbers are of no use.
var ErrCheckpoint = errors.New("not a usable checkpoint")

// ErrDamaged is wrapped by errors about a checkpoint of this program that was
// changed since it was written.
var ErrDamaged = errors.New("the file is damaged")

// MaxCheckpoint bounds a checkpoint file in bytes: that of the largest supernet
// with averaged weights and an optimiser's state takes 200 MB.
const MaxCheckpoint = 1 << 30

// Checkpoint is trained weights with what is known of them.
type Checkpoint struct {
	// Weights by PyTorch's names, without the prefixes of wrapped models. All values
	// are finite float32; counts of batches are whole numbers, of shape [].
	Weights onnx.StateDict
	// From is the entry of the file that the weights come from, such as
	// state_dict_ema; empty where the file holds nothing else. Others are entries
	// that hold weights too and were not taken, LeftOut what lies among the weights
	// and is no tensor.
	From            string
	Others, LeftOut []string
	// Meta is the metadata of safetensors, nil for files of torch.save.
	Meta map[string]string
	// Checked says that the file has a check sum, and is what was written.
	Checked bool
}

// Choice says in words which weights of the file were taken, and what was left
// out; it is empty where there was no choice.
func (c Checkpoint) Choice() string {
	var s string
	if len(c.Others) > 0 {
		s = fmt.Sprintf("weights from %s, not %s", c.From, strings.Join(c.Others, ", "))
	}
	if n := len(c.LeftOut); n > 0 {
		s = strings.TrimPrefix(fmt.Sprintf("%s; no tensors, left out: %s", s, strings.Join(c.LeftOut[:min(n, 5)], ", ")), "; ")
		if n > 5 {
			s += fmt.Sprintf(" and %d more", n-5)
		}
	}
	return s
}

// Decode reads a checkpoint: safetensors, or what torch.save wrote in either of
// its formats, which is a state dict or the checkpoint of a training run (see
// [pickle.DecodeTorch]). Of a run the averaged weights are taken where it has
// them. Nothing in the file is executed, and memory stays a small multiple of its
// size. Errors wrap [ErrCheckpoint] and name the tensor.
func Decode(data []byte) (Checkpoint, error) {
	var (
		c   Checkpoint
		err error
	)
	if pickle.IsTorch(data) {
		c, err = decodeTorch(data)
	} else {
		c, err = decodeSafetensors(data)
	}
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	return c, nil
}

// Encode writes safetensors that PyTorch loads: float32, counts of batches
// int64, the metadata in the header with a check sum that Decode compares. From is
// not written. Equal checkpoints give equal bytes. Values that are not finite are refused.
func Encode(c Checkpoint) ([]byte, error) {
	data, err := encodeSafetensors(c)
	if err != nil {
		return nil, fmt.Errorf("encode checkpoint: %w", err)
	}
	return data, nil
}

func decodeTorch(data []byte) (Checkpoint, error) {
	d, err := pickle.DecodeTorch(data)
	if err != nil {
		return Checkpoint{}, err
	}
	c := Checkpoint{Weights: make(onnx.StateDict, len(d.Tensors)), From: d.From, Others: d.Others, LeftOut: d.LeftOut}
	for i, t := range d.Tensors {
		values := make([]float32, len(t.Values))
		for i, v := range t.Values {
			values[i] = float32(v)
		}
		d.Tensors[i].Values = nil // twice as large: let it go
		if err := c.add(t.Name, t.Shape, values); err != nil {
			return c, err
		}
	}
	return c, nil
}

// add takes a tensor in, without the prefixes of wrapped models.
func (c *Checkpoint) add(name string, shape []int, values []float32) error {
	if err := finite(name, values); err != nil {
		return err
	}
	name = pickle.TrimWrappers(name)
	if _, twice := c.Weights[name]; twice {
		return fmt.Errorf("tensor %.80q is there with and without a prefix such as \"module.\"", name)
	}
	if shape == nil {
		shape = []int{}
	}
	c.Weights[name] = onnx.TensorData{Shape: shape, Data: values}
	return nil
}

// finite refuses values that no training leaves behind.
func finite(name string, values []float32) error {
	for i, v := range values {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%.80s[%d] is %v: expected a finite number", name, i, v)
		}
	}
	if strings.HasSuffix(name, ".running_var") {
		for i, v := range values {
			if v < 0 {
				return fmt.Errorf("%.80s[%d] is %v: expected a variance of at least 0", name, i, v)
			}
		}
	}
	return nil
}
