package training

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/mpi"
	"github.com/binas-tui/binas-tui/supernet/backprop"
)

// microSettings are those of a training of four micro-batches.
func microSettings() Settings {
	s := fakeSettings()
	s.MicroBatches = 4
	return s
}

// ranksTrain trains the classifier over ranks of this process, each with a folder
// of its own, of which rank 0's is used. It returns the errors by rank.
func ranksTrain(ctx context.Context, t *testing.T, size int, folder string, s Settings, change func(rank int, o *Options, l *linear)) []error {
	t.Helper()
	errs := make([]error, size)
	var wait sync.WaitGroup
	for rank, c := range mpi.Group(size) {
		wait.Go(func() {
			o := Options{Folder: folder, CheckpointEvery: time.Hour, Ranks: c, StallAfter: time.Minute}
			if rank > 0 {
				o.Folder = t.TempDir() + "/none"
			}
			l := &linear{}
			if change != nil {
				change(rank, &o, l)
			}
			_, errs[rank] = train(ctx, s, o, &clusters{steps: fakeSteps, batch: 16, parts: size, part: rank}, l.build)
		})
	}
	wait.Wait()
	return errs
}

func TestRanksChangeNothing(t *testing.T) {
	s := microSettings()
	whole := t.TempDir()
	if _, err := fakeTrain(context.Background(), whole, s, &linear{}, nil); err != nil {
		t.Fatal(err)
	}
	one := t.TempDir()
	single := s
	single.MicroBatches = 0
	if _, err := fakeTrain(context.Background(), one, single, &linear{}, nil); err != nil {
		t.Fatal(err)
	}
	if a, b := lines(t, whole), lines(t, one); strings.Join(a, "") == strings.Join(b, "") {
		t.Error("micro-batches change nothing: their dropout and order of sums should")
	}
	for _, size := range []int{1, 2, 4} {
		folder := t.TempDir()
		if err := errors.Join(ranksTrain(context.Background(), t, size, folder, s, nil)...); err != nil {
			t.Fatal(err)
		}
		sameRun(t, fmt.Sprint(size, " ranks"), whole, folder)
	}
}

// A run that was interrupted goes on with another number of ranks, wherever a rank
// was.
func TestRunsGoOnWithOtherRanks(t *testing.T) {
	s := microSettings()
	whole := t.TempDir()
	if _, err := fakeTrain(context.Background(), whole, s, &linear{}, nil); err != nil {
		t.Fatal(err)
	}
	for _, where := range []string{"before", "middle"} {
		for stopped := range 2 {
			folder := t.TempDir()
			for i, size := range []int{2, 4, 1, 2} {
				ctx, cancel := context.WithCancel(context.Background())
				stop := func(step int) error {
					if step == 6*i+5 && i < 3 {
						cancel()
						return ctx.Err()
					}
					return nil
				}
				errs := ranksTrain(ctx, t, size, folder, s, func(rank int, _ *Options, l *linear) {
					if rank == stopped%size && where == "before" {
						l.before = stop
					} else if rank == stopped%size {
						l.middle = stop
					}
				})
				cancel()
				if err := errors.Join(errs...); (err == nil) != (i == 3) {
					t.Fatalf("%s, part %d: %v", where, i, err)
				}
			}
			sameRun(t, where, whole, folder)
		}
	}
}

// What goes wrong in a step of one rank ends all, with one error, and the last step
// is saved.
func TestAnErrorOfOneRankIsThatOfAll(t *testing.T) {
	s := microSettings()
	for _, failing := range []int{0, 1, 3} {
		folder := t.TempDir()
		errs := ranksTrain(context.Background(), t, 4, folder, s, func(rank int, _ *Options, l *linear) {
			if rank == failing {
				l.before = func(step int) error {
					if step == 14 {
						return fmt.Errorf("step: %w", backprop.ErrDiverged)
					}
					return nil
				}
			}
		})
		for rank, err := range errs {
			if !errors.Is(err, ErrDiverged) || !strings.Contains(err.Error(), "step 15") || !mpi.Agreed(err) {
				t.Errorf("rank %d failed, rank %d: %v", failing, rank, err)
			}
		}
	}
}

// What ends rank 0 between steps ends the others, who say nothing.
func TestRank0TellsItsEnd(t *testing.T) {
	errs := ranksTrain(context.Background(), t, 2, t.TempDir(), microSettings(), func(rank int, o *Options, _ *linear) {
		o.Wait = func(context.Context) error {
			if rank > 0 {
				t.Error("another rank than 0 waits")
			}
			return writeError{errors.New("no room")}
		}
	})
	if !mpi.Agreed(errs[0]) || !mpi.Agreed(errs[1]) || errs[1].Error() != errs[0].Error() {
		t.Errorf("%v", errs)
	}
}

func TestARankThatDoesNotAnswerEndsTheTraining(t *testing.T) {
	folder := t.TempDir()
	ended := make(chan struct{})
	errs := ranksTrain(context.Background(), t, 2, folder, microSettings(), func(rank int, o *Options, l *linear) {
		if rank == 1 {
			l.before = func(step int) error {
				if step == 7 {
					<-ended
					o.Ranks.Abort(1)
				}
				return nil
			}
			return
		}
		o.StallAfter = time.Second
		o.Progress = func(p Progress) {
			if p.Doing == "ended" {
				close(ended)
			}
		}
	})
	if !errors.Is(errs[0], ErrStalled) || !strings.Contains(errs[0].Error(), "step 7 is saved") || errs[1] == nil {
		t.Errorf("%v", errs)
	}
	if saved, ok, err := readState(Run{Folder: folder}.state(Heaviest)); err != nil || !ok || saved.Step != 7 {
		t.Errorf("step %d, %v, %v", saved.Step, ok, err)
	}
}

// While rank 0 is at work of its own, longer than another rank may not answer, the
// others know.
func TestRank0SaysThatItIsAtWork(t *testing.T) {
	t.Parallel()
	var wait sync.WaitGroup
	errs := make([]error, 2)
	for rank, c := range mpi.Group(2) {
		r := &ranks{Comm: c, stallAfter: time.Second}
		wait.Go(func() {
			if rank == 0 {
				errs[0] = r.hold(context.Background(), func() error { time.Sleep(2500 * time.Millisecond); return nil })
				r.end(context.Background(), nil)
				return
			}
			var kind byte
			if kind, _, errs[1] = r.await(context.Background()); kind != orderEnd {
				t.Errorf("told %q", kind)
			}
		})
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

func TestRanksThatCannotTrainTogether(t *testing.T) {
	for _, c := range []struct {
		size, micro int
		ok          bool
	}{{1, 1, true}, {1, 6, true}, {2, 4, true}, {4, 4, true}, {3, 6, true}, {2, 6, false}, {2, 1, false}, {4, 2, false}} {
		s := fakeSettings()
		s.MicroBatches = c.micro
		err := (&ranks{Comm: mpi.Group(c.size)[0]}).check(s)
		if (err == nil) != c.ok || err != nil && (!errors.Is(err, ErrSettings) || !strings.Contains(err.Error(), fmt.Sprint(c.size, " ranks"))) {
			t.Errorf("%d ranks, %d micro-batches: %v", c.size, c.micro, err)
		}
	}
	agree := func(change func(rank int, s *Settings, o *Options) error) []error {
		errs := make([]error, 2)
		var wait sync.WaitGroup
		for rank, c := range mpi.Group(2) {
			wait.Go(func() {
				s, o := microSettings(), Options{Ranks: c}
				own := change(rank, &s, &o)
				errs[rank] = Agree(context.Background(), s, o, own)
			})
		}
		wait.Wait()
		return errs
	}
	if errs := agree(func(int, *Settings, *Options) error { return nil }); errors.Join(errs...) != nil {
		t.Errorf("%v", errs)
	}
	for want, change := range map[string]func(rank int, s *Settings, o *Options) error{
		"seed of rank 1 is 43, and of rank 0 42": func(rank int, s *Settings, _ *Options) error { s.Seed += uint64(rank); return nil },
		"threads of rank 1: 3, and of rank 0: 2": func(rank int, _ *Settings, o *Options) error { o.Threads = 2 + rank; return nil },
		"rank 1: no such data": func(rank int, _ *Settings, _ *Options) error {
			if rank == 1 {
				return fmt.Errorf("no such data")
			}
			return nil
		},
	} {
		errs := agree(change)
		if errs[0] == nil || errs[1] == nil || !strings.Contains(errs[0].Error(), want) {
			t.Errorf("%s: %v", want, errs)
		}
	}
}
