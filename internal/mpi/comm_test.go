package mpi

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

// each runs a rank of a group in a goroutine of its own.
func each(size int, rank func(c Comm) error) error {
	var wait sync.WaitGroup
	errs := make([]error, size)
	for i, c := range Group(size) {
		wait.Go(func() { errs[i] = rank(c) })
	}
	wait.Wait()
	return errors.Join(errs...)
}

// vectors are n vectors whose sum depends on the order.
func vectors(n, length int) [][]float32 {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	out := make([][]float32, n)
	for i := range out {
		out[i] = make([]float32, length)
		for k := range out[i] {
			bits := rng.Uint64()
			out[i][k] = float32(int32(bits) >> (bits >> 60))
		}
	}
	return out
}

// balanced is the sum of a tree of a power of two of vectors, written as it is defined.
func balanced(v [][]float32) []float32 {
	if len(v) == 1 {
		return v[0]
	}
	a, b := balanced(v[:len(v)/2]), balanced(v[len(v)/2:])
	sum := make([]float32, len(a))
	for i := range sum {
		sum[i] = a[i] + b[i]
	}
	return sum
}

func TestSumsAreTheSameForEveryNumberOfRanks(t *testing.T) {
	for _, length := range []int{1, 3, 1000, sumPiece + 5} {
		parts := 8
		if length > 1000 {
			parts = 2
		}
		want := balanced(vectors(parts, length))
		for size := 1; size <= parts; size *= 2 {
			err := each(size, func(c Comm) error {
				var tree Tree
				mine := parts / size
				for _, v := range vectors(parts, length)[c.Rank()*mine:][:mine] {
					tree.Add(v)
				}
				got := tree.Sum()
				if err := c.Sum(context.Background(), got); err != nil {
					return err
				}
				for i := range want {
					if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
						return fmt.Errorf("rank %d of %d, value %d of %d: %v, expected %v", c.Rank(), size, i, length, got[i], want[i])
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
	v := vectors(8, 1000)
	plain := make([]float32, 1000)
	for _, x := range v {
		for i := range x {
			plain[i] += x[i]
		}
	}
	if slices.Equal(plain, balanced(vectors(8, 1000))) {
		t.Error("the order does not matter to these vectors: the test shows nothing")
	}
}

func TestTreeOfAnyNumber(t *testing.T) {
	freed := 0
	tree := Tree{Free: func([]float32) { freed++ }}
	for i := range 7 {
		tree.Add([]float32{float32(i)})
	}
	if got := tree.Sum(); got[0] != 21 || freed != 6 {
		t.Errorf("%v, %d freed", got, freed)
	}
	if tree.Sum() != nil {
		t.Error("the tree is not empty")
	}
}

func TestBroadcastAndGather(t *testing.T) {
	for _, size := range []int{1, 2, 5} {
		err := each(size, func(c Comm) error {
			ctx := context.Background()
			for _, text := range []string{"", "what rank 0 says", strings.Repeat("long ", 1000)} {
				say := text
				if c.Rank() > 0 {
					say = "something else"
				}
				got, err := c.Broadcast(ctx, []byte(say))
				if err != nil || string(got) != text {
					return fmt.Errorf("%q, %v", got, err)
				}
			}
			mine := []byte(strings.Repeat("x", 3*c.Rank()))
			all, err := c.Gather(ctx, mine)
			if err != nil || len(all) != size {
				return fmt.Errorf("%q, %v", all, err)
			}
			for i, b := range all {
				if len(b) != 3*i {
					return fmt.Errorf("%d bytes of rank %d", len(b), i)
				}
			}
			if err := c.Barrier(ctx); err != nil {
				return err
			}
			return c.Finalize(ctx)
		})
		if err != nil {
			t.Errorf("%d ranks: %v", size, err)
		}
	}
}

func TestARankThatIsMissingHoldsNobodyForEver(t *testing.T) {
	reason := errors.New("no answer")
	ctx, cancel := context.WithCancelCause(context.Background())
	group := Group(2)
	time := make(chan struct{})
	go func() {
		<-time
		cancel(reason)
	}()
	close(time)
	err := group[0].Sum(ctx, make([]float32, 10))
	if !errors.Is(err, reason) || !strings.Contains(err.Error(), "sum: no answer") {
		t.Errorf("%v", err)
	}
	if again := group[0].Barrier(context.Background()); again != err {
		t.Errorf("communication went on: %v", again)
	}
	group = Group(2)
	go group[1].Abort(1)
	if err := group[0].Barrier(context.Background()); !errors.Is(err, errAborted) {
		t.Errorf("%v", err)
	}
}
