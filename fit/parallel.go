package fit

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// parallel calls work for 0 to n-1 on all processors, and stops early where
// the context ends. What work writes must depend on its argument alone.
func parallel(ctx context.Context, n int, work func(i int)) error {
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				work(i)
			}
		})
	}
	wait.Wait()
	return ctx.Err()
}
