package pickle

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"github.com/binas-tui/binas-tui/internal/ieee"
)

// dtype is the type of the elements of a tensor or array.
type dtype struct {
	name    string // torch's and numpy's
	storage string // torch's class of storages of it
	kind    byte   // numpy's: f float, i int, u unsigned, b bool; B is bfloat16, 0 a type that is not read
	size    int    // bytes
}

// dtypes are the types that have a value in float64, integers beyond 2^53 rounded,
// and those whose size has to be known to get past them.
var dtypes = []dtype{
	{"float64", "DoubleStorage", 'f', 8}, {"float32", "FloatStorage", 'f', 4},
	{"float16", "HalfStorage", 'f', 2}, {"bfloat16", "BFloat16Storage", 'B', 2},
	{"int64", "LongStorage", 'i', 8}, {"int32", "IntStorage", 'i', 4}, {"int16", "ShortStorage", 'i', 2}, {"int8", "CharStorage", 'i', 1},
	{"uint64", "UInt64Storage", 'u', 8}, {"uint32", "UInt32Storage", 'u', 4}, {"uint16", "UInt16Storage", 'u', 2}, {"uint8", "ByteStorage", 'u', 1}, {"untyped", "UntypedStorage", 'u', 1},
	{"bool", "BoolStorage", 'b', 1},
	{"complex128", "ComplexDoubleStorage", 0, 16}, {"complex64", "ComplexFloatStorage", 0, 8}, {"qint32", "QInt32Storage", 0, 4},
	{"qint8", "QInt8Storage", 0, 1}, {"quint8", "QUInt8Storage", 0, 1}, {"quint4x2", "QUInt4x2Storage", 0, 1}, {"quint2x4", "QUInt2x4Storage", 0, 1},
}

// find is the first of dtypes for which is says yes, the zero value where none is.
func find(is func(dtype) bool) dtype {
	if i := slices.IndexFunc(dtypes, is); i >= 0 {
		return dtypes[i]
	}
	return dtype{}
}

// unqualified is the last part of a dotted name such as torch.float32.
func unqualified(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

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

func (d dtype) float(bits uint64) float64 {
	switch {
	case d.kind == 'f' && d.size == 4:
		return float64(math.Float32frombits(uint32(bits)))
	case d.kind == 'f' && d.size == 8:
		return math.Float64frombits(bits)
	case d.kind == 'f':
		return float64(ieee.Half(uint16(bits)))
	case d.kind == 'B':
		return float64(ieee.BFloat16(uint16(bits)))
	case d.kind == 'i':
		return float64(signed(bits, d.size))
	case d.kind == 'b':
		return float64(min(bits, 1))
	}
	return float64(bits)
}

// signed extends the sign of a number of size bytes.
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
