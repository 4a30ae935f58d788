package parallel

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
)

// Every index is visited once.
func TestForVisitsAll(t *testing.T) {
	for _, n := range []int{0, 1, 7, 1000} {
		visits := make([]atomic.Int32, n)
		if err := For(context.Background(), n, func(i int) { visits[i].Add(1) }); err != nil {
			t.Fatal(err)
		}
		for i := range visits {
			if got := visits[i].Load(); got != 1 {
				t.Errorf("n = %d: index %d is visited %d times", n, i, got)
			}
		}
	}
}

// A context that ends stops the loop.
func TestForStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var visits atomic.Int64
	const n = 1_000_000_000
	err := For(ctx, n, func(int) {
		if visits.Add(1) == 100 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || visits.Load() == n {
		t.Errorf("%v after %d calls, expected %v before the last", err, visits.Load(), context.Canceled)
	}
}
