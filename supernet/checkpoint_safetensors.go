package supernet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"unsafe"

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
	if !v.whole {
		return littleEndian(v.TensorData.Data)
	}
	b := make([]byte, 0, v.DataLen())
	for _, x := range v.TensorData.Data {
		b = binary.LittleEndian.AppendUint64(b, uint64(int64(x)))
	}
	return b
}

// littleEndian is values as a file has them: their memory itself where that is
// in this order, as nearly everywhere.
func littleEndian(values []float32) []byte {
	if len(values) == 0 {
		return nil
	}
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return unsafe.Slice((*byte)(unsafe.Pointer(&values[0])), 4*len(values))
	}
	raw := make([]byte, 0, 4*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return raw
}

// checksumKey is the entry of the metadata with the check sum of all else.
const checksumKey = "checksum"

// checksum is CRC-32C, in 8 hexadecimal digits, over metadata and tensors in the
// order of their names: name, shape and values as float32. A byte that changed
// anywhere, and means something, changes it.
func checksum(meta map[string]string, tensors onnx.StateDict) string {
	h := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	for _, key := range slices.Sorted(maps.Keys(meta)) {
		if key != checksumKey {
			fmt.Fprintf(h, "%q=%q\n", key, meta[key])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		fmt.Fprintf(h, "%q%v\n", name, tensors[name].Shape)
		h.Write(littleEndian(tensors[name].Data))
	}
	return fmt.Sprintf("%08x", h.Sum32())
}

// Write writes what [Encode] returns without a copy in memory, and without looking
// for values that are not finite.
func Write(w io.Writer, c Checkpoint) error {
	views := make(map[string]view, len(c.Weights))
	for name, t := range c.Weights {
		if len(t.Data) != onnx.Elements(t.Shape) {
			return fmt.Errorf("tensor %.80q: shape %v with %d values", name, t.Shape, len(t.Data))
		}
		views[name] = view{t, counts(name)}
	}
	meta := map[string]string{"format": "pt"} // what the PyTorch world expects there
	maps.Copy(meta, c.Meta)
	meta[checksumKey] = checksum(meta, c.Weights)
	return safetensors.SerializeToWriter(views, meta, w)
}

func encodeSafetensors(c Checkpoint) ([]byte, error) {
	size := maxHeader / 4
	for _, name := range slices.Sorted(maps.Keys(c.Weights)) {
		if err := finite(name, c.Weights[name].Data); err != nil {
			return nil, err
		}
		size += 4 * len(c.Weights[name].Data)
	}
	out := bytes.NewBuffer(make([]byte, 0, size))
	if err := Write(out, c); err != nil {
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
		return c, fmt.Errorf("safetensors header of %d bytes in a file of %d: expected at most %d", n, len(data), min(maxHeader, len(data)-8))
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
	if want, ok := c.Meta[checksumKey]; ok {
		if have := checksum(c.Meta, c.Weights); have != want {
			return c, fmt.Errorf("%w: its check sum is %s: expected %.20q", ErrDamaged, have, want)
		}
		c.Checked = true
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
