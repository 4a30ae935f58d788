package mpi

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"unsafe"
)

// Comm is the ranks of one launch. All of them call the same methods in the same
// order, each from one goroutine at a time. A method that waits returns when its
// context ends; what it was to fill is undefined then, and the ranks cannot
// communicate any more: later calls return the same error.
type Comm interface {
	Rank() int
	Size() int
	// Broadcast returns the data of rank 0 on every rank; what others pass is not used.
	Broadcast(ctx context.Context, data []byte) ([]byte, error)
	// Gather returns the data of all ranks, by rank, on every rank.
	Gather(ctx context.Context, data []byte) ([][]byte, error)
	// Barrier returns when every rank has called it.
	Barrier(ctx context.Context) error
	// Sum replaces values, as many on every rank, by their sums over the ranks, in
	// the order of [Tree].
	Sum(ctx context.Context, values []float32) error
	// Abort ends all ranks with an exit code. Under MPI it does not return.
	Abort(code int)
	// Finalize waits for all ranks and ends communication.
	Finalize(ctx context.Context) error
}

// Alone is one process: it communicates with nobody.
func Alone() Comm { return alone{} }

type alone struct{}

func (alone) Rank() int { return 0 }
func (alone) Size() int { return 1 }
func (alone) Broadcast(ctx context.Context, data []byte) ([]byte, error) {
	return data, context.Cause(ctx)
}
func (alone) Gather(ctx context.Context, data []byte) ([][]byte, error) {
	return [][]byte{data}, context.Cause(ctx)
}
func (alone) Barrier(ctx context.Context) error          { return context.Cause(ctx) }
func (alone) Sum(ctx context.Context, _ []float32) error { return context.Cause(ctx) }
func (alone) Abort(int)                                  {}
func (alone) Finalize(context.Context) error             { return nil }

// carrier moves bytes between ranks. Buffers have the same sizes on every rank.
// Patient operations are cheap in processor time while others are late; the others
// are fast once all ranks take part.
type carrier interface {
	broadcast(ctx context.Context, buffer []byte, patient bool) error
	allGather(ctx context.Context, part, all []byte, patient bool) error
	allToAll(ctx context.Context, parts, received []byte) error
	abort(code int)
	finalize(ctx context.Context) error
}

// ranks is a Comm over a carrier.
type ranks struct {
	carrier
	rank, size int
	broken     error
}

// Bounds of one operation of a carrier, in bytes, and in values of a sum.
const (
	maxBroadcast = 1 << 28
	maxGathered  = 1 << 30
	sumPiece     = 1 << 22
)

func (r *ranks) Rank() int { return r.rank }
func (r *ranks) Size() int { return r.size }

// do runs an operation; after one that failed there are none.
func (r *ranks) do(what string, operation func() error) error {
	if r.broken == nil {
		if err := operation(); err != nil {
			r.broken = fmt.Errorf("%s: %w", what, err)
		}
	}
	return r.broken
}

func (r *ranks) Broadcast(ctx context.Context, data []byte) ([]byte, error) {
	err := r.do("broadcast", func() error {
		size := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
		if err := r.broadcast(ctx, size, true); err != nil {
			return err
		}
		if r.rank > 0 {
			data = make([]byte, binary.LittleEndian.Uint64(size))
		}
		for rest := data; len(rest) > 0; {
			piece := rest[:min(len(rest), maxBroadcast)]
			if err := r.broadcast(ctx, piece, false); err != nil {
				return err
			}
			rest = rest[len(piece):]
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return data, nil
}

func (r *ranks) Gather(ctx context.Context, data []byte) (all [][]byte, err error) {
	err = r.do("gather", func() error {
		sizes := make([]byte, 8*r.size)
		if err := r.allGather(ctx, binary.LittleEndian.AppendUint64(nil, uint64(len(data))), sizes, true); err != nil {
			return err
		}
		longest := 0
		for i := range r.size {
			longest = max(longest, int(binary.LittleEndian.Uint64(sizes[8*i:])))
		}
		if longest > maxGathered/r.size {
			return fmt.Errorf("%d bytes of a rank: expected at most %d", longest, maxGathered/r.size)
		}
		buffer := make([]byte, longest*r.size)
		if longest > 0 {
			if err := r.allGather(ctx, append(slices.Clip(data), make([]byte, longest-len(data))...), buffer, false); err != nil {
				return err
			}
		}
		for i := range r.size {
			all = append(all, buffer[i*longest:][:binary.LittleEndian.Uint64(sizes[8*i:])])
		}
		return nil
	})
	return all, err
}

func (r *ranks) Barrier(ctx context.Context) error {
	return r.do("barrier", func() error { return r.meet(ctx) })
}

// meet waits patiently for the other ranks.
func (r *ranks) meet(ctx context.Context) error {
	return r.allGather(ctx, []byte{0}, make([]byte, r.size), true)
}

// Sum gives every rank a part of each piece of the values to add up, and then all
// the sums.
func (r *ranks) Sum(ctx context.Context, values []float32) error {
	return r.do("sum", func() error {
		if err := r.meet(ctx); err != nil {
			return err
		}
		received := make([]float32, (min(len(values), sumPiece)+r.size-1)/r.size*r.size)
		for from := 0; from < len(values); from += sumPiece {
			if err := r.sum(ctx, values[from:min(len(values), from+sumPiece)], received); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *ranks) sum(ctx context.Context, values, received []float32) error {
	whole := values
	part := (len(values) + r.size - 1) / r.size
	if part*r.size > len(values) {
		whole = append(append(make([]float32, 0, part*r.size), values...), make([]float32, part*r.size-len(values))...)
	}
	received = received[:part*r.size]
	if err := r.allToAll(ctx, bytesOf(whole), bytesOf(received)); err != nil {
		return err
	}
	tree := Tree{}
	for i := range r.size {
		tree.Add(received[i*part:][:part])
	}
	if err := r.allGather(ctx, bytesOf(tree.Sum()), bytesOf(whole), false); err != nil {
		return err
	}
	if &whole[0] != &values[0] {
		copy(values, whole)
	}
	return nil
}

func (r *ranks) Abort(code int) { r.abort(code) }

func (r *ranks) Finalize(ctx context.Context) error {
	err := r.do("finalize", func() error { return r.finalize(ctx) })
	if r.broken == nil {
		r.broken = errFinalized
	}
	return err
}

var errFinalized = errors.New("the ranks have ended communication")

func bytesOf(values []float32) []byte {
	if len(values) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&values[0])), 4*len(values))
}

// Tree adds up vectors as they come, by a balanced tree: vectors 0 and 1, 2 and 3,
// then those sums, and so on; what is left over at the end is added from the last
// to the first. So is the sum of sums of as many consecutive ones each, where that
// is a power of two: they are subtrees. It writes to the vectors.
type Tree struct {
	level []int // of each sum that waits, falling
	sums  [][]float32
	// Free, where it is set, is given the vectors that are added to others.
	Free func([]float32)
}

// Add takes the next vector; all are as long.
func (t *Tree) Add(v []float32) {
	level := 0
	for n := len(t.level); n > 0 && t.level[n-1] == level; n = len(t.level) {
		v = t.merge(v)
		level++
	}
	t.level, t.sums = append(t.level, level), append(t.sums, v)
}

// merge adds v to the last sum, which it takes.
func (t *Tree) merge(v []float32) []float32 {
	last := len(t.sums) - 1
	sum := t.sums[last]
	t.level, t.sums = t.level[:last], t.sums[:last]
	for i, x := range v {
		sum[i] += x
	}
	if t.Free != nil {
		t.Free(v)
	}
	return sum
}

// Sum is the sum of all vectors, in the place of one of them; nil of none. The
// tree is empty then.
func (t *Tree) Sum() []float32 {
	if len(t.sums) == 0 {
		return nil
	}
	last := len(t.sums) - 1
	v := t.sums[last]
	t.level, t.sums = t.level[:last], t.sums[:last]
	for len(t.sums) > 0 {
		v = t.merge(v)
	}
	return v
}
