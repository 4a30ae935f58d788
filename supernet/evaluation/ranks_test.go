package evaluation

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/mpi"
	"github.com/binas-tui/binas-tui/model"
)

// together does work on each rank of a group, every one with an evaluator of its own,
// and returns the errors by rank.
func together(t *testing.T, e *Evaluator, size int, work func(ctx context.Context, e *Evaluator, j *job.Job) error) []error {
	t.Helper()
	errs := make([]error, size)
	var wait sync.WaitGroup
	for rank, c := range mpi.Group(size) {
		own := *e
		own.Ranks = c
		wait.Go(func() {
			_, errs[rank] = do(t.Context(), func(ctx context.Context, j *job.Job) (any, error) { return nil, work(ctx, &own, j) })
		})
	}
	wait.Wait()
	return errs
}

// Ranks write what one process writes, however many there are, and go on with what
// others have begun; each network is evaluated by one of them.
func TestRanksAreOneProcess(t *testing.T) {
	for _, k := range makings {
		e := pretending(t, 100)
		whole, _ := k.to(t, e, filepath.Join(t.TempDir(), "whole.jsonl"), k.most, "")
		for _, size := range []int{2, 3, 5} {
			for _, shard := range []*model.Shard{nil, {Index: 1, Of: 2}} {
				want, file := whole, filepath.Join(t.TempDir(), "ranks.jsonl")
				if shard != nil {
					want, _ = k.to(t, e, filepath.Join(t.TempDir(), "shard.jsonl"), k.most, shard.String())
				}
				for _, cut := range []int{0, len(want) / 2, len(want)} {
					if err := os.WriteFile(file, want[:cut], 0o644); err != nil {
						t.Fatal(err)
					}
					for rank, err := range together(t, e, size, func(ctx context.Context, e *Evaluator, j *job.Job) error {
						return k.make(ctx, e, file, k.most, shard, j)
					}) {
						if err != nil {
							t.Fatalf("%s: rank %d of %d: %v", k.name, rank, size, err)
						}
					}
					if have, _ := os.ReadFile(file); !bytes.Equal(have, want) {
						t.Errorf("%s: %d ranks, from %d bytes of shard %s, write\n%.300s\none process writes\n%.300s", k.name, size, cut, shard, have, want)
					}
				}
			}
		}
	}
}

// Work is spread: rank r does the pieces i with i modulo the ranks = r, and rank 0
// alone takes the results, in their order.
func TestOverRanks(t *testing.T) {
	const size, pieces = 3, 11
	var (
		mu  sync.Mutex
		by  [pieces]int
		got []int
	)
	run := func(bad int) []error {
		got = nil
		return together(t, &Evaluator{}, size, func(ctx context.Context, e *Evaluator, j *job.Job) error {
			return overRanks(ctx, e.Ranks, j, pieces, 2, func(_ context.Context, i int) (int, error) {
				mu.Lock()
				defer mu.Unlock()
				if by[i] = e.Ranks.Rank(); i == bad {
					return 0, errors.New("no luck")
				}
				return 10 * i, nil
			}, func(i, v int) error {
				if got = append(got, v); e.Ranks.Rank() != 0 || v != 10*i {
					t.Errorf("rank %d is given %d for piece %d", e.Ranks.Rank(), v, i)
				}
				if i == -bad {
					return errors.New("disk full")
				}
				return nil
			})
		})
	}
	if err := errors.Join(run(pieces)...); err != nil || len(got) != pieces {
		t.Errorf("%d results, %v", len(got), err)
	}
	for i, rank := range by {
		if rank != i%size {
			t.Errorf("piece %d was done by rank %d", i, rank)
		}
	}
	for _, c := range []struct {
		bad  int
		want string
		own  int
	}{{7, "no luck", 1}, {-10, "disk full", 0}} { // of a rank, and of the last piece on rank 0
		for rank, err := range run(c.bad) {
			if !mpi.Agreed(err) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "rank") == (rank == c.own) {
				t.Errorf("rank %d: %v", rank, err)
			}
		}
	}
}

// Ranks that would do different things do nothing, and all say why.
func TestRanksMustDoTheSame(t *testing.T) {
	e := pretending(t, 20)
	file := filepath.Join(t.TempDir(), "samples.jsonl")
	for what, change := range map[string]func(e *Evaluator) error{
		"weights is golden there and other now":         func(e *Evaluator) error { e.WeightsSum = "other"; return nil },
		"data fingerprint is abc there and abd now":     func(e *Evaluator) error { im := *e.Images; im.Fingerprint = "abd"; e.Images = &im; return nil },
		"rank 1: noise of another size: expected 32 px": func(*Evaluator) error { return errors.New("noise of another size: expected 32 px") },
	} {
		e.Images.Fingerprint = "abc"
		for rank, err := range together(t, e, 3, func(ctx context.Context, e *Evaluator, j *job.Job) error {
			if e.Ranks.Rank() == 1 {
				if err := change(e); err != nil {
					_, err = mpi.Agree(ctx, e.Ranks, nil, err) // as a step that fails before
					return err
				}
			}
			_, err := e.Sample(ctx, SampleOptions{Num: 3, File: file}, j)
			return err
		}) {
			if own := strings.HasPrefix(what, "rank 1: ") && rank == 1; !mpi.Agreed(err) || !own && !strings.Contains(err.Error(), what) {
				t.Errorf("%s: rank %d: %v", what, rank, err)
			}
		}
	}
	if data, _ := os.ReadFile(file); bytes.Count(data, []byte("\n")) > 1 {
		t.Errorf("records were made: %s", data)
	}
}

// Over ranks a network has the figures that it has in one process, to the last digit,
// its predictions in their order, and the images that cannot be read, of which each
// rank has seen its own alone.
func TestRanksValidate(t *testing.T) {
	e, folder, memory, disk := unreadable(t, 330, 7, "train/4/00160.png", "train/9/00320.png", "train/1/00200.png")
	e.Images = memory
	n, err := e.open(t.Context(), RandomPath(e.Space, 3, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	var want []Prediction
	one, err := Validate(t.Context(), n, disk, 2, nil, func(p Prediction) error {
		want = append(want, p)
		return nil
	})
	if err != nil || one.Unreadable.Count != 3 {
		t.Fatalf("%+v, %v", one, err)
	}
	for _, size := range []int{2, 3} {
		images := make([]*Images, size)
		for rank := range images {
			_, images[rank] = twins(t, folder, 32)
		}
		var (
			v    Validation
			have []Prediction
		)
		for rank, err := range together(t, e, size, func(ctx context.Context, e *Evaluator, j *job.Job) error {
			own, rank := *n, e.Ranks.Rank()
			own.Ranks = e.Ranks
			got, err := Validate(ctx, &own, images[rank], 2, j, func(p Prediction) error {
				if have = append(have, p); rank > 0 {
					t.Errorf("rank %d is told predictions", rank)
				}
				return nil
			})
			if rank == 0 {
				v = got
			}
			return err
		}) {
			if err != nil {
				t.Fatalf("rank %d of %d: %v", rank, size, err)
			}
		}
		if v.Top1 != one.Top1 || v.Top5 != one.Top5 || v.Loss != one.Loss || v.Score.Images != one.Score.Images || !reflect.DeepEqual(v.Unreadable, one.Unreadable) {
			t.Errorf("%d ranks: %+v\none process: %+v", size, v, one)
		}
		if !reflect.DeepEqual(have, want) {
			t.Errorf("%d ranks have other predictions", size)
		}
		met := 0
		for _, im := range images[1:] {
			met += im.Unreadable().Count
		}
		if met > 3 {
			t.Errorf("%d ranks have met %d unreadable images: each reads its own alone", size, met)
		}
	}
}
