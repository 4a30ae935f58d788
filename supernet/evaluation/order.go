package evaluation

import (
	"context"
	"sync"

	"github.com/binas-tui/binas-tui/internal/job"
)

// inOrder does n pieces of work, several at a time, and hands the results over one
// by one in the order of their numbers. A kill loses what is
// in flight, at most one result a worker. The first error of either, or the end
// of the context, ends it.
func inOrder[T any](ctx context.Context, j *job.Job, n, workers int, work func(ctx context.Context, i int) (T, error), take func(i int, v T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		mu    sync.Mutex
		next  int // to be begun
		turn  int // to be handed over
		taken = sync.NewCond(&mu)
		wait  sync.WaitGroup
	)
	stop := context.AfterFunc(ctx, func() {
		mu.Lock()
		taken.Broadcast()
		mu.Unlock()
	})
	defer stop()
	for range min(workers, n) {
		wait.Go(func() {
			for j.Wait(ctx) == nil {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= n {
					return
				}
				v, err := work(ctx, i)
				mu.Lock()
				for err == nil && turn != i && ctx.Err() == nil {
					taken.Wait()
				}
				if err == nil && ctx.Err() == nil {
					err = take(i, v)
				}
				if err != nil {
					cancel(err)
				}
				turn = i + 1
				taken.Broadcast()
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return context.Cause(ctx)
}
