package pickle

import "fmt"

// maxDims bounds the dimensions of a tensor or array.
const maxDims = 8

// storage is the values behind tensors and arrays.
type storage struct {
	key           string
	elem          dtype
	offset, count int // in values
	big           bool
	data          []byte
	file          *torchFile // that has data; nil where it is here
}

// view is a tensor or an array, read when somebody needs it.
type view struct {
	storage       *storage // nil for an array whose state has not come yet
	elem          dtype
	offset        int
	shape, stride []int // in values
	asItems       []any
}

// bytes returns the values as they are in the file.
func (s *storage) bytes() (b []byte, err error) {
	if b = s.data; s.file != nil {
		if b, err = s.file.storage(s.key); err != nil {
			return nil, err
		}
	}
	if have := len(b)/s.elem.size - s.offset; have < s.count {
		return nil, malformed("storage %q declares %d values and has %d", clip(s.key), s.count, max(have, 0))
	}
	return b[s.offset*s.elem.size:], nil
}

// open checks the view against its storage, and returns the storage's bytes and how
// many values the view has. There must be no more than limit: views may repeat
// values, so that their storage does not bound them.
func (v *view) open(limit int) (b []byte, count int, err error) {
	if v.storage == nil {
		return nil, 0, malformed("an array without values")
	}
	if b, err = v.storage.bytes(); err != nil {
		return nil, 0, err
	}
	have := v.storage.count * v.storage.elem.size / v.elem.size
	last := v.offset
	count = 1
	for i, n := range v.shape {
		if n != 0 && count > limit/n {
			return nil, 0, fmt.Errorf("%w: shape %v where the file has room for %d values", ErrTooLarge, v.shape, limit)
		}
		count *= n
		if n > 1 && last < have { // a stride that leads out of the storage must not overflow
			last += min((have-last)/(n-1)+1, v.stride[i]) * (n - 1)
		}
	}
	if count > 0 && last >= have {
		return nil, 0, malformed("offset %d, shape %v, stride %v in a storage of %d values", v.offset, v.shape, v.stride, have)
	}
	return b, count, nil
}

// each calls yield with every value, in row-major order.
func (v *view) each(b []byte, count int, yield func(bits uint64)) {
	index, at := make([]int, len(v.shape)), v.offset
	for range count {
		yield(unsigned(b, at, v.elem.size, v.storage.big))
		for d := len(index) - 1; d >= 0; d-- {
			if index[d]++; index[d] < v.shape[d] {
				at += v.stride[d]
				break
			}
			at -= (v.shape[d] - 1) * v.stride[d]
			index[d] = 0
		}
	}
}

// items lists the values; a view that repeats values is refused.
func (v *view) items() ([]any, error) {
	if v.asItems != nil || v.storage == nil {
		return v.asItems, nil
	}
	b, count, err := v.open(v.storage.count)
	if err == nil {
		v.asItems = make([]any, 0, count)
		v.each(b, count, func(bits uint64) { v.asItems = append(v.asItems, v.elem.item(bits)) })
	}
	return v.asItems, err
}

// dims reads a tuple of sizes; ok is false where it is none.
func dims(v any) (sizes []int, ok bool) {
	t, ok := v.(*collection)
	if !ok || t.kind != "tuple" || len(t.items) > maxDims {
		return nil, false
	}
	sizes = make([]int, len(t.items))
	for i, item := range t.items {
		if sizes[i], ok = item.(int); !ok || sizes[i] < 0 {
			return nil, false
		}
	}
	return sizes, true
}

// contiguous is the strides of an array in C's order, or in Fortran's.
func contiguous(shape []int, fortran bool) []int {
	stride, step := make([]int, len(shape)), 1
	for i := range shape {
		d := len(shape) - 1 - i
		if fortran {
			d = i
		}
		stride[d] = step
		if n := max(shape[d], 1); step <= 1<<40/n { // else it is out of range anyway
			step *= n
		}
	}
	return stride
}
