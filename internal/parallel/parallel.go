// Package parallel runs loops on all processors.
package parallel

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// For calls work for 0 to n-1, in this order but several at once, one on every
// processor. What work writes must depend on its argument alone. A context that
// ends stops it before the next call; its error is returned.
func For(ctx context.Context, n int, work func(i int)) error {
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
