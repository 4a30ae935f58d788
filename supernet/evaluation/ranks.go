package evaluation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/mpi"
	"github.com/binas-tui/binas-tui/model"
)

// Times of ranks that evaluate together: how often they bring what they have, and
// after how long without a word of the others the connection is taken for lost.
const (
	exchangeEvery = 50 * time.Millisecond
	lostAfter     = 5 * time.Minute
)

// results is what a rank has found since it was last asked.
type results[T any] struct {
	Found []result[T]
	Done  bool // there is no more
}

type result[T any] struct {
	Place int
	Value T
}

// overRanks is inOrder over all ranks: rank r does the pieces i with i modulo the
// ranks = r, and take is called on rank 0 alone, with the pieces of all. The first
// error of any rank ends it on all.
func overRanks[T any](ctx context.Context, ranks mpi.Comm, j *job.Job, n, workers int, work func(ctx context.Context, i int) (T, error), take func(i int, v T) error) error {
	if !several(ranks) {
		return inOrder(ctx, j, n, workers, work, take)
	}
	rank, size := ranks.Rank(), ranks.Size()
	working, end := context.WithCancel(ctx)
	defer end()
	var (
		mu    sync.Mutex
		found []result[T]
		ended = make(chan error, 1)
	)
	own := (&model.Shard{Index: rank, Of: size}).Share(n)
	go func() {
		ended <- inOrder(working, j, own, workers, func(ctx context.Context, i int) (T, error) {
			return work(ctx, i*size+rank)
		}, func(i int, v T) error {
			mu.Lock()
			defer mu.Unlock()
			found = append(found, result[T]{i*size + rank, v})
			return nil
		})
	}()
	var (
		err     error
		done    bool              // here
		waiting = make(map[int]T) // results of rank 0 that are not their turn yet
		turn    int               // of them
		pause   = time.NewTicker(exchangeEvery)
	)
	defer pause.Stop()
	for everywhere := false; !everywhere; {
		if done {
			<-pause.C
		} else {
			select {
			case err = <-ended:
				done = true
			case <-pause.C:
			}
		}
		mu.Lock()
		message, encodeErr := json.Marshal(results[T]{found, done})
		found = nil
		mu.Unlock()
		if err == nil {
			err = encodeErr
		}
		all, agreeErr := agreeSoon(ctx, ranks, message, err)
		if agreeErr != nil {
			end()
			if !done {
				<-ended
			}
			return agreeErr
		}
		everywhere = true
		for _, text := range all {
			var r results[T]
			if err == nil {
				err = json.Unmarshal(text, &r)
			}
			everywhere = everywhere && r.Done
			for _, f := range r.Found {
				waiting[f.Place] = f.Value
			}
		}
		for v, ok := waiting[turn]; ok && rank == 0 && err == nil; v, ok = waiting[turn] {
			delete(waiting, turn)
			err = take(turn, v)
			turn++
		}
		if rank > 0 {
			clear(waiting)
		}
	}
	_, err = agreeSoon(ctx, ranks, nil, err) // what rank 0 took last may have failed
	return err
}

// agreeSoon is mpi.Agree for ranks all of which are about to call it.
func agreeSoon(ctx context.Context, ranks mpi.Comm, data []byte, err error) ([][]byte, error) {
	soon, cancel := context.WithTimeoutCause(ctx, lostAfter, fmt.Errorf("no word of the other ranks for %s: the connection is lost", lostAfter))
	defer cancel()
	return mpi.Agree(soon, ranks, data, err)
}

// ErrRanks is wrapped by the error about ranks that would do different things.
var ErrRanks = errors.New("the ranks are not about to do the same")

// several reports whether there are others to work with.
func several(ranks mpi.Comm) bool { return ranks != nil && ranks.Size() > 1 }

// leads reports whether this is rank 0, which has files and results.
func leads(ranks mpi.Comm) bool { return !several(ranks) || ranks.Rank() == 0 }

// begin makes sure that all ranks are about to do the same: that their records would
// have the same header. It returns on all what rank 0 finds missing. An error of any
// rank is one of all.
func begin(ctx context.Context, ranks mpi.Comm, j *job.Job, header model.EvaluationInfo, computed string, missing []int, err error) ([]int, error) {
	if !several(ranks) {
		return missing, err
	}
	type beginning struct {
		Header   model.EvaluationInfo
		Computed string
		Missing  [][2]int // first and last
	}
	message, encodeErr := json.Marshal(beginning{header, computed, stretches(missing)})
	if err == nil {
		err = encodeErr
	}
	all, err := mpi.Agree(ctx, ranks, message, err)
	if err != nil {
		return nil, err
	}
	var first beginning
	on := map[string]bool{}
	for rank, text := range all {
		var b beginning
		if err := json.Unmarshal(text, &b); err != nil {
			return nil, err
		}
		if rank == 0 {
			first = b
		}
		if err := first.Header.Differs(b.Header); err != nil {
			return nil, mpi.AgreedError{Err: fmt.Errorf("%w: of rank 0 and rank %d the %w", ErrRanks, rank, err)}
		}
		on[b.Computed] = true
	}
	if len(on) > 1 {
		j.Log(Differently(slices.Sorted(maps.Keys(on))))
	}
	missing = nil
	for _, stretch := range first.Missing {
		for i := stretch[0]; i <= stretch[1]; i++ {
			missing = append(missing, i)
		}
	}
	return missing, nil
}

// stretches are the first and last of the numbers that follow one another.
func stretches(numbers []int) (out [][2]int) {
	for _, i := range numbers {
		if n := len(out); n > 0 && out[n-1][1] == i-1 {
			out[n-1][1] = i
		} else {
			out = append(out, [2]int{i, i})
		}
	}
	return out
}

// Differently says what records were computed with, where that was not one thing.
func Differently(computed []string) string {
	return fmt.Sprintf("computed with different processors or libraries: %s: the last digits may differ", strings.Join(computed, "; "))
}
