// Package safetensors reads and writes tensors in the format safetensors: a header
// of JSON with names, types and shapes, and the values behind it.
package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unsafe"

	"github.com/nlpodyssey/safetensors"

	"github.com/binas-tui/binas-tui/internal/ieee"
)

// Type is the element type of a tensor.
type Type = safetensors.DType

// The types of which [Values] makes numbers.
const (
	F16  = safetensors.F16
	BF16 = safetensors.BF16
	F32  = safetensors.F32
	F64  = safetensors.F64
	I32  = safetensors.I32
	I64  = safetensors.I64
)

// Tensor is one tensor of a file.
type Tensor struct {
	Name  string
	Type  Type
	Shape []int
	Data  []byte // the values, row-major and little-endian
}

// maxDims bounds the dimensions of a tensor.
const maxDims = 8

// Is reports whether data looks like safetensors.
func Is(data []byte) bool { return len(data) >= 10 && data[8] == '{' }

// Decode returns the metadata and the tensors of a file, by name; their Data is
// the file's. A header of more than maxHeader bytes is refused before it is
// parsed, which takes some 50 bytes of memory for each. Shapes agree with the data.
func Decode(data []byte, maxHeader int) (meta map[string]string, tensors []Tensor, err error) {
	if !Is(data) {
		return nil, nil, fmt.Errorf("not safetensors")
	}
	if n := binary.LittleEndian.Uint64(data); n > uint64(min(maxHeader, len(data)-8)) {
		return nil, nil, fmt.Errorf("safetensors header of %d bytes in a file of %d: expected at most %d", n, len(data), min(maxHeader, len(data)-8))
	}
	n, header, err := safetensors.ReadMetadata(data)
	if err != nil {
		return nil, nil, fmt.Errorf("safetensors: %.200s", err)
	}
	body := data[8+n:]
	for name, info := range header.Tensors() {
		// The library's own check can be led past the end by sizes that wrap.
		from, to := info.DataOffsets[0], info.DataOffsets[1]
		if from > to || to > uint64(len(body)) {
			return nil, nil, fmt.Errorf("tensor %.80q: bytes %d to %d of %d", name, from, to, len(body))
		}
		t := Tensor{Name: name, Type: info.DType, Data: body[from:to]}
		if t.Shape, err = shapeOf(info, len(t.Data)); err != nil {
			return nil, nil, fmt.Errorf("tensor %.80q: %w", name, err)
		}
		tensors = append(tensors, t)
	}
	slices.SortFunc(tensors, func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) })
	return header.Metadata(), tensors, nil
}

// shapeOf is the shape of a tensor whose values take some bytes.
func shapeOf(info *safetensors.TensorInfo, bytes int) ([]int, error) {
	if len(info.Shape) > maxDims {
		return nil, fmt.Errorf("%d dimensions: expected at most %d", len(info.Shape), maxDims)
	}
	shape, count := make([]int, len(info.Shape)), uint64(1)
	for i, n := range info.Shape {
		shape[i] = int(n)
		if n <= uint64(bytes) { // keeps the product from wrapping
			count *= n
		}
		if n > uint64(bytes) || count > uint64(bytes) {
			return nil, fmt.Errorf("shape %v in %d bytes", info.Shape, bytes)
		}
	}
	if count*info.DType.Size() != uint64(bytes) {
		return nil, fmt.Errorf("shape %v of %v in %d bytes", info.Shape, info.DType, bytes)
	}
	return shape, nil
}

// Values are the numbers of a tensor.
func Values[T float32 | float64](t Tensor) ([]T, error) {
	order := binary.LittleEndian
	var value func([]byte) T
	switch t.Type {
	case F32:
		value = func(b []byte) T { return T(math.Float32frombits(order.Uint32(b))) }
	case F64:
		value = func(b []byte) T { return T(math.Float64frombits(order.Uint64(b))) }
	case BF16:
		value = func(b []byte) T { return T(ieee.BFloat16(order.Uint16(b))) }
	case F16:
		value = func(b []byte) T { return T(ieee.Half(order.Uint16(b))) }
	case I64:
		value = func(b []byte) T { return T(int64(order.Uint64(b))) }
	case I32:
		value = func(b []byte) T { return T(int32(order.Uint32(b))) }
	default:
		return nil, fmt.Errorf("%v: expected F32, F64, F16, BF16, I64 or I32", t.Type)
	}
	size := int(t.Type.Size())
	values := make([]T, len(t.Data)/size)
	for i := range values {
		values[i] = value(t.Data[i*size:])
	}
	return values, nil
}

// Float32s are values as a file has them: their memory itself where that is in this
// order, as nearly everywhere.
func Float32s(values []float32) []byte {
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

// view is a tensor as the library takes it.
type view struct{ Tensor }

func (v view) DType() safetensors.DType { return v.Type }
func (v view) Data() []byte             { return v.Tensor.Data }
func (v view) DataLen() uint64          { return uint64(len(v.Tensor.Data)) }

func (v view) Shape() []uint64 {
	shape := make([]uint64, len(v.Tensor.Shape))
	for i, n := range v.Tensor.Shape {
		shape[i] = uint64(n)
	}
	return shape
}

// Write writes a file. Equal tensors and metadata give equal bytes.
func Write(w io.Writer, meta map[string]string, tensors []Tensor) error {
	views := make(map[string]view, len(tensors))
	for _, t := range tensors {
		views[t.Name] = view{t}
	}
	return safetensors.SerializeToWriter(views, meta, w)
}

// Encode returns what [Write] writes. A header that Decode would refuse is an error.
func Encode(meta map[string]string, tensors []Tensor, maxHeader int) ([]byte, error) {
	size := maxHeader / 4
	for _, t := range tensors {
		size += len(t.Data)
	}
	out := bytes.NewBuffer(make([]byte, 0, size))
	if err := Write(out, meta, tensors); err != nil {
		return nil, err
	}
	if n := binary.LittleEndian.Uint64(out.Bytes()); n > uint64(maxHeader) {
		return nil, fmt.Errorf("header of %d bytes: expected at most %d (shorten the metadata)", n, maxHeader)
	}
	return out.Bytes(), nil
}

// ReadMeta reads the metadata of a file and nothing behind its header; of what
// is not safetensors, or has a longer header, it is nil.
func ReadMeta(r io.Reader, maxHeader int) (map[string]string, error) {
	start := make([]byte, 10)
	if _, err := io.ReadFull(r, start); err != nil || !Is(start) {
		return nil, nil
	}
	n := binary.LittleEndian.Uint64(start)
	if n < 2 || n > uint64(maxHeader) {
		return nil, nil
	}
	header := make([]byte, n)
	copy(header, start[8:])
	if _, err := io.ReadFull(r, header[2:]); err != nil {
		return nil, fmt.Errorf("it ends in its header")
	}
	var decoded struct {
		Meta map[string]string `json:"__metadata__"`
	}
	if err := json.Unmarshal(header, &decoded); err != nil {
		return nil, fmt.Errorf("its header: %w", err)
	}
	return decoded.Meta, nil
}
