package job

import (
	"context"
	"sync/atomic"
	"testing"
	"time"
)

func TestPausedJobsRestUntilTheyAreResumed(t *testing.T) {
	var rec recorder
	r := Runner{Publish: rec.publish}
	var steps atomic.Int64
	j := r.Start(context.Background(), "steps", func(ctx context.Context, j *Job) (any, error) {
		for {
			if err := j.Wait(ctx); err != nil {
				return nil, err
			}
			steps.Add(1)
			time.Sleep(time.Millisecond)
		}
	})
	for steps.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	id := j.Snapshot().ID
	r.Pause(id)
	r.Pause(id)
	r.Pause(99)
	time.Sleep(20 * time.Millisecond) // a step may have been under way
	at := steps.Load()
	time.Sleep(20 * time.Millisecond)
	if n := steps.Load(); n != at {
		t.Errorf("%d steps while paused", n-at)
	}
	if !j.Snapshot().Paused || !rec.last().Paused {
		t.Error("the snapshot does not say that the job is paused")
	}
	r.Resume(id)
	for steps.Load() == at {
		time.Sleep(time.Millisecond)
	}
	if j.Snapshot().Paused {
		t.Error("the snapshot says paused after Resume")
	}
	r.Pause(id)
	r.Cancel(id)
	<-j.Ended()
	if s := rec.last(); s.State != Cancelled || s.Paused {
		t.Errorf("a paused job that was cancelled: %+v", s)
	}
	j.Pause()
	if j.Snapshot().Paused {
		t.Error("a job that has ended was paused")
	}
}
