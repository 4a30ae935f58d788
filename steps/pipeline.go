package steps

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
)

// PipelineOptions are what a run needs beside its settings; none of it changes what
// comes out.
type PipelineOptions struct {
	Folder  string // made where there is none
	Library string // ONNX Runtime; empty looks in the usual places
	Threads int    // of training; 0 is 2
	Until   string // name of the last pipelineStep to do; empty: all
}

// run is one pipeline at work.
type run struct {
	PipelineSettings
	PipelineOptions
	folder string
	job    *job.Job
	at     string // which of the steps is under way, before what it says

	space      *model.Space
	lut        *latency.LUT
	table      *latency.Table
	train, val *dataset.Set
	data       dataset.Identity
	judges     *evaluation.Images // val, once a network is validated
}

// step is one step: it is done where its file is there.
type pipelineStep struct {
	name  string
	file  string
	title string // for the report and the log
	do    func(*run, context.Context) error
}

// pipelineSteps lists the steps in their order.
func pipelineSteps() []pipelineStep {
	return []pipelineStep{
		{"latency", TableFile, "latency table", (*run).latencyTable},
		{"heaviest", "", "the heaviest network is trained", (*run).trainHeaviest},
		{"oneshot", "", "the supernet is trained", (*run).trainOneShot},
		{"samples", "", "random networks to fit on", (*run).sample},
		{"test", "", "random networks to judge predictors with", (*run).sampleTest},
		{"contribute", "", "measurements of the estimator", (*run).contribute},
		{"fit", rankingFile, "predictors are fitted", (*run).fit},
		{"search", searchFile, "networks are searched", (*run).search},
		{"finetune", networksFile, "networks are fine-tuned", (*run).finetune},
		{"measure", latenciesFile, "latencies are measured", (*run).measure},
		{"export", "", "networks are exported", (*run).export},
		{"report", "", "report", (*run).report},
	}
}

// Steps lists the names of the steps in their order.
func PipelineSteps() []string {
	var names []string
	for _, s := range pipelineSteps() {
		names = append(names, s.name)
	}
	return names
}

// Run does all steps that are not done yet and returns the path of the report,
// or "" where until ended it earlier. It is the work of a job: a context
// that ends stops it within a fraction of a second, and it goes on where it was
// when it is started again. While it runs, the job's result is what the step
// under way publishes, and [Ranked] and [Networks] as soon as there are some.
func RunPipeline(ctx context.Context, s PipelineSettings, o PipelineOptions, j *job.Job) (string, error) {
	if err := s.Check(); err != nil {
		return "", err
	}
	if o.Until != "" && !slices.Contains(PipelineSteps(), o.Until) {
		return "", fmt.Errorf("%w: until %.40q: expected one of %v", ErrSettings, o.Until, PipelineSteps())
	}
	for _, stage := range stages {
		t := s.stage(stage)
		t.Space, t.ImageSize, t.Classes = s.Space, s.ImageSize, 2 // or more: the data is not open yet
		if err := t.CheckMemory(); err != nil {
			return "", err
		}
	}
	if _, _, err := s.match(o.Folder); err != nil {
		return "", err
	}
	r := &run{PipelineSettings: s, PipelineOptions: o, folder: o.Folder, job: j}
	if err := r.open(ctx); err != nil {
		return "", err
	}
	// Nothing refuses the settings any more: they are the folder's from now on.
	release, err := safefile.Lock(filepath.Join(o.Folder, lockFile))
	if err != nil {
		return "", err
	}
	defer release()
	safefile.Sweep(o.Folder)
	if err := r.claim(o.Folder, r.data, j.Log); err != nil {
		return "", err
	}
	steps := pipelineSteps()
	for i, st := range steps {
		if err := r.do(ctx, i, len(steps), st); err != nil {
			return "", err
		}
		if err := r.publish(st); err != nil {
			return "", err
		}
		if st.name == o.Until {
			return "", nil
		}
	}
	return r.path(ReportFile), nil
}

// open loads what all steps need.
func (r *run) open(ctx context.Context) (err error) {
	if r.space, err = model.NewSpace(r.Space, r.ImageSize); err != nil {
		return err
	}
	if _, err := onnx.Open(r.Library); err != nil {
		return err
	}
	if r.train, r.val, err = dataset.Open(ctx, r.dataFolder(), dataset.Options{Size: r.ImageSize, ClassOrder: r.ClassOrder}); err != nil {
		return err
	}
	if r.data, err = dataset.Identify(ctx, r.train, r.val); err != nil {
		return err
	}
	augment, _ := dataset.NewAugment(r.stage("heaviest").Augment)
	if err = dataset.UsePack(ctx, r.data, augment.Crop > 0, r.train, r.val); err != nil {
		return err
	}
	said := map[string]bool{}
	for _, line := range append(r.train.Notes(), r.val.Notes()...) {
		if !said[line] {
			r.job.Log(line)
		}
		said[line] = true
	}
	if begun, there, err := r.match(r.folder); err == nil && there && begun.Identity != nil {
		if err := begun.Identity.Check(r.data); err != nil {
			return fmt.Errorf("%s: %w", r.folder, err)
		}
	}
	for _, stage := range stages {
		if err := r.checkStage(stage); err != nil {
			return fmt.Errorf("%s: %w", stage, err)
		}
	}
	if exists(r.path(TableFile)) {
		return r.readTable()
	}
	if r.LUT != "" {
		_, err = r.namedTable()
	}
	return err
}

// do makes one step, unless it is done.
func (r *run) do(ctx context.Context, i, of int, st pipelineStep) error {
	if st.file != "" && exists(r.path(st.file)) {
		return nil
	}
	r.job.Log(fmt.Sprintf("step %d of %d, %s: %s", i+1, of, st.name, st.title))
	r.at = fmt.Sprintf("step %d of %d, ", i+1, of)
	r.progress(st.name, 0, 0, 0, st.title)
	start := time.Now()
	err := st.do(r, ctx)
	if noteErr := r.noteTime(stepTime{st.name, time.Since(start).Seconds(), err == nil}); err == nil {
		err = noteErr
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", st.name, err)
	}
	return err
}

// publish makes what a step has left the result so far.
func (r *run) publish(st pipelineStep) (err error) {
	var result any
	switch st.file {
	case rankingFile:
		result, err = ReadRanked(r.folder)
	case networksFile:
		result, err = ReadNetworks(r.folder)
	default:
		return nil
	}
	if err == nil {
		r.job.Partial(result)
	}
	return err
}

// progress reports how far a step is.
func (r *run) progress(step string, done, total int, left time.Duration, status string) {
	r.job.Progress(done, total, left, r.at+step+": "+status)
}
