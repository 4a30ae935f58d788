package steps

import (
	"context"
	"fmt"
	"os"
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
// table, fitting predictors, and measuring, searching and exporting a network beside
// its evaluations.
const (
	tableSeconds   = 45
	fitSeconds     = 0.007 // a sample
	networkSeconds = 1
)

// guess is what all trainings take together, in seconds, by what each guesses of itself.
func (s *PipelineSettings) guess(trainings []training.Settings) (seconds float64) {
	for _, one := range trainings {
		n := 1
		if one.Stage == training.FineTune {
			n = s.Budgets * (1 + s.Random)
		}
		seconds += float64(n) * one.Guess()
	}
	return seconds
}

// costs says what the pipeline will take, before its first training; nil where
// that is not worth while, or one was begun.
func (r *run) costs(ctx context.Context) (*Estimate, error) {
	if r.task.Ranks != nil {
		return nil, nil // what is tried is tried by this process alone
	}
	e, networks := &Estimate{}, float64(r.Budgets*(1+r.Random))
	if r.LUT == "" {
		e.add("latency", training.Cost{Seconds: tableSeconds})
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
	if r.guess(settings) < shortWork && r.task.Until != estimateStep {
		r.job.Log("not estimated: the trainings are guessed to take less than a minute")
		return nil, nil
	}
	var tuned training.Cost
	for i, stage := range stages {
		s, o := settings[i], options[i]
		r.progress("estimate", len(e.Steps), len(pipelineSteps()), 0, string(stage)+": some steps are tried")
		c, err := training.Estimate(ctx, s, o)
		if err != nil {
			return nil, err
		}
		if stage == training.FineTune {
			c.Seconds, c.Disk = c.Seconds*networks, c.Disk*networks
			tuned = c
			continue
		}
		e.add(string(stage), c)
	}
	opened, image, heldOut, err := r.evaluating(ctx)
	if err != nil {
		return nil, err
	}
	judged := float64(heldOut)
	if r.SampleImages > 0 {
		judged = min(judged, float64(r.SampleImages))
	}
	each := training.Cost{Seconds: opened + judged*image}
	pinned := opened + min(float64(heldOut), float64(r.PinnedImages))*image
	e.add("samples", training.Cost{Seconds: float64(r.Samples+r.TestSamples) * each.Seconds})
	e.add("contribute", training.Cost{Seconds: float64(r.Contributions*len(r.space.Decisions())) * pinned * otherPins})
	e.add("fit", training.Cost{Seconds: fitSeconds * float64(r.Samples)})
	e.add("finetune", tuned)
	e.add("measure", training.Cost{Seconds: networks * (networkSeconds + 2*each.Seconds)})
	return e, nil
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
