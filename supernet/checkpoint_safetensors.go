package supernet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/nlpodyssey/safetensors"

	"github.com/binas-tui/binas-tui/internal/ieee"
	"github.com/binas-tui/binas-tui/onnx"
)

// maxHeader bounds the JSON header of safetensors, in bytes: a supernet's takes
// 150 thousand. Parsing takes some 50 bytes of memory for each.
const maxHeader = 1 << 20

// counts reports whether a tensor is a count of batches, int64 in PyTorch.
func counts(name string) bool { return strings.HasSuffix(name, ".num_batches_tracked") }

// view is a tensor whose bytes are made when they are written.
type view struct {
	onnx.TensorData
	whole bool // int64
}

func (v view) DType() safetensors.DType {
	if v.whole {
		return safetensors.I64
	}
	return safetensors.F32
}

func (v view) Shape() []uint64 {
	shape := make([]uint64, len(v.TensorData.Shape))
	for i, n := range v.TensorData.Shape {
		shape[i] = uint64(n)
	}
	return shape
}

func (v view) DataLen() uint64 { return v.DType().Size() * uint64(len(v.TensorData.Data)) }

func (v view) Data() []byte {
	b := make([]byte, 0, v.DataLen())
	for _, x := range v.TensorData.Data {
		if v.whole {
			b = binary.LittleEndian.AppendUint64(b, uint64(int64(x)))
		} else {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
		}
	}
	return b
}

func encodeSafetensors(c Checkpoint) ([]byte, error) {
	views, size := make(map[string]view, len(c.Weights)), 0
	for _, name := range slices.Sorted(maps.Keys(c.Weights)) {
		t := c.Weights[name]
		if len(t.Data) != onnx.Elements(t.Shape) {
			return nil, fmt.Errorf("tensor %.80q: shape %v with %d values", name, t.Shape, len(t.Data))
		}
		if err := finite(name, t.Data); err != nil {
			return nil, err
		}
		views[name] = view{t, counts(name)}
		size += int(views[name].DataLen())
	}
	meta := map[string]string{"format": "pt"} // what the PyTorch world expects there
	maps.Copy(meta, c.Meta)
	out := bytes.NewBuffer(make([]byte, 0, size+maxHeader/4))
	if err := safetensors.SerializeToWriter(views, meta, out); err != nil {
		return nil, err
	}
	if n := binary.LittleEndian.Uint64(out.Bytes()); n > maxHeader {
		return nil, fmt.Errorf("header of %d bytes: expected at most %d (shorten the metadata)", n, maxHeader)
	}
	return out.Bytes(), nil
}

func decodeSafetensors(data []byte) (Checkpoint, error) {
	var c Checkpoint
	if len(data) < 10 || data[8] != '{' {
		return c, fmt.Errorf("found neither a file of torch.save nor safetensors")
	}
	if n := binary.LittleEndian.Uint64(data); n > maxHeader || n > uint64(len(data)-8) {
		return c, fmt.Errorf("safetensors header of %d bytes in a file of %d: expected at most %d", n, len(data), maxHeader)
	}
	n, header, err := safetensors.ReadMetadata(data)
	if err != nil {
		return c, fmt.Errorf("safetensors: %.200s", err)
	}
	body, tensors := data[8+n:], header.Tensors()
	c.Weights, c.Meta = make(onnx.StateDict, len(tensors)), header.Metadata()
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		t := tensors[name]
		// The library's own check can be led past the end by sizes that wrap.
		from, to := t.DataOffsets[0], t.DataOffsets[1]
		if from > to || to > uint64(len(body)) {
			return c, fmt.Errorf("tensor %.80q: bytes %d to %d of %d", name, from, to, len(body))
		}
		shape, values, err := valuesOf(t, body[from:to])
		if err != nil {
			return c, fmt.Errorf("tensor %.80q: %w", name, err)
		}
		if err := c.add(name, shape, values); err != nil {
			return c, err
		}
	}
	return c, nil
}

// maxDims bounds the dimensions of a tensor.
const maxDims = 8

// valuesOf converts the bytes of a tensor.
func valuesOf(t *safetensors.TensorInfo, raw []byte) ([]int, []float32, error) {
	var size int
	var value func([]byte) float32
	switch t.DType {
	case safetensors.F32:
		size, value = 4, func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }
	case safetensors.F64:
		size, value = 8, func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) }
	case safetensors.BF16:
		size, value = 2, func(b []byte) float32 { return ieee.BFloat16(binary.LittleEndian.Uint16(b)) }
	case safetensors.F16:
		size, value = 2, func(b []byte) float32 { return ieee.Half(binary.LittleEndian.Uint16(b)) }
	case safetensors.I64:
		size, value = 8, func(b []byte) float32 { return float32(int64(binary.LittleEndian.Uint64(b))) }
	case safetensors.I32:
		size, value = 4, func(b []byte) float32 { return float32(int32(binary.LittleEndian.Uint32(b))) }
	default:
		return nil, nil, fmt.Errorf("%v: expected F32, F64, F16, BF16, I64 or I32", t.DType)
	}
	if len(t.Shape) > maxDims {
		return nil, nil, fmt.Errorf("%d dimensions: expected at most %d", len(t.Shape), maxDims)
	}
	shape, count := make([]int, len(t.Shape)), 1
	for i, n := range t.Shape {
		if n > uint64(len(raw)) { // also keeps the product from wrapping
			return nil, nil, fmt.Errorf("shape %v in %d bytes", t.Shape, len(raw))
		}
		shape[i] = int(n)
		if count *= int(n); count > len(raw) {
			return nil, nil, fmt.Errorf("shape %v in %d bytes", t.Shape, len(raw))
		}
	}
	if count*size != len(raw) {
		return nil, nil, fmt.Errorf("shape %v of %v in %d bytes", t.Shape, t.DType, len(raw))
	}
	values := make([]float32, count)
	for i := range values {
		values[i] = value(raw[i*size:])
	}
	return shape, values, nil
}
