package steps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/param"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// PipelineRun is all steps in one folder.
type PipelineRun struct {
	Common
	Settings PipelineSettings // in a folder that was begun, only those given count
	Trainers int              `json:"training_threads"`
	Until    string           `json:"until"`
}

// Finished is what a pipeline has left.
type Finished struct {
	Report   string    `json:"report,omitempty"`   // its file; "" where it ended earlier, as was asked for
	Estimate *Estimate `json:"estimate,omitempty"` // made before the first training; nil where none was
}

// NewPipeline is a pipeline with the defaults of its parameters: those of the
// digits.
func NewPipeline() *PipelineRun {
	return &PipelineRun{Common: Common{Unreadable: 1}, Trainers: 2, Settings: DigitsPipeline()}
}

// Step implements [Task].
func (*PipelineRun) Step() Step { return Pipeline }

// own are the parameters that are settings.
func (p *PipelineRun) own() param.Values {
	data := dataParam
	data.Usage = "data set, a `FOLDER|NAME`"
	return append(param.Table{data}, pipelineParams...).In(&p.Settings)
}

// Values implements [Task].
func (p *PipelineRun) Values() param.Values {
	threads := threadsParam("threads of ONNX Runtime in training, `N`", "")
	threads.Key, threads.Name = "training_threads", "threads"
	first := param.Table{{Key: "run", Name: "out", Label: "run folder", Usage: "run `FOLDER`; an existing run is resumed", Zero: "one of the data's name"}}.In(&p.Common)
	return append(append(first, p.own()...), param.Table{
		threads,
		{Key: "until", Usage: "last step to do, `STEP`: one of " + strings.Join(PipelineSteps(), ", "), Choices: PipelineSteps(), Zero: "the last", Free: true, Rare: true},
		badParam, trainDeviceParam, LibraryParam,
	}.In(p, &p.Common)...)
}

// settings are those that the folder was begun with, else the defaults, with those
// given in their place.
func (p *PipelineRun) settings() (s PipelineSettings, begun bool, err error) {
	if p.Run == "" {
		return s, false, requestf("pipeline needs --data, a folder of images or the name of a data set, or --out, the folder of a run to resume")
	}
	s, err = ReadPipeline(p.Run)
	switch begun = err == nil; {
	case begun:
		c := &PipelineRun{Settings: s}
		c.own().Copy(p.own(), func(key string) bool {
			v, _ := p.own().Named(key)
			return p.Given[key] && !(v.Zero == presets && v.IsZero()) // what the preset said is in the folder
		})
		s = c.Settings
	case !errors.Is(err, fs.ErrNotExist):
		return s, false, err
	case p.Settings.Data == "":
		return s, false, requestf("pipeline needs --data, the data set, to begin %s", p.Run)
	default:
		s = p.Settings
	}
	// The folder's settings name the data for whoever resumes from elsewhere.
	if _, err := os.Stat(s.Data); err == nil {
		if abs, err := filepath.Abs(s.Data); err == nil {
			s.Data = abs
		}
	}
	return s, begun, nil
}

// Check names the first setting that is out of its range.
func (p *PipelineRun) Check() error { return p.Settings.Check() }

// Plan implements [Task].
func (p *PipelineRun) Plan() (plan Plan, err error) {
	c := Clone(p)
	plan.Task = c
	if plan.Data, err = runData(p.Run); err != nil {
		return plan, err
	}
	if c.Settings, plan.Begun, err = c.settings(); err != nil {
		return plan, err
	}
	if plan.Begun {
		c.Settings, err = ReadPipeline(p.Run)
		c.Given, plan.Kept = nil, map[string]bool{}
		for _, v := range c.own() {
			plan.Kept[v.Key] = true
		}
	}
	var l looked
	if !plan.Begun && err == nil {
		var ok bool
		if l, ok = c.look(c.Settings.Data, 0); ok {
			suited := c.Settings
			suited.suit(l, c.Given, func(string, ...any) {})
			c.Settings.ImageSize, c.Settings.LUT = suited.ImageSize, suited.LUT
			l.ImageSize = suited.ImageSize
		} else {
			plan.Note = unseen
		}
	}
	plan.Meant = c.Settings.meant(l.Shape)
	return plan, err
}

// meant is what zeros stand for: what the preset says.
func (s PipelineSettings) meant(d training.Shape) map[string]string {
	out := map[string]string{}
	of := func(key string, stage training.Stage, value func(training.Settings) any) {
		text := fmt.Sprint(value(s.stage(stage, d)))
		if was, ok := out[key]; ok {
			text = strings.TrimSuffix(was, ": "+presets) + ", " + text
		}
		out[key] = text + ": " + presets
	}
	for stage, key := range map[training.Stage]string{training.Heaviest: "heaviest", training.OneShot: "oneshot", training.FineTune: "finetune"} {
		of(key+"_epochs", stage, func(t training.Settings) any { return t.Epochs })
		of(key+"_lr", stage, func(t training.Settings) any { return t.LR })
	}
	for _, stage := range stages {
		of("batch_size", stage, func(t training.Settings) any { return t.BatchSize })
	}
	of("augment", training.Heaviest, func(t training.Settings) any { return t.Augment })
	of("sampling", training.OneShot, func(t training.Settings) any { return t.Sampling })
	of("paths", training.OneShot, func(t training.Settings) any { return t.Paths })
	return out
}

// Work implements [Task]: the result is [Finished]. While it runs the result is
// what the step under way has, and [Ranked] and [Networks] as soon as there are
// some. Steps that are done already are not done again. Of several ranks rank 0 does the
// pipeline, and the others their parts of trainings and evaluations.
func (p *PipelineRun) Work(ctx context.Context, j *job.Job) (any, error) {
	p.begin(j)
	if p.Run == "" && p.Settings.Data != "" {
		folder, err := filepath.Abs(p.Settings.Data)
		if err != nil {
			return nil, err
		}
		p.Run = DefaultRun(filepath.Base(folder))
		p.note("the run is in %s", p.Run)
	}
	if p.follows() {
		return nil, p.follow(ctx, j)
	}
	s, begun, err := p.settings()
	if err != nil {
		return nil, err
	}
	if err := s.Check(); err != nil {
		return nil, err
	}
	if until, _ := p.Values().Named("until"); until.Check(p.called) != nil {
		return nil, requestError{until.Check(p.called)}
	}
	// What they name is looked for before there is a folder, whose settings bind.
	if folder := explore.DataSetPath(s.Data); !exists(folder) {
		if begun {
			return nil, requestf("the data of %s is not in %s any more: %s says where it is", p.Run, s.Data, p.called(dataParam))
		}
		return nil, missingData(s.Data, fmt.Errorf("data set %s: %w", s.Data, fs.ErrNotExist))
	}
	if !begun {
		if s.LUT != "" { // a folder that was begun has a copy
			if _, err := explore.LoadLUT(s.LUT); err != nil {
				return nil, err
			}
		}
		train, _, err := OpenData(ctx, s.Data, dataset.Options{ClassOrder: s.ClassOrder, MaxUnreadable: p.unreadable()})
		if err != nil {
			return nil, err
		}
		s.suit(lookAt(ctx, train), p.Given, p.note)
	}
	r := &run{PipelineSettings: s, task: p, folder: p.Run, job: j}
	report, err := r.all(ctx)
	if err == nil {
		err = r.tell(ctx, order{})
	}
	if err != nil {
		return nil, err
	}
	e, err := r.readEstimate()
	return Finished{report, e}, err
}
