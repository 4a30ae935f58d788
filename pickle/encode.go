package pickle

import (
	"bytes"
	"fmt"

	ogorek "github.com/kisielk/og-rek"
)

// protocol is what Encode writes: Python 3.4 and later read it.
const protocol = 4

// batch is how many items Python's own pickler passes at once.
const batch = 1000

// maxEncodeDepth bounds the nesting of what Encode takes.
const maxEncodeDepth = 32

// Encode writes v as a pickle of protocol 4 that Python's pickle.load reads.
// It takes []Entry (a dict, written in its order, so that equal values give
// equal bytes), []any and []int (lists), string, float64, int, bool and nil.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	b.Write([]byte{opProto, protocol})
	if err := encode(&b, v, 0); err != nil {
		return nil, fmt.Errorf("pickle: %w", err)
	}
	b.WriteByte(opStop)
	return b.Bytes(), nil
}

func encode(b *bytes.Buffer, v any, depth int) error {
	if depth > maxEncodeDepth {
		return fmt.Errorf("values nested deeper than %d", maxEncodeDepth)
	}
	switch v := v.(type) {
	case []Entry:
		b.WriteByte(opEmptyDict)
		return batched(b, len(v), opSetItems, func(i int) error {
			if err := leaf(b, v[i].Key); err != nil {
				return err
			}
			return encode(b, v[i].Value, depth+1)
		})
	case []any:
		b.WriteByte(opEmptyList)
		return batched(b, len(v), opAppends, func(i int) error { return encode(b, v[i], depth+1) })
	case []int:
		b.WriteByte(opEmptyList)
		return batched(b, len(v), opAppends, func(i int) error { return leaf(b, v[i]) })
	case string, float64, int, bool, nil:
		return leaf(b, v)
	}
	return fmt.Errorf("cannot write a %T", v)
}

// batched writes MARK, items and the opcode that adds them, a batch at a time.
func batched(b *bytes.Buffer, n int, op byte, item func(int) error) error {
	for start := 0; start < n; start += batch {
		b.WriteByte(opMark)
		for i := start; i < min(n, start+batch); i++ {
			if err := item(i); err != nil {
				return err
			}
		}
		b.WriteByte(op)
	}
	return nil
}

// leaf writes one number or string. og-rek frames it as a pickle of its own;
// its header and STOP are taken off.
func leaf(b *bytes.Buffer, v any) error {
	if n, ok := v.(int); ok && int(int32(n)) != n {
		return fmt.Errorf("integer %d does not fit 32 bits", n)
	}
	start := b.Len()
	e := ogorek.NewEncoderWithConfig(b, &ogorek.EncoderConfig{Protocol: protocol, StrictUnicode: true})
	if err := e.Encode(v); err != nil {
		return err
	}
	whole := b.Bytes()
	copy(whole[start:], whole[start+2:])
	b.Truncate(b.Len() - 3)
	return nil
}
