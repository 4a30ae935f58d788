package method

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/job"
	"github.com/binas-tui/binas-tui/model"
)

// finish runs a request as a job.
func finish(t *testing.T, r Request) job.Snapshot {
	t.Helper()
	var runner job.Runner
	j := runner.Start(t.Context(), r.Name(), r.Work)
	<-j.Ended()
	return j.Snapshot()
}

// writeSamples writes random networks whose accuracy is a sum over decisions.
func writeSamples(t *testing.T, file string, n int) {
	t.Helper()
	s, err := model.NewSpace(model.MobileNASNet, 32)
	if err != nil {
		t.Fatal(err)
	}
	var samples []model.Sample
	rng := rand.New(rand.NewPCG(1, 2))
	for range n {
		p := model.Path{Depth: make([]int, len(s.Stages)), Option: make([]int, s.NumBlocks())}
		accuracy := 60.0
		for k := range p.Depth {
			p.Depth[k] = s.MinDepth + rng.IntN(s.NumDepths())
			accuracy += float64(p.Depth[k])
		}
		for b := range p.Option {
			p.Option[b] = rng.IntN(s.NumOptions())
			if s.Active(p, b) {
				accuracy += 0.1 * float64(p.Option[b])
			}
		}
		samples = append(samples, model.Sample{Path: p, Accuracy: accuracy})
	}
	data, err := model.EncodeSamples(s, samples)
	if err != nil {
		t.Fatal(err)
	}
	if err := explore.WriteFile(file, data); err != nil {
		t.Fatal(err)
	}
}

// What Fit writes is a predictor that the explorer loads.
func TestFitWritesAPredictor(t *testing.T) {
	run := t.TempDir()
	writeSamples(t, filepath.Join(run, samplesFile), 120)
	s := finish(t, Request{Step: Fit, Run: run})
	f, ok := s.Result.(Fitted)
	if s.State != job.Done || !ok {
		t.Fatalf("%v: %v", s.State, s.Err)
	}
	p, info, err := explore.LoadPredictor(f.File)
	if err != nil || p.Kind() != fit.Bilinear || info.Samples != f.Samples {
		t.Errorf("loaded %v, %+v: %v", p, info, err)
	}
	if len(f.Predicted) != 120 || f.Kendall < 0.5 {
		t.Errorf("%d predictions, Kendall %v", len(f.Predicted), f.Kendall)
	}
}

// A step that needs another says which, and nothing is left behind.
func TestStepsSayWhatComesFirst(t *testing.T) {
	for _, step := range []Step{Fit, "no such step"} {
		s := finish(t, Request{Step: step, Run: t.TempDir(), Library: "none"})
		if s.State != job.Failed || (step == Fit && !errors.Is(s.Err, ErrRequest)) {
			t.Errorf("%s: %v, %v", step, s.State, s.Err)
		}
	}
	if s := finish(t, Request{Step: Fit}); !errors.Is(s.Err, ErrRequest) {
		t.Errorf("without a folder: %v", s.Err)
	}
	if _, _, err := (Request{Step: Sample, Run: t.TempDir()}).begun("oneshot"); !errors.Is(err, ErrRequest) {
		t.Errorf("nothing trained: %v", err)
	}
}

func TestDefaultRun(t *testing.T) {
	for name, want := range map[string]string{"": "", "a/b": "a/b", ".": ".", "digits": filepath.Join(explore.DataDir(), "runs", "digits")} {
		if got := DefaultRun(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
	for _, s := range Steps() {
		if s.About() == "" {
			t.Errorf("%s says nothing about itself", s)
		}
	}
}

// A job fits a predictor on the samples of a run folder.
func ExampleRequest() {
	r := Request{Step: Fit, Run: "no-such-run"}
	var runner job.Runner
	j := runner.Start(context.Background(), r.Name(), r.Work)
	<-j.Ended()
	fmt.Println(j.Snapshot().Err)
	// Output: fit cannot be started: there are no samples in no-such-run yet: start with sample
}
