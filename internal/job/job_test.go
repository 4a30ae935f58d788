package job

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// recorder keeps what a runner publishes.
type recorder struct {
	mu   sync.Mutex
	seen []Snapshot
}

func (r *recorder) publish(s Snapshot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, s)
}

func (r *recorder) last() Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen[len(r.seen)-1]
}

func TestAJobReportsAndEnds(t *testing.T) {
	var rec recorder
	r := Runner{Publish: rec.publish}
	j := r.Start(context.Background(), "count", func(_ context.Context, j *Job) (any, error) {
		for i := range 10 {
			j.Progress(i, 10, time.Second, fmt.Sprint("step ", i))
			j.Log(fmt.Sprint("line ", i))
		}
		return 42, nil
	})
	<-j.Ended()
	s := rec.last()
	if s.State != Done || s.Result != 42 || s.Fraction() != 1 || s.Left != 0 || len(s.Log) != 10 {
		t.Errorf("last published: %+v", s)
	}
	if first := rec.seen[0]; first.State != Running || first.Name != "count" {
		t.Errorf("first published: %+v", first)
	}
}

// A job whose last step had no known length is all done when it is done.
func TestDoneIsAll(t *testing.T) {
	r := Runner{Publish: func(Snapshot) {}}
	j := r.Start(context.Background(), "steps", func(_ context.Context, j *Job) (any, error) {
		j.Progress(1, 2, 0, "first")
		j.Progress(0, 0, 0, "last")
		return nil, nil
	})
	<-j.Ended()
	if s := j.Snapshot(); s.Fraction() != 1 {
		t.Errorf("%v at %v", s.State, s.Fraction())
	}
}

func TestProgressIsNotPublishedFasterThanItIsShown(t *testing.T) {
	var rec recorder
	r := Runner{Publish: rec.publish}
	start := time.Now()
	j := r.Start(context.Background(), "fast", func(_ context.Context, j *Job) (any, error) {
		for i := range 100_000 {
			j.Progress(i, 100_000, 0, "")
		}
		return nil, nil
	})
	<-j.Ended()
	if most := int(time.Since(start)/publishEvery) + 3; len(rec.seen) > most {
		t.Errorf("%d snapshots published, at most %d expected", len(rec.seen), most)
	}
}

func TestCancelledJobsEnd(t *testing.T) {
	var rec recorder
	r := Runner{Publish: rec.publish}
	j := r.Start(context.Background(), "wait", func(ctx context.Context, _ *Job) (any, error) {
		<-ctx.Done()
		return nil, fmt.Errorf("stopped: %w", ctx.Err())
	})
	r.Cancel(j.Snapshot().ID)
	r.Cancel(99)
	<-j.Ended()
	if s := rec.last(); s.State != Cancelled || s.Err != nil {
		t.Errorf("last published: %+v", s)
	}
	for range 3 {
		r.Start(context.Background(), "wait", func(ctx context.Context, _ *Job) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
	}
	r.CancelAll()
	for id, j := range r.jobs {
		if j.Snapshot().State != Cancelled {
			t.Errorf("job %d is %v after CancelAll", id, j.Snapshot().State)
		}
	}
}

func TestFailuresAndPanicsAreReported(t *testing.T) {
	var r Runner
	want := errors.New("no device")
	j := r.Start(context.Background(), "fail", func(context.Context, *Job) (any, error) { return nil, want })
	<-j.Ended()
	if s := j.Snapshot(); s.State != Failed || !errors.Is(s.Err, want) {
		t.Errorf("%+v", s)
	}
	j = r.Start(context.Background(), "panic", func(context.Context, *Job) (any, error) { panic("oh") })
	<-j.Ended()
	s := j.Snapshot()
	if s.State != Failed || !strings.Contains(s.Err.Error(), "oh") || !strings.Contains(strings.Join(s.Log, ""), "goroutine") {
		t.Errorf("%+v", s)
	}
	// An error of its own after cancelling is not hidden as a cancellation.
	j = r.Start(context.Background(), "late", func(ctx context.Context, _ *Job) (any, error) {
		<-ctx.Done()
		return nil, want
	})
	j.Cancel()
	<-j.Ended()
	if s := j.Snapshot(); s.State != Failed {
		t.Errorf("%+v", s)
	}
}

func TestTheLogIsBounded(t *testing.T) {
	var r Runner
	j := r.Start(context.Background(), "talk", func(_ context.Context, j *Job) (any, error) {
		for i := range 10 * maxLog {
			j.Log(fmt.Sprint(i))
		}
		return nil, nil
	})
	<-j.Ended()
	log := j.Snapshot().Log
	if len(log) != maxLog || log[maxLog-1] != fmt.Sprint(10*maxLog-1) {
		t.Errorf("%d lines, the last is %q", len(log), log[len(log)-1])
	}
}

// A job that reports nothing is published by Beat while it runs, with its time, and
// not after.
func TestBeat(t *testing.T) {
	var rec recorder
	r := Runner{Publish: rec.publish}
	end := make(chan struct{})
	j := r.Start(context.Background(), "silent", func(context.Context, *Job) (any, error) {
		<-end
		return nil, nil
	})
	first := rec.last().Elapsed
	for rec.last().Elapsed == first {
		r.Beat()
	}
	if s := rec.last(); s.State != Running || s.Elapsed < publishEvery {
		t.Errorf("published by Beat: %+v", s)
	}
	close(end)
	<-j.Ended()
	n := len(rec.seen)
	time.Sleep(publishEvery)
	if r.Beat(); len(rec.seen) != n {
		t.Error("Beat publishes a job that has ended")
	}
}

// Where work is added, or there are parts, the fraction does not go back.
func TestFractionsDoNotGoBack(t *testing.T) {
	j := &Job{runner: &Runner{}}
	last := 0.0
	for i, step := range []struct{ part, done, total int }{{0, 1, 2}, {0, 2, 4}, {0, 3, 4}, {0, 3, 6}, {0, 5, 6}, {1, 0, 9}, {1, 8, 9}} {
		if step.part != j.Snapshot().part || i == 0 {
			j.Part(step.part, 2)
		}
		j.Progress(step.done, step.total, 0, "")
		s := j.Snapshot()
		if s.Fraction() < last || s.Done != step.done || s.Total != step.total {
			t.Errorf("%+v: %v after %v", step, s.Fraction(), last)
		}
		last = s.Fraction()
	}
	if want := (1 + 8.0/9) / 2; last != want {
		t.Errorf("at the end %v, want %v", last, want)
	}
	j.Progress(1, 20, 0, "")
	if s := j.Snapshot(); s.Fraction() != (1+1.0/20)/2 {
		t.Errorf("other work: %v", s.Fraction())
	}
}
