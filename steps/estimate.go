package steps

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/memory"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// Estimate is what work will take on this machine, by a few seconds of it.
type Estimate struct {
	training.Cost            // of all steps; memory is that of the one that takes most
	Steps         []StepCost `json:"steps"`
}

// StepCost is that of one step.
type StepCost struct {
	Step string `json:"step"`
	training.Cost
}

func (e *Estimate) add(step string, c training.Cost) {
	e.Steps = append(e.Steps, StepCost{step, c})
	e.Seconds, e.Disk, e.Memory = e.Seconds+c.Seconds, e.Disk+c.Disk, max(e.Memory, c.Memory)
}

// String is the estimate as a sentence.
func (e Estimate) String() string {
	text := fmt.Sprintf("estimated from some steps on this machine: %s, %s of memory, %s of disk", seconds(e.Seconds), memory.Size(e.Memory), memory.Size(e.Disk))
	if len(e.Steps) < 2 {
		return text
	}
	var parts []string
	for _, s := range e.Steps {
		parts = append(parts, s.Step+" "+seconds(s.Seconds))
	}
	return text + " (" + strings.Join(parts, ", ") + ")"
}

// Short is the estimate in a few words.
func (e Estimate) Short() string {
	return fmt.Sprintf("about %s, %s of memory, %s on disk", seconds(e.Seconds), memory.Size(e.Memory), memory.Size(e.Disk))
}

// Estimable says whether [EstimateOf] knows what a step will take.
func (s Step) Estimable() bool {
	return s == Pipeline || s == Heaviest || s == OneShot || s == FineTune
}

// EstimateOf measures what a training or a pipeline will take before it is begun, in
// some seconds, and leaves nothing behind.
func EstimateOf(ctx context.Context, t Task, j *job.Job) (e Estimate, err error) {
	switch t := Clone(t).(type) {
	case *Training:
		t.Note = func(string) {} // who starts it is told
		s, o, err := t.prepare(ctx, j)
		if err != nil {
			return e, err
		}
		j.Progress(0, 0, 0, "some steps are tried")
		c, err := training.Estimate(ctx, s, o)
		e.add(string(s.Stage), c)
		return e, err
	case *PipelineRun:
		if t.Run, err = os.MkdirTemp("", "binas-tui-estimate-"); err != nil {
			return e, err
		}
		defer os.RemoveAll(t.Run)
		t.Until, t.Note, t.Ready = estimateStep, func(string) {}, nil
		done, err := t.Work(ctx, j)
		if done, ok := done.(Finished); ok && done.Estimate != nil {
			e = *done.Estimate
		}
		return e, err
	}
	return e, requestf("%s is not estimated", t.Step())
}

func seconds(s float64) string { return phrase.Duration(time.Duration(s * float64(time.Second))) }

// shortWork is what is not estimated, in seconds: measuring it would take as long.
const shortWork = 60

// short says whether a training is short, by a guess that is rather too small.
func short(s training.Settings) bool { return s.Guess() < shortWork }

// estimate says what the training will take, before it is begun; nil where that is
// not worth while, or it was begun.
func (t *Training) estimate(ctx context.Context, s training.Settings, o training.Options) (*Estimate, error) {
	if begun, _, err := begunIn(o.Folder, s.Stage); begun != nil || err != nil || short(s) {
		return nil, err
	}
	c, err := training.Estimate(ctx, s, o)
	if err != nil {
		return nil, err
	}
	e := &Estimate{}
	e.add(string(s.Stage), c)
	return e, nil
}

// estimateStep is the first of a pipeline.
const estimateStep = "estimate"

// noteEstimate says what the pipeline will take, and keeps it for the report.
func (r *run) noteEstimate(ctx context.Context) error {
	e, err := r.costs(ctx)
	if err != nil || e == nil {
		return err
	}
	r.job.Log(e.String())
	return r.writeJSON(estimateFile, e)
}

// readEstimate is the estimate of the folder; nil where there is none.
func (r *run) readEstimate() (e *Estimate, err error) {
	if exists(r.path(estimateFile)) {
		err = r.readJSON(estimateFile, &e)
	}
	return e, err
}

// What steps of a pipeline take that are not tried, in seconds: measuring a latency
// table, fitting predictors, and measuring and exporting a network.
const (
	tableSeconds   = 45
	fitSeconds     = 0.007 // a sample
	networkSeconds = 1
)

// guessedOpening is what the sessions of a network take to open, in seconds: a guess
// that is rather too small.
const guessedOpening = 0.02

// tried is what steps were tried, or guessed, to take.
type tried struct {
	stages        []training.Cost // one training of each of [stages]
	opened, image float64         // seconds of a network of the supernet, and of an image that it is evaluated on
	heldOut       int             // images
}

// guessed is tried without trying.
func guessed(trainings []training.Settings) (t tried) {
	for _, s := range trainings {
		t.stages = append(t.stages, training.Cost{Seconds: s.Guess()})
	}
	return tried{t.stages, guessedOpening, trainings[0].GuessImage(), trainings[0].HeldOut}
}

// expected adds up what the pipeline takes.
func (r *run) expected(t tried) *Estimate {
	e, networks := &Estimate{}, float64(r.Budgets*(1+r.Random))
	if r.LUT == "" {
		e.add("latency", training.Cost{Seconds: tableSeconds})
	}
	for i, stage := range stages {
		if stage != training.FineTune {
			e.add(string(stage), t.stages[i])
		}
	}
	evaluated := func(images int) float64 { return t.opened + float64(images)*t.image }
	judged := t.heldOut
	if r.SampleImages > 0 {
		judged = min(judged, r.SampleImages)
	}
	pins := float64(r.Contributions*len(r.space.Decisions())) * otherPins
	tuned := t.stages[slices.Index(stages, training.FineTune)]
	tuned.Seconds, tuned.Disk = tuned.Seconds*networks, tuned.Disk*networks
	for _, s := range []struct {
		step    string
		seconds float64
	}{
		{"samples", float64(r.Samples) * evaluated(judged)},
		{"test", float64(r.TestSamples) * evaluated(judged)},
		{"contribute", pins * evaluated(min(t.heldOut, r.PinnedImages))},
		{"fit", fitSeconds * float64(r.Samples)},
		{"search", networks * 2 * evaluated(judged)},
	} {
		e.add(s.step, training.Cost{Seconds: s.seconds})
	}
	e.add("finetune", tuned)
	e.add("measure", training.Cost{Seconds: networks * networkSeconds})
	return e
}

// costs says what the pipeline will take, before its first training; nil where
// that is not worth while, or one was begun.
func (r *run) costs(ctx context.Context) (*Estimate, error) {
	if r.task.Ranks != nil {
		return nil, nil // what is tried is tried by this process alone
	}
	settings, options := make([]training.Settings, len(stages)), make([]training.Options, len(stages))
	for i, stage := range stages {
		begun, _, err := begunIn(r.folder, stage)
		if begun != nil || err != nil {
			return nil, err
		}
		if settings[i], options[i], err = r.stageOf(stage); err != nil {
			return nil, err
		}
	}
	t := guessed(settings)
	if r.expected(t).Seconds < shortWork && r.task.Until != estimateStep {
		r.job.Log("not estimated: all steps together are guessed to take less than a minute")
		return nil, nil
	}
	for i, stage := range stages {
		r.progress("estimate", i, len(stages)+1, 0, string(stage)+": some steps are tried")
		var err error
		if t.stages[i], err = training.Estimate(ctx, settings[i], options[i]); err != nil {
			return nil, err
		}
	}
	var err error
	r.progress("estimate", len(stages), len(stages)+1, 0, "some networks are evaluated")
	if t.opened, t.image, t.heldOut, err = r.evaluating(ctx); err != nil {
		return nil, err
	}
	return r.expected(t), nil
}

// otherPins is the share of decisions that are pinned and not what a network has
// anyway.
const otherPins = 0.9

// evaluating is what the networks of a supernet take, one opened and an image of it, and
// how many images are held out.
func (r *run) evaluating(ctx context.Context) (opened, image float64, heldOut int, err error) {
	_, set, err := r.train.Split(r.TrainPercent, training.Small(training.OneShot).SplitSeed)
	if err != nil {
		return 0, 0, 0, err
	}
	const images = 200
	device, err := r.task.trains()
	if err != nil {
		return 0, 0, 0, err
	}
	e := &evaluation.Evaluator{Space: r.space, Device: device}
	weights := supernet.Init{Seed: 1, ResidualScale: 1}.Weights(supernet.ChildLayout(r.space, r.space.HeaviestPath(), set.Classes))
	if e.Weights, err = supernet.FromHeaviest(r.space, weights); err != nil {
		return 0, 0, 0, err
	}
	if e.Images, err = evaluation.Load(ctx, set.Spread(images), 0); err != nil {
		return 0, 0, 0, err
	}
	opened, image, err = e.Speed(ctx)
	return opened, image, set.Len(), err
}
