package pickle

import (
	"encoding/binary"
	"fmt"
	"math"
)

// batch is how many items Python's own pickler passes at once.
const batch = 1000

// maxEncodeDepth bounds the nesting of what Encode takes.
const maxEncodeDepth = 32

// Encode writes v as a pickle of protocol 4, which Python 3.4 and later read.
// It takes []Entry (a dict, written in its order, so that equal values give
// equal bytes), []any and []int (lists), string, float64, int of 32 bits, bool
// and nil.
func Encode(v any) ([]byte, error) {
	e := encoder{b: []byte("\x80\x04")}
	if e.put(v, 0); e.err != nil {
		return nil, fmt.Errorf("pickle: %w", e.err)
	}
	return append(e.b, '.'), nil
}

// encoder appends to b until the first error.
type encoder struct {
	b   []byte
	err error
}

func (e *encoder) put(v any, depth int) {
	if depth > maxEncodeDepth {
		e.err = fmt.Errorf("values nested deeper than %d", maxEncodeDepth)
	}
	if e.err != nil {
		return
	}
	switch v := v.(type) {
	case []Entry:
		e.batched('}', 'u', len(v), func(i int) { e.put(v[i].Key, depth+1); e.put(v[i].Value, depth+1) })
	case []any:
		e.batched(']', 'e', len(v), func(i int) { e.put(v[i], depth+1) })
	case []int:
		e.batched(']', 'e', len(v), func(i int) { e.put(v[i], depth+1) })
	case string:
		if len(v) < 1<<8 {
			e.b = append(e.b, 0x8c, byte(len(v)))
		} else {
			e.b = binary.LittleEndian.AppendUint32(append(e.b, 'X'), uint32(len(v)))
		}
		e.b = append(e.b, v...)
	case float64:
		e.b = binary.BigEndian.AppendUint64(append(e.b, 'G'), math.Float64bits(v))
	case int:
		switch {
		case v >= 0 && v < 1<<8:
			e.b = append(e.b, 'K', byte(v))
		case v >= 0 && v < 1<<16:
			e.b = append(e.b, 'M', byte(v), byte(v>>8))
		case int(int32(v)) == v:
			e.b = binary.LittleEndian.AppendUint32(append(e.b, 'J'), uint32(v))
		default:
			e.err = fmt.Errorf("integer %d does not fit 32 bits", v)
		}
	case bool:
		e.b = append(e.b, map[bool]byte{true: 0x88, false: 0x89}[v])
	case nil:
		e.b = append(e.b, 'N')
	default:
		e.err = fmt.Errorf("cannot write a %T", v)
	}
}

// batched writes an empty container, then MARK, items and the opcode that adds
// them, a batch at a time.
func (e *encoder) batched(empty, add byte, n int, item func(int)) {
	e.b = append(e.b, empty)
	for i := range n {
		if i%batch == 0 {
			e.b = append(e.b, '(')
		}
		item(i)
		if i%batch == batch-1 || i == n-1 {
			e.b = append(e.b, add)
		}
	}
}
