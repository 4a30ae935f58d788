package pickle

import (
	"encoding/binary"
	"math"
	"strings"

	"github.com/binas-tui/binas-tui/internal/ieee"
)

// dtype is the type of the elements of a tensor or array.
type dtype struct {
	name string // torch's and numpy's
	kind byte   // numpy's: f float, i int, u unsigned, b bool; V is bfloat16, which it has not
	size int    // bytes
}

// dtypes are the types that have a value in float64, integers beyond 2^53 rounded.
var dtypes = []dtype{
	{"float64", 'f', 8}, {"float32", 'f', 4}, {"float16", 'f', 2}, {"bfloat16", 'V', 2},
	{"int64", 'i', 8}, {"int32", 'i', 4}, {"int16", 'i', 2}, {"int8", 'i', 1},
	{"uint64", 'u', 8}, {"uint32", 'u', 4}, {"uint16", 'u', 2}, {"uint8", 'u', 1}, {"bool", 'b', 1},
}

// storages are torch's names for storages of one type.
var storages = map[string]string{
	"DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
	"LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
	"ByteStorage": "uint8", "BoolStorage": "bool", "UntypedStorage": "uint8",
}

// unread are further storages with the size of a value, in bytes: in the older
// format one has to know it to get past them.
var unread = map[string]int{
	"ComplexDoubleStorage": 16, "ComplexFloatStorage": 8, "QInt32Storage": 4,
	"QInt8Storage": 1, "QUInt8Storage": 1, "QUInt4x2Storage": 1, "QUInt2x4Storage": 1,
}

// storageType is the element type of a global such as torch.FloatStorage.
func storageType(class string) (dtype, bool) {
	module, name := cutLast(class)
	if module != "torch" && module != "torch.storage" {
		return dtype{}, false
	}
	return dtypeNamed(storages[name])
}

func dtypeNamed(name string) (dtype, bool) {
	for _, d := range dtypes {
		if d.name == name {
			return d, true
		}
	}
	return dtype{}, false
}

// cutLast cuts a dotted name before its last part.
func cutLast(s string) (before, after string) {
	i := strings.LastIndexByte(s, '.')
	return s[:max(i, 0)], s[i+1:]
}

// unsigned reads the index-th number of size bytes.
func unsigned(b []byte, index, size int, big bool) uint64 {
	b = b[index*size:][:size]
	switch {
	case size == 1:
		return uint64(b[0])
	case size == 2 && big:
		return uint64(binary.BigEndian.Uint16(b))
	case size == 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case size == 4 && big:
		return uint64(binary.BigEndian.Uint32(b))
	case size == 4:
		return uint64(binary.LittleEndian.Uint32(b))
	case big:
		return binary.BigEndian.Uint64(b)
	}
	return binary.LittleEndian.Uint64(b)
}

// float is the value of an element.
func (d dtype) float(bits uint64) float64 {
	switch {
	case d.kind == 'f' && d.size == 4:
		return float64(math.Float32frombits(uint32(bits)))
	case d.kind == 'f' && d.size == 8:
		return math.Float64frombits(bits)
	case d.kind == 'f':
		return float64(ieee.Half(uint16(bits)))
	case d.kind == 'V':
		return float64(ieee.BFloat16(uint16(bits)))
	case d.kind == 'i':
		return float64(signed(bits, d.size))
	case d.kind == 'b':
		return float64(min(bits, 1))
	}
	return float64(bits)
}

func signed(bits uint64, size int) int64 { return int64(bits<<(64-8*size)) >> (64 - 8*size) }

// item is an element as Python's item() gives it: float64, int or bool.
func (d dtype) item(bits uint64) any {
	switch {
	case d.kind == 'b':
		return bits != 0
	case d.kind == 'i':
		return int(signed(bits, d.size))
	case d.kind == 'u' && bits <= math.MaxInt64:
		return int(bits)
	}
	return d.float(bits)
}
