package training

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strings"
	"unsafe"

	"github.com/nlpodyssey/safetensors"

	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
)

// state is all that a stage needs to go on after a step as if nothing had
// happened. What is random in a step follows from the seed and its number.
type state struct {
	position
	weights    onnx.StateDict
	velocities onnx.StateDict
	average    onnx.StateDict // nil without
}

// position is where a stage is.
type position struct {
	Stage     Stage `json:"stage"`
	Step      int   `json:"step"`      // steps done
	Since     sums  `json:"since"`     // since the last line of metrics
	Validated int   `json:"validated"` // epochs that were validated
}

// stateFormat and stateVersion are in the header of state files.
const (
	stateFormat  = "binas-tui-training-state"
	stateVersion = "1"
)

// ErrState says that a state file cannot be read.
var ErrState = errors.New("not a usable training state")

// The names of tensors begin with one of these.
const (
	weightsPrefix  = "weights/"
	velocityPrefix = "velocity/"
	averagePrefix  = "average/"
)

// write writes safetensors straight from the tensors: it takes the time of
// copying them once.
func (s state) write(w io.Writer) error {
	where, err := json.Marshal(s.position)
	if err != nil {
		return err
	}
	views := map[string]view{}
	for prefix, tensors := range map[string]onnx.StateDict{weightsPrefix: s.weights, velocityPrefix: s.velocities, averagePrefix: s.average} {
		for name, t := range tensors {
			views[prefix+name] = view{t}
		}
	}
	meta := map[string]string{"format": stateFormat, "version": stateVersion, "position": string(where)}
	return safetensors.SerializeToWriter(views, meta, w)
}

// view is a tensor as the library asks for it.
type view struct{ onnx.TensorData }

func (v view) DType() safetensors.DType { return safetensors.F32 }

func (v view) Shape() []uint64 {
	shape := make([]uint64, len(v.TensorData.Shape))
	for i, n := range v.TensorData.Shape {
		shape[i] = uint64(n)
	}
	return shape
}

func (v view) DataLen() uint64 { return 4 * uint64(len(v.TensorData.Data)) }

// Data is the memory of the tensor itself where that has the order of bytes of
// the file, as nearly everywhere.
func (v view) Data() []byte {
	data := v.TensorData.Data
	if len(data) == 0 {
		return nil
	}
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return unsafe.Slice((*byte)(unsafe.Pointer(&data[0])), 4*len(data))
	}
	raw := make([]byte, 0, 4*len(data))
	for _, x := range data {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	return raw
}

// decodeState reads what write wrote. Memory stays a small multiple of the
// file's size.
func decodeState(data []byte) (state, error) {
	var s state
	c, err := supernet.Decode(data)
	if err != nil {
		return s, fmt.Errorf("%w: %w", ErrState, err)
	}
	if c.Meta["format"] != stateFormat || c.Meta["version"] != stateVersion {
		return s, fmt.Errorf("%w: format %.40q version %.20q: expected %s version %s",
			ErrState, c.Meta["format"], c.Meta["version"], stateFormat, stateVersion)
	}
	if err := json.Unmarshal([]byte(c.Meta["position"]), &s.position); err != nil {
		return s, fmt.Errorf("%w: position: %w", ErrState, err)
	}
	s.weights, s.velocities = onnx.StateDict{}, onnx.StateDict{}
	for name, t := range c.Weights {
		prefix, rest, _ := strings.Cut(name, "/")
		switch prefix + "/" {
		case weightsPrefix:
			s.weights[rest] = t
		case velocityPrefix:
			s.velocities[rest] = t
		case averagePrefix:
			if s.average == nil {
				s.average = onnx.StateDict{}
			}
			s.average[rest] = t
		default:
			return s, fmt.Errorf("%w: tensor %.80q", ErrState, name)
		}
	}
	return s, nil
}

// readState reads a state file; ok is false where there is none.
func readState(path string) (s state, ok bool, err error) {
	data, err := safefile.Read(path, supernet.MaxCheckpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return s, false, nil
	}
	if err != nil {
		return s, false, fmt.Errorf("training state: %w", err)
	}
	if s, err = decodeState(data); err != nil {
		return s, false, fmt.Errorf("training state: %s: %w", path, err)
	}
	return s, true, nil
}

// check refuses a state that is not of these settings.
func (s state) check(want Settings, total int) error {
	if s.Stage != want.Stage || s.Step < 0 || s.Step > total || s.Validated < 0 || s.Validated > want.TotalEpochs() {
		return fmt.Errorf("%w: step %d of stage %.40q: expected 0 to %d of %s", ErrState, s.Step, s.Stage, total, want.Stage)
	}
	if (s.average != nil) != want.ModelEMA || s.average != nil && len(s.average) != len(s.weights) {
		return fmt.Errorf("%w: averages of %d of %d tensors", ErrState, len(s.average), len(s.weights))
	}
	for _, part := range []onnx.StateDict{s.velocities, s.average} {
		for name, t := range part {
			if !slices.Equal(t.Shape, s.weights[name].Shape) {
				return fmt.Errorf("%w: tensor %.80q is %v beside weights of %v", ErrState, name, t.Shape, s.weights[name].Shape)
			}
		}
	}
	return nil
}
