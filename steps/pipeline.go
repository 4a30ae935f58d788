package steps

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// run is one pipeline at work.
type run struct {
	PipelineSettings
	task   *PipelineRun // with what changes nothing of what comes out
	folder string
	job    *job.Job
	at     string // which of the steps is under way, before what it says

	space      *model.Space
	lut        *latency.LUT
	table      *latency.Table
	train, val *dataset.Set
	data       dataset.Identity
}

// pipelineStep is one step: it is done where its file is there.
type pipelineStep struct {
	name  string
	file  string
	title string // for the report and the log
	do    func(*run, context.Context) error
}

// pipelineSteps lists the steps in their order.
func pipelineSteps() []pipelineStep {
	return []pipelineStep{
		{estimateStep, estimateFile, "what the steps will take", (*run).noteEstimate},
		{"latency", TableFile, "latency table", (*run).latencyTable},
		{"heaviest", "", "the heaviest network is trained", train(training.Heaviest)},
		{"oneshot", "", "the supernet is trained", train(training.OneShot)},
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

// PipelineSteps lists the names of the steps in their order.
func PipelineSteps() []string {
	var names []string
	for _, s := range pipelineSteps() {
		names = append(names, s.name)
	}
	return names
}

// all does the steps that are not done yet and returns the path of the report, or
// "" where the task ends earlier.
func (r *run) all(ctx context.Context) (report string, err error) {
	device, err := r.task.trains()
	if err != nil {
		return "", err
	}
	for _, stage := range stages {
		t := r.stage(stage, training.Shape{ImageSize: r.ImageSize})
		t.Space, t.ImageSize, t.Classes = r.Space, r.ImageSize, 2 // or more: the data is not open yet
		if err := t.CheckMemory(device); err != nil {
			return "", err
		}
	}
	if _, _, err := r.match(r.folder); err != nil {
		return "", err
	}
	if err := r.open(ctx); err != nil {
		return "", err
	}
	if err := r.readable(ctx); err != nil {
		return "", err
	}
	if err := r.task.ready(); err != nil {
		return "", err
	}
	// Nothing refuses the settings any more: they are the folder's from now on.
	release, err := safefile.Lock(r.path(lockFile))
	if err != nil {
		return "", err
	}
	defer release()
	safefile.Sweep(r.folder)
	if err := r.claim(r.folder, r.data, r.job.Log); err != nil {
		return "", err
	}
	if err := r.tell(ctx, r.PipelineSettings); err != nil {
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
		if st.name == r.task.Until {
			return "", nil
		}
	}
	return r.path(ReportFile), nil
}

// openData loads what the steps of all ranks need.
func (r *run) openData(ctx context.Context) (err error) {
	if r.space, err = model.NewSpace(r.Space, r.ImageSize); err != nil {
		return err
	}
	if err := r.task.openTrainer(); err != nil {
		return err
	}
	if r.train, r.val, err = dataset.Open(ctx, explore.DataSetPath(r.Data), dataset.Options{Size: r.ImageSize, ClassOrder: r.ClassOrder, MaxUnreadable: r.task.unreadable()}); err != nil {
		return err
	}
	if r.data, err = dataset.Identify(ctx, r.train, r.val); err != nil {
		return err
	}
	augment, _ := dataset.NewAugment(r.stage(training.Heaviest, training.Shape{}).Augment)
	return dataset.UsePack(ctx, r.data, augment.Crop > 0, r.train, r.val)
}

// open loads what all steps need.
func (r *run) open(ctx context.Context) (err error) {
	if err := r.openData(ctx); err != nil {
		return err
	}
	r.task.noteData(r.train, r.val)
	if begun, there, err := r.match(r.folder); err == nil && there && begun.Identity != nil {
		if err := begun.Identity.Check(r.data); err != nil {
			return fmt.Errorf("%s: %w", r.folder, err)
		}
	}
	for _, stage := range stages {
		s, o, err := r.stageOf(stage)
		if o.Ranks = r.task.Ranks; err == nil {
			err = o.Check(s)
		}
		if err != nil {
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

// readable refuses images to validate on of which too many cannot be read, before the
// first training rather than after it: fine-tuning is the first to need them.
func (r *run) readable(ctx context.Context) error {
	begun, _, err := begunIn(r.folder, training.Heaviest)
	if begun != nil || err != nil || r.task.Ranks != nil {
		return err
	}
	err = r.val.Readable(ctx, func(done, total int) {
		r.job.Progress(done, total, 0, "reading the images to validate on")
	})
	if !errors.Is(err, dataset.ErrUnreadable) {
		return err
	}
	for _, line := range r.val.Unreadable().Lines("are too many to be skipped", "") {
		r.job.Log(line)
	}
	return fmt.Errorf("%w; %s allows more", err, r.task.called(badParam))
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
