package pickle

import (
	"encoding/binary"
	"math"

	"github.com/nlpodyssey/gopickle/pytorch"
)

// dtype is the element type of a storage.
type dtype struct {
	name string
	size int // bytes
}

// dtypes maps the classes of module torch to element types.
var dtypes = map[string]dtype{
	"DoubleStorage":   {"float64", 8},
	"FloatStorage":    {"float32", 4},
	"HalfStorage":     {"float16", 2},
	"BFloat16Storage": {"bfloat16", 2},
	"LongStorage":     {"int64", 8},
	"IntStorage":      {"int32", 4},
	"ShortStorage":    {"int16", 2},
	"CharStorage":     {"int8", 1},
	"ByteStorage":     {"uint8", 1},
	"BoolStorage":     {"bool", 1},
}

// unsigned reads the index-th number of a size in bytes.
func unsigned(b []byte, index, size int, big bool) uint64 {
	b = b[index*size:][:size]
	var order binary.ByteOrder = binary.LittleEndian
	if big {
		order = binary.BigEndian
	}
	switch size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(order.Uint16(b))
	case 4:
		return uint64(order.Uint32(b))
	}
	return order.Uint64(b)
}

// value reads the index-th value of a storage.
func (d dtype) value(b []byte, index int, big bool) float64 {
	bits := unsigned(b, index, d.size, big)
	switch d.name {
	case "float64":
		return math.Float64frombits(bits)
	case "float32":
		return float64(math.Float32frombits(uint32(bits)))
	case "float16":
		return float64(math.Float32frombits(pytorch.FloatBits16to32(uint16(bits))))
	case "bfloat16":
		return float64(math.Float32frombits(uint32(bits) << 16))
	case "int64":
		return float64(int64(bits))
	case "int32":
		return float64(int32(bits))
	case "int16":
		return float64(int16(bits))
	case "int8":
		return float64(int8(bits))
	case "bool":
		if bits != 0 {
			return 1
		}
		return 0
	}
	return float64(bits) // uint8
}
