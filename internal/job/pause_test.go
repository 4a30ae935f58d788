package job

import (
	"context"
	"testing"
	"time"
)

func TestPausedJobsRestUntilTheyAreResumed(t *testing.T) {
	var rec recorder
	r := Runner{Publish: rec.publish}
	steps := make(chan struct{})
	j := r.Start(context.Background(), "steps", func(ctx context.Context, j *Job) (any, error) {
		for {
			if err := j.Wait(ctx); err != nil {
				return nil, err
			}
			select {
			case steps <- struct{}{}:
			case <-ctx.Done():
			}
		}
	})
	<-steps
	id := j.Snapshot().ID
	r.Pause(id)
	r.Pause(id)
	r.Pause(99)
	more, rested := 0, time.After(20*time.Millisecond)
	for resting := false; !resting; {
		select {
		case <-steps:
			more++
		case <-rested:
			resting = true
		}
	}
	if more > 1 { // one may have been under way
		t.Errorf("%d steps while paused", more)
	}
	if !j.Snapshot().Paused || !rec.last().Paused {
		t.Error("the snapshot does not say that the job is paused")
	}
	r.Resume(id)
	<-steps
	<-steps // one may have been under way
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
