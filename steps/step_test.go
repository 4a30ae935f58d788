package steps

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/internal/hometest"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// finish runs a task as a job.
func finish(t *testing.T, task Task) job.Snapshot {
	t.Helper()
	var runner job.Runner
	j := runner.Start(t.Context(), Name(task), task.Work)
	<-j.Ended()
	return j.Snapshot()
}

// in is a step in a run folder, with values for its parameters.
func in(t *testing.T, step Step, run string, values ...string) Task {
	t.Helper()
	task := New(step)
	task.Shared().Run, task.Shared().Forms = run, true
	if step.OfNetwork() {
		OfNetwork(task, "[['ds_r1_k3_s1_e1_c16_nre']]")
	}
	if e, ok := task.(*Exporting); ok {
		e.File = filepath.Join(t.TempDir(), e.File)
	}
	for i := 0; i+1 < len(values); i += 2 {
		if err := Give(task, values[i], values[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	return task
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
	s := finish(t, in(t, Fit, run))
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
	for _, step := range Steps() {
		task := in(t, step, t.TempDir())
		task.Shared().Library = "none"
		if s := finish(t, task); s.State != job.Failed || step == Fit && !errors.Is(s.Err, ErrRequest) {
			if step != Export {
				t.Errorf("%s: %v, %v", step, s.State, s.Err)
			}
		}
	}
	for _, step := range []Step{Fit, Heaviest, Sample, Pipeline} {
		if s := finish(t, in(t, step, "")); !errors.Is(s.Err, ErrRequest) {
			t.Errorf("%s without a folder: %v", step, s.Err)
		}
	}
}

// A pipeline on data alone has a run of the name of the data.
func TestPipelineNamesItsRun(t *testing.T) {
	p := in(t, Pipeline, "", "data", filepath.Join(t.TempDir(), "photos")).(*PipelineRun)
	var notes []string
	p.Note = func(line string) { notes = append(notes, line) }
	want := DefaultRun("photos")
	if s := finish(t, p); !errors.Is(s.Err, ErrRequest) || !strings.Contains(s.Err.Error(), "photos") || p.Run != want || len(notes) != 1 || notes[0] != "the run is in "+want {
		t.Errorf("%q, %v, %q", p.Run, s.Err, notes)
	}
}

// A plan has the preset's settings, or those that the folder was begun with,
// whatever is asked for.
func TestPlans(t *testing.T) {
	run := t.TempDir()
	plan := func(task Task) Plan {
		t.Helper()
		p, err := task.Plan()
		if err != nil {
			t.Fatalf("%s: %v", task.Step(), err)
		}
		return p
	}
	p := plan(in(t, Pipeline, run, "data", "digits"))
	piped := p.Task.(*PipelineRun).Settings
	if p.Begun || p.Meant["heaviest_epochs"] != "12: the preset's" || p.Meant["sampling"] != "batch: the preset's" || p.Meant["batch_size"] != "64, 64, 64: the preset's" || piped.Check() != nil {
		t.Errorf("pipeline: %+v", p)
	}
	piped.Samples = 77
	write(t, filepath.Join(run, "pipeline.json"), piped)
	if p := plan(in(t, Pipeline, run, "samples", "88")); !p.Begun || p.Task.(*PipelineRun).Settings.Samples != 77 || p.Data != "digits" || !p.Kept["samples"] || p.Kept["training_threads"] {
		t.Errorf("pipeline that was begun: %+v", p)
	}

	for _, step := range []Step{OneShot, Sample, Contribute, Validate, FineTune} {
		if _, err := in(t, step, run).Plan(); !errors.Is(err, ErrRequest) {
			t.Errorf("%s before a training: %v", step, err)
		}
	}
	settings := func(p Plan) training.Settings { return p.Task.(*Training).Settings }
	mine := settings(plan(in(t, Heaviest, run, "preset", "paper")))
	if mine != training.Paper(training.Heaviest) {
		t.Errorf("heaviest with preset paper: %+v", mine)
	}
	got := settings(plan(in(t, Heaviest, run, "preset", "paper", "epochs", "3", "seed", "9")))
	if got.Epochs != 3 || got.Seed != 9 || got.WarmupEpochs != 1 || got.LR != mine.LR {
		t.Errorf("heaviest with changed settings: %+v", got)
	}
	if got := settings(plan(in(t, Heaviest, run, "image_size", "160", "classes", "7"))); got.ImageSize != 160 || got.Classes != 7 || got.Preset != "auto" {
		t.Errorf("heaviest at a size that was given: %+v", got)
	}
	mine.Epochs, mine.Seed, mine.ImageSize = 3, 9, 32
	write(t, filepath.Join(run, "settings.json"), map[string]any{
		"format": "binas-tui-run", "version": 1, "stages": map[training.Stage]training.Settings{training.Heaviest: mine},
	})
	if p := plan(in(t, Heaviest, run, "epochs", "4")); !p.Begun || settings(p) != mine || !p.Kept["epochs"] || p.Kept["threads"] {
		t.Errorf("heaviest that was begun: %+v", p)
	}
	write(t, filepath.Join(run, "heaviest.safetensors"), "weights")
	if s := settings(plan(in(t, OneShot, run))); s.Stage != training.OneShot || s.Seed != 9 || s.ImageSize != 32 || s.TrainPercent != mine.TrainPercent || s.Preset != "paper" {
		t.Errorf("one-shot after it: %+v", s)
	}
	writeSamples(t, filepath.Join(run, "more.jsonl"), 12)
	if _, err := in(t, Fit, run, "samples", "more.jsonl").Plan(); !errors.Is(err, evaluation.ErrRecords) {
		t.Errorf("samples that are no records: %v", err)
	}
}

// A folder of pictures trains with the settings that a form shows for it, whatever
// its size, and they suit pictures; a pipeline's form shows what it keeps.
func TestPlansOfPicturesAreWhatIsDone(t *testing.T) {
	onnxtest.Require(t)
	data := t.TempDir()
	for i := range 60 {
		file := filepath.Join(data, []string{"cats", "dogs"}[i%2], fmt.Sprintf("%d.png", i))
		var picture bytes.Buffer
		if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 90, 52+i%3))); err != nil {
			t.Fatal(err)
		}
		if err := safefile.Write(file, picture.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	for _, size := range []string{"32", "64", "65", "96", ""} {
		values := []string{"data", data, "threads", "1"}
		if size != "" {
			values = append(values, "image_size", size)
		}
		task := in(t, Heaviest, filepath.Join(t.TempDir(), "run"), values...).(*Training)
		p, err := task.Plan()
		if err != nil || p.Note != "" {
			t.Fatal(err, p.Note)
		}
		shown := p.Task.(*Training).Settings
		var notes []string
		task.Note = func(line string) { notes = append(notes, line) }
		var runner job.Runner
		var done training.Settings
		<-runner.Start(t.Context(), "prepare", func(ctx context.Context, j *job.Job) (any, error) {
			done, _, err = task.prepare(ctx, j)
			return nil, err
		}).Ended()
		if err != nil {
			t.Fatal(err)
		}
		if size == "" && done.ImageSize != 224 || size != "" && fmt.Sprint(done.ImageSize) != size {
			t.Errorf("size %q: %d", size, done.ImageSize)
		}
		shown.Data, shown.ImageSize, shown.Classes, shown.Images, shown.HeldOut = done.Data, done.ImageSize, done.Classes, done.Images, done.HeldOut
		if shown != done {
			t.Errorf("size %q: shown\n%+v\ndone\n%+v", size, shown, done)
		}
		if done.Augment != "pictures" || done.BatchSize != 8 || done.Epochs != 192 || done.Preset != "auto" {
			t.Errorf("size %q: %+v", size, done)
		}
		if text := strings.Join(notes, "\n"); !strings.Contains(text, "cropped and mirrored") || !strings.Contains(text, "preset auto, for 48 images") {
			t.Errorf("size %q: said %q", size, text)
		}
	}
	run := filepath.Join(t.TempDir(), "run")
	p, err := in(t, Pipeline, run, "data", data).Plan()
	if err != nil {
		t.Fatal(err)
	}
	shown := p.Task.(*PipelineRun).Settings
	if p.Meant["heaviest_epochs"] != "192: the preset's" || p.Meant["batch_size"] != "8, 8, 8: the preset's" || p.Meant["augment"] != "pictures: the preset's" || shown.ImageSize != 48 || shown.LUT != "" {
		t.Errorf("pipeline: %+v, %+v", p.Meant, shown)
	}
	piped := in(t, Pipeline, run, "data", data, "oneshot_lr", "0.02").(*PipelineRun)
	s, _, _ := piped.settings()
	l, _ := piped.look(data, 0)
	s.suit(l, piped.Given, piped.note)
	if s.ImageSize != 48 || s.LUT != "" || s.HeaviestEpochs != 192 || s.BatchSize != 8 || s.Augment != "pictures" || s.OneShotLR != 0.02 {
		t.Errorf("kept are %+v", s)
	}
	kept := in(t, Pipeline, run, "data", data, "image_size", "32", "augment", "no-flip").(*PipelineRun)
	s, _, _ = kept.settings()
	if s.suit(l, kept.Given, kept.note); s.ImageSize != 32 || s.LUT != digitsTable || s.Augment != "no-flip" {
		t.Errorf("given were a size and an augmentation: %+v", s)
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
	arch := s.Architecture(model.Path{Depth: []int{2, 2, 2, 2, 2}, Option: make([]int, s.NumBlocks())}).String()
	noted := Common{Run: run, Note: func(text string) { t.Error(text) }}
	want := noted.noteAccuracy(Accuracy{Architecture: arch, Weights: OwnWeights, Top1: 91.5, Images: 40, Data: "tiny validation"})
	if want.Architecture == "" {
		t.Fatalf("%+v", want)
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
	small := s.Architecture(path).String()
	path.Depth[0] = 3
	names := map[string]bool{}
	of := func(step Step, run, arch string) Task {
		task := in(t, step, run)
		OfNetwork(task, arch)
		return task
	}
	tasks := []Task{
		of(FineTune, "r", small), of(FineTune, "r", s.Architecture(path).String()), of(Validate, "r", small),
		in(t, Fit, "r"), in(t, Fit, "r", "kind", fit.MLP), in(t, Sample, "a/r"), in(t, Sample, DefaultRun("r")),
	}
	for _, task := range tasks {
		names[Name(task)] = true
	}
	if len(names) != len(tasks) {
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
func ExampleNew() {
	fit := New(Fit)
	fit.Shared().Run = "no-such-run"
	var runner job.Runner
	j := runner.Start(context.Background(), Name(fit), fit.Work)
	<-j.Ended()
	fmt.Println(j.Snapshot().Err)
	// Output: there are no samples in no-such-run/samples.jsonl yet: start with sample
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
			p, err := in(t, step, run, "data", "another").Plan()
			if err != nil || p.Data != c.want {
				t.Errorf("%s, %s: data %q, %v: expected %q", name, step, p.Data, err, c.want)
			}
		}
		if folder, err := runData(run); err != nil || folder != c.want {
			t.Errorf("%s: %q, %v", name, folder, err)
		}
	}
	run := t.TempDir()
	write(t, filepath.Join(run, "settings.json"), map[string]any{"format": "binas-tui-run", "version": 1, "data": id, "stages": stages})
	write(t, filepath.Join(run, "heaviest.safetensors"), "weights")
	if p, err := in(t, OneShot, run).Plan(); err != nil || p.Task.(*Training).Settings.Preset != "paper" {
		t.Errorf("preset: %+v, %v", p, err)
	}
	c := &Common{Run: run}
	o, err := runOrigin(run, training.Heaviest)
	if err != nil {
		t.Fatal(err)
	}
	other := id
	other.Fingerprint = "4567"
	if err := c.suits(o, id); err != nil {
		t.Error(err)
	}
	if err := c.suits(o, other); !errors.Is(err, dataset.ErrOtherData) {
		t.Errorf("%v", err)
	}
}

// No step writes over what it reads, by another name or a link either.
func TestStepsDoNotWriteOverWhatTheyRead(t *testing.T) {
	run := t.TempDir()
	file := filepath.Join(run, samplesFile)
	writeSamples(t, file, 20)
	link := filepath.Join(run, "link.safetensors")
	if err := os.Link(file, link); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	fitting, exporting, contributing, pickled := NewFitting(), NewExporting(), NewContributing(), NewContributing()
	fitting.Samples, fitting.Out = file, link
	exporting.Checkpoint, exporting.File = file, link
	contributing.FromLUT, contributing.Out = file, link
	pickled.FromLUT, pickled.Out, pickled.Pickle = file, filepath.Join(run, "out.safetensors"), run+"//"+samplesFile
	for _, task := range []Task{fitting, exporting, contributing, pickled} {
		err := finish(t, task).Err
		after, _ := os.ReadFile(file)
		if !errors.Is(err, ErrRequest) || !strings.Contains(err.Error(), "it is read") || !bytes.Equal(before, after) {
			t.Errorf("%s: %v", task.Step(), err)
		}
	}
}
