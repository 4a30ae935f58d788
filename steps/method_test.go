package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/internal/hometest"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
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
	if err := safefile.Write(file, data); err != nil {
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

// A plan has the preset's settings, or those that the folder was begun with,
// whatever is asked for.
func TestPlans(t *testing.T) {
	run := t.TempDir()
	plan := func(r Request) Plan {
		t.Helper()
		p, err := r.Plan()
		if err != nil {
			t.Fatalf("%s: %v", r.Step, err)
		}
		return p
	}
	p := plan(Request{Step: Pipeline, Run: run, Data: "digits"})
	if p.Begun || p.Pipeline.HeaviestEpochs != training.Small(training.Heaviest).Epochs || p.Pipeline.Sampling == "" || p.Pipeline.Check() != nil {
		t.Errorf("pipeline: %+v", p)
	}
	p.Pipeline.Samples = 77
	write(t, filepath.Join(run, "pipeline.json"), p.Pipeline)
	other := p.Pipeline
	other.Samples = 88
	if p := plan(Request{Step: Pipeline, Run: run, Pipeline: &other}); !p.Begun || p.Pipeline.Samples != 77 || p.Data != "digits" {
		t.Errorf("pipeline that was begun: %+v", p)
	}

	for _, step := range []Step{OneShot, Sample, Contribute, Validate, FineTune} {
		if _, err := (Request{Step: step, Run: run}).Plan(); !errors.Is(err, ErrRequest) {
			t.Errorf("%s before a training: %v", step, err)
		}
	}
	mine := plan(Request{Step: Heaviest, Run: run, Preset: "paper"}).Training
	if mine != training.Paper(training.Heaviest) {
		t.Errorf("heaviest with preset paper: %+v", mine)
	}
	mine.Epochs, mine.Seed, mine.ImageSize = 3, 9, 32
	if got := plan(Request{Step: Heaviest, Run: run, Training: &mine}); got.Begun || got.Training != mine {
		t.Errorf("heaviest with changed settings: %+v", got)
	}
	write(t, filepath.Join(run, "settings.json"), map[string]any{
		"format": "binas-tui-run", "version": 1, "stages": map[training.Stage]training.Settings{training.Heaviest: mine},
	})
	changed := mine
	changed.Epochs = 4
	if got := plan(Request{Step: Heaviest, Run: run, Training: &changed}); !got.Begun || got.Training != mine {
		t.Errorf("heaviest that was begun: %+v", got)
	}
	if s := plan(Request{Step: OneShot, Run: run}).Training; s.Stage != training.OneShot || s.Seed != 9 || s.ImageSize != 32 || s.TrainPercent != mine.TrainPercent {
		t.Errorf("one-shot after it: %+v", s)
	}
	writeSamples(t, filepath.Join(run, "more.jsonl"), 12)
	if _, err := (Request{Step: Fit, Run: run, Samples: "more.jsonl"}).Plan(); !errors.Is(err, evaluation.ErrRecords) {
		t.Errorf("samples that are no records: %v", err)
	}
}

func write(t *testing.T, file string, v any) {
	t.Helper()
	data, err := json.Marshal(v)
	if err == nil {
		err = safefile.Write(file, data)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What run folders hold is found, the accuracies with where they come from.
func TestFind(t *testing.T) {
	run := t.TempDir()
	s, err := model.NewSpace(model.MobileNASNet, 32)
	if err != nil {
		t.Fatal(err)
	}
	r := Request{Step: Validate, Run: run, Architecture: s.Architecture(model.Path{Depth: []int{2, 2, 2, 2, 2}, Option: make([]int, s.NumBlocks())})}
	want, err := r.note(Accuracy{Weights: OwnWeights, Top1: 91.5, Images: 40, Data: "tiny validation"})
	if err != nil || want.Architecture == "" {
		t.Fatalf("%+v, %v", want, err)
	}
	write(t, filepath.Join(run, "bilinear.safetensors"), "whatever it holds")
	write(t, filepath.Join(run, "lut.json"), "whatever it holds")
	f := Find(run, filepath.Join(run, "nothing here"))
	if want := (explore.Source{Name: "table of " + filepath.Base(run), Path: filepath.Join(run, "lut.json")}); len(f.Tables) != 1 || f.Tables[0] != want {
		t.Errorf("tables %+v, expected %+v", f.Tables, want)
	}
	if len(f.Predictors) != 1 || f.Predictors[0].Name != "bilinear of "+filepath.Base(run) {
		t.Errorf("predictors %+v", f.Predictors)
	}
	if len(f.Accuracies) != 1 || f.Accuracies[0] != want {
		t.Errorf("accuracies %+v, want %+v", f.Accuracies, want)
	}
}

// Jobs of one name are one piece of work.
func TestJobsOfDifferentWorkHaveDifferentNames(t *testing.T) {
	s, err := model.NewSpace(model.MobileNASNet, 32)
	if err != nil {
		t.Fatal(err)
	}
	path := model.Path{Depth: []int{2, 2, 2, 2, 2}, Option: make([]int, s.NumBlocks())}
	small := s.Architecture(path)
	path.Depth[0] = 3
	names := map[string]bool{}
	requests := []Request{
		{Step: FineTune, Run: "r", Architecture: small}, {Step: FineTune, Run: "r", Architecture: s.Architecture(path)}, {Step: Validate, Run: "r", Architecture: small},
		{Step: Fit, Run: "r"}, {Step: Fit, Run: "r", Kind: fit.MLP}, {Step: Sample, Run: "a/r"}, {Step: Sample, Run: DefaultRun("r")},
	}
	for _, r := range requests {
		names[r.Name()] = true
	}
	if len(names) != len(requests) {
		t.Errorf("names %v", names)
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
	// Output: fit cannot be started: there are no samples in no-such-run/samples.jsonl yet: start with sample
}

// Rounds of measurements that were cut off are no runs of the method.
func TestRunsLeaveMeasurementsOut(t *testing.T) {
	hometest.Own(t, "XDG_DATA_HOME")
	runs := filepath.Join(explore.DataDir(), "runs")
	for _, file := range []string{"digits/pipeline.json", "cpu-32-1t/measure.jsonl", "calibrate-cpu-32-1t/measure.jsonl", "calibrate-old/1/measure.jsonl"} {
		if err := safefile.Write(filepath.Join(runs, file), []byte("{}\n")); err != nil {
			t.Fatal(err)
		}
	}
	if got := Runs(); len(got) != 1 || got[0] != filepath.Join(runs, "digits") {
		t.Errorf("runs %v, expected that of the digits", got)
	}
}

// The data of a run is that which it was begun with, however that was: the forms
// offer it instead of the last one, and other data is refused.
func TestDataIsTheRuns(t *testing.T) {
	id := dataset.Identity{Name: "tiny", Root: "/data/tiny", Classes: []string{"a", "b"}, Train: 10, Val: 2, Std: [3]float64{1, 1, 1}, Fingerprint: "0123"}
	stages := map[training.Stage]training.Settings{training.Heaviest: training.Paper(training.Heaviest)}
	piped := DigitsPipeline()
	piped.Data = "/data/piped"
	for name, c := range map[string]struct {
		files map[string]any
		want  string
	}{
		"none yet":            {nil, ""},
		"on the command line": {map[string]any{"settings.json": map[string]any{"format": "binas-tui-run", "version": 1, "data": id, "stages": stages}}, "/data/tiny"},
		"by a pipeline":       {map[string]any{"pipeline.json": piped}, "/data/piped"},
		"long ago, in the explorer": {map[string]any{
			"settings.json": map[string]any{"format": "binas-tui-run", "version": 1, "stages": stages}, "method.json": map[string]string{"data": "/data/noted"},
		}, "/data/noted"},
	} {
		run := t.TempDir()
		for file, v := range c.files {
			write(t, filepath.Join(run, file), v)
		}
		for _, step := range []Step{Heaviest, Pipeline} {
			p, err := Request{Step: step, Run: run, Data: "another"}.Plan()
			if err != nil || p.Data != c.want {
				t.Errorf("%s, %s: data %q, %v: expected %q", name, step, p.Data, err, c.want)
			}
		}
		if folder, err := (Request{Step: Sample, Run: run}).runData(); err != nil || folder != c.want {
			t.Errorf("%s: %q, %v", name, folder, err)
		}
	}
	run := t.TempDir()
	write(t, filepath.Join(run, "settings.json"), map[string]any{"format": "binas-tui-run", "version": 1, "data": id, "stages": stages})
	if p, err := (Request{Step: OneShot, Run: run}).Plan(); err != nil || p.Preset != "paper" || p.Training.Preset != "paper" {
		t.Errorf("preset %q, %q: %v", p.Preset, p.Training.Preset, err)
	}
	var runner job.Runner
	other := id
	other.Fingerprint = "4567"
	j := runner.Start(t.Context(), "accept", func(_ context.Context, j *job.Job) (any, error) {
		if err := (Request{Step: Sample, Run: run}).accept(j)(id); err != nil {
			return nil, err
		}
		return nil, (Request{Step: Sample, Run: run}).accept(j)(other)
	})
	<-j.Ended()
	if err := j.Snapshot().Err; !errors.Is(err, dataset.ErrOtherData) {
		t.Errorf("%v", err)
	}
}
