package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// runJob does work as a job, shows on a line that others write beside how far it is,
// and returns its result. Where it was ended it says how far it came, and the error is
// [context.Canceled].
func runJob[T any](ctx context.Context, a *app, line *statusLine, name string, work func(context.Context, *job.Job) (T, error)) (T, job.Snapshot, error) {
	var logged []string
	runner := job.Runner{Publish: func(s job.Snapshot) {
		for _, text := range newLines(logged, s.Log) {
			line.log(text)
		}
		if logged = s.Log; s.State == job.Running {
			line.show(func() string { return jobLine(s) })
		}
	}}
	var (
		out T
		err error
	)
	j := runner.Start(ctx, name, func(ctx context.Context, j *job.Job) (any, error) {
		out, err = work(ctx, j)
		return out, err
	})
	<-j.Ended()
	line.end()
	s := j.Snapshot()
	switch {
	case s.State == job.Cancelled:
		text := "ended" // before it was known how much there is to do
		if s.Total > 0 {
			text = fmt.Sprintf("ended after %d of %d", s.Done, s.Total)
		}
		fmt.Fprintf(a.Err, "binas-tui: %s\n", text)
		if !errors.Is(err, context.Canceled) {
			err = context.Canceled
		}
	case s.Err != nil:
		err = s.Err
	}
	return out, s, err
}

// newLines are the lines of a job's log that it did not have before. A job keeps
// the last lines alone, and one snapshot may bring several new ones.
func newLines(before, log []string) []string {
	for n := min(len(before), len(log)); n > 0; n-- {
		if slices.Equal(before[len(before)-n:], log[:n]) {
			return log[n:]
		}
	}
	return log
}

// jobLine says how far a job is.
func jobLine(s job.Snapshot) string {
	text := s.Name
	if s.Total > 0 {
		text += fmt.Sprintf(" %d of %d", s.Done, s.Total)
	}
	if s.Status != "" {
		text += ", " + s.Status
	}
	if p, ok := s.Result.(training.Progress); ok && p.ImagesPerSecond > 0 {
		text += fmt.Sprintf(", %.0f images/s", p.ImagesPerSecond)
	}
	if s.Left > 0 {
		text += ", " + phrase.Duration(s.Left) + " left"
	}
	return text
}
