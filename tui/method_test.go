package tui

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// chooseStep opens the form of a step with a library in place.
func (d measuringDriver) chooseStep(step steps.Step) {
	d.Helper()
	d.run(d.App.openMethod())
	m := d.dialog.(*menu)
	it, err := m.Named(string(step))
	if err != nil {
		d.Fatal(err)
	}
	d.run(it.Choose(d.App))
}

func (d measuringDriver) start() {
	f := d.dialog.(formed)
	rows := f.Base().Fields(d.App)
	d.Close()
	d.run(rows[len(rows)-1].Start(d.App))
}

func trainingSoFar() training.Progress {
	p := training.Progress{Stage: training.OneShot, Epoch: 3, Epochs: 9, Step: 250, Steps: 900, ImagesPerSecond: 321}
	for i := range 40 {
		p.Loss.Steps, p.Loss.Values = append(p.Loss.Steps, i), append(p.Loss.Values, 3/float64(i+1))
		p.Top1.Steps, p.Top1.Values = append(p.Top1.Steps, i), append(p.Top1.Values, float64(2*i))
	}
	p.Scores = []training.Score{{Network: "heaviest", Top1: 87.5}}
	return p
}

// A training shows its curves while it runs; it is paused, goes on, is cancelled
// and started again from the jobs pane.
func TestTrainingIsWatchedPausedAndResumed(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 60}} {
		d := newMeasuringDriver(t, size[0], size[1])
		// In a terminal Publish waits for Update: nothing may be published from it.
		d.runner.Publish = func(s job.Snapshot) {
			if d.updating.Load() {
				t.Error("a job was changed from inside Update")
			}
			d.messages <- jobMsg(s)
		}
		var asked []steps.Task
		d.services.method = func(ctx context.Context, r steps.Task, j *job.Job) (any, error) {
			asked = append(asked, r)
			j.Progress(250, 900, 42*time.Second, "one-shot, epoch 3 of 9")
			j.Partial(trainingSoFar())
			<-ctx.Done()
			return nil, ctx.Err()
		}
		d.chooseStep(steps.OneShot)
		d.mustSee("start")
		d.checkFits("form")
		d.start()
		for len(d.jobs) == 0 || d.jobs[0].Result == nil {
			d.send(<-d.messages)
		}
		d.press("z")
		for _, text := range []string{"oneshot digits", "epoch 3 of 9", "0:42 left", "training loss", "heaviest 87.50 %", "P pauses"} {
			d.mustSee(text)
		}
		d.checkFits("training")
		d.updating.Store(true)
		_, pause := d.App.Update(keyPress("P"))
		d.updating.Store(false)
		d.run(pause)
		for !d.jobs[0].Paused {
			d.send(<-d.messages)
		}
		d.mustSee("P resumes")
		d.mustSee("paused")
		d.press("r")
		for d.jobs[0].Paused {
			d.send(<-d.messages)
		}
		d.press("X")
		d.until(job.Cancelled)
		d.mustSee("training loss") // what it had stays
		d.mustSee("r starts it again")
		d.press("r")
		for len(d.jobs) < 2 || d.jobs[1].Result == nil {
			d.send(<-d.messages)
		}
		if len(asked) != 2 || asked[0].Shared().Run != filepath.Join(explore.DataDir(), "runs", "digits") || asked[1].Shared().Run != asked[0].Shared().Run || asked[0].Shared().Data != "digits" {
			t.Errorf("asked for %+v", asked)
		}
		d.press("X")
		d.until(job.Cancelled)
	}
}

// What would be refused as it is, is said in the form, which stays; a job that failed
// for what it was asked is not offered again.
func TestRefusedSteps(t *testing.T) {
	d := newMeasuringDriver(t, 120, 40)
	d.services.method = func(context.Context, steps.Task, *job.Job) (any, error) {
		return nil, fmt.Errorf("refused: %w", steps.ErrRequest)
	}
	d.chooseStep(steps.Export)
	d.press("down", "down", "right", "right")
	d.mustSee("precision int8 needs trained weights (checkpoint)")
	d.press("end", "enter")
	if d.mustSee("export: write the network shown"); len(d.jobs) > 0 {
		t.Fatal("int8 without weights is begun")
	}
	d.press("home", "down", "down", "left", "left", "end", "enter")
	d.until(job.Failed)
	d.mustSee("M starts it with other settings")
	if d.sees("r starts it again") {
		t.Error("what was refused is offered again")
	}
}

// Samples are told as they arrive, and a predictor that is fitted is offered and
// listed.
func TestSamplesAndPredictorsArrive(t *testing.T) {
	d := newMeasuringDriver(t, 120, 40)
	release := make(chan struct{})
	d.services.method = func(_ context.Context, r steps.Task, j *job.Job) (any, error) {
		switch r.Step() {
		case steps.Sample:
			samples := evaluation.Samples{{Accuracy: 70}, {Accuracy: 75.5}, {Accuracy: 71.25}}
			j.Partial(samples)
			<-release
			return steps.Sampled{Samples: samples}, nil
		case steps.Fit:
			return steps.Fitted{Kind: fit.Bilinear, File: "/runs/digits/bilinear.safetensors", FitReport: &explore.FitReport{
				Report:     &fit.Report{Kind: fit.Bilinear},
				Evaluation: &fit.Evaluation{Metrics: model.Metrics{Kendall: 0.812}, Predicted: []float64{70, 71, 72}, Measured: []float64{70.5, 70.8, 72.5}},
			}}, nil
		}
		return nil, errors.New("not asked for")
	}
	d.chooseStep(steps.Sample)
	d.start()
	for len(d.jobs) == 0 || d.jobs[0].Result == nil {
		d.send(<-d.messages)
	}
	d.press("A", "right")
	d.mustSee("3 networks sampled, last 71.25 %, best 75.50 %") // in the hint bar
	close(release)
	d.until(job.Done)
	d.mustSee("M fits a predictor on them")
	d.run(d.App.openStep(steps.Fit))
	d.start()
	d.until(job.Done)
	d.mustSee("bilinear of digits is fitted, Kendall tau 0.812: U explores with it")
	d.press("p")
	d.mustSee("bilinear of digits")
	d.press("esc", "U")
	d.mustSee("/runs/digits/bilinear.safetensors: no such file")
}

// Without ONNX Runtime the form says how to get it; the fit needs none.
func TestTrainingWithoutALibrary(t *testing.T) {
	d := newMeasuringDriver(t, 80, 24)
	d.withoutLibrary(onnx.ErrNoLibrary)
	d.chooseStep(steps.Heaviest)
	d.mustSee("install ONNX Runtime")
	if d.sees("enter: start") {
		t.Error("a training without ONNX Runtime can be started")
	}
	d.run(d.App.openStep(steps.Fit))
	d.press("down", "down", "down", "down")
	d.mustSee("enter: start")
}

// A click in a form that scrolls is on the row drawn there; a second one is enter.
func TestClicksInAScrolledForm(t *testing.T) {
	d := newMeasuringDriver(t, 80, 24)
	d.run(d.openStep(steps.Pipeline))
	f := d.dialog.(*stepForm)
	f.all, f.Row = true, 100
	rows := f.rows(d.App)
	for _, y := range []int{5, 12, 3} {
		line := d.lines()[y]
		d.send(tea.MouseClickMsg{X: 30, Y: y, Button: tea.MouseLeft})
		if label := rows[f.Row].Label; f.Row == len(rows)-1 || !strings.Contains(line, "  "+label+" ") {
			t.Fatalf("a click on %q is on %q", line, label)
		}
	}
	for range rows {
		d.press("up")
	}
	first := rows[0].Label
	y := slices.IndexFunc(d.lines(), func(l string) bool { return strings.Contains(l, " "+first+" ") })
	d.send(tea.MouseClickMsg{X: 30, Y: y, Button: tea.MouseLeft})
	if _, typing := d.dialog.(*entry); !typing {
		t.Errorf("a click on %q, which is under the cursor, does not edit it", first)
	}
}

// The fields of a form are typed, and refused where they are empty.
func TestTypingTheRunFolder(t *testing.T) {
	d := newMeasuringDriver(t, 80, 24)
	d.chooseStep(steps.Pipeline)
	d.press("enter")
	for range len("digits") {
		d.press("backspace")
	}
	d.press("enter")
	d.mustSee("no folder given")
	for _, c := range strings.Split("mine", "") {
		d.press(c)
	}
	d.press("enter")
	d.mustSee("mine")
	if run := d.taskOf(steps.Pipeline).Shared().Run; filepath.Base(run) != "mine" {
		t.Errorf("run folder %s", run)
	}
}

// typeRow types a value into the row of the form with this label.
func (d measuringDriver) typeRow(label, value string) {
	d.Helper()
	f := d.dialog.(formed)
	for _, row := range f.Base().Fields(d.App) {
		if row.Label == label && row.Edit != nil {
			if d.run(row.Edit(d.App)); value == "" {
				return
			}
			d.press("ctrl+u")
			for _, c := range strings.Split(value, "") {
				d.press(c)
			}
			d.press("enter")
			return
		}
	}
	d.Fatalf("no row %q to type in", label)
}

// The settings of a training are shown, changed and checked before it starts;
// those of one that was begun stay.
func TestSettingsOfATrainingAreChanged(t *testing.T) {
	d := newMeasuringDriver(t, 120, 40)
	asked := make(chan steps.Task, 1)
	d.services.method = func(_ context.Context, r steps.Task, _ *job.Job) (any, error) {
		asked <- r
		return nil, errors.New("no images")
	}
	d.chooseStep(steps.OneShot)
	d.typeRow("more", "")
	d.typeRow("epochs", "0")
	d.mustSee("epochs 0: expected 1 to")
	d.press("esc")
	d.typeRow("epochs", "many")
	d.mustSee(`"many": expected a whole number`)
	d.press("esc")
	d.typeRow("epochs", "3")
	d.typeRow("learning rate", "0.02")
	d.typeRow("threads", "1")
	d.checkFits("form")
	d.start()
	if r := (<-asked).(*steps.Training); r.Settings.Epochs != 3 || r.Settings.LR != 0.02 || r.Threads != 1 {
		t.Errorf("asked for %+v", r.Settings)
	}
	d.until(job.Failed)
	d.run(d.App.openStep(steps.OneShot)) // what was typed is there after a failure
	d.mustSee("0.02")

	begun := steps.NewTraining(training.OneShot)
	begun.Settings = training.Small(training.OneShot)
	begun.Settings.Epochs = 77
	d.services.plan = func(steps.Task) (steps.Plan, error) {
		return steps.Plan{Task: begun, Begun: true, Data: "/sets/mine", Kept: map[string]bool{"epochs": true}}, nil
	}
	d.run(d.App.openStep(steps.OneShot))
	for _, text := range []string{"77", "this run was begun", "resume", "/sets/mine"} {
		d.mustSee(text)
	}
	for _, row := range d.dialog.(formed).Base().Fields(d.App) {
		if row.Label == "epochs" && (row.Edit != nil || row.Step != nil) {
			t.Error("the epochs of a run that was begun can be changed")
		}
	}
	d.services.plan = func(steps.Task) (steps.Plan, error) {
		return steps.Plan{}, errors.New("train the heaviest first")
	}
	d.run(d.App.openStep(steps.OneShot))
	d.mustSee("train the heaviest first")
	jobs := len(d.jobs)
	d.start()
	if len(d.jobs) != jobs {
		t.Error("a step was started that cannot be done yet")
	}
}

// Folders of images are numbered as the form says.
func TestClassOrderIsChosen(t *testing.T) {
	for _, step := range []steps.Step{steps.Heaviest, steps.Pipeline} {
		d := newMeasuringDriver(t, 120, 60)
		asked := make(chan steps.Task, 1)
		d.services.method = func(_ context.Context, r steps.Task, _ *job.Job) (any, error) {
			asked <- r
			return nil, errors.New("no images")
		}
		d.chooseStep(step)
		d.dialog.(*stepForm).all = true
		d.mustSee("natural")
		for _, row := range d.dialog.(formed).Base().Fields(d.App) {
			if row.Label == "class order" {
				d.run(row.Step(1))
			}
		}
		d.mustSee("bytes")
		d.start()
		v, _ := (<-asked).Values().Named("class_order")
		got := v.String()
		if got != "bytes" {
			t.Errorf("%s asked for order %q", step, got)
		}
		d.until(job.Failed)
	}
}

// A pipeline's predictors are offered while it goes on.
func TestPredictorsOfAPipelineAreOfferedBeforeItsEnd(t *testing.T) {
	d := newMeasuringDriver(t, 120, 40)
	release := make(chan struct{})
	fitted := steps.Ranked{Folder: "/runs/tiny", Chosen: fit.Bilinear, Measured: []float64{70.5, 70.8, 72.5}}
	for i, name := range []string{"estimator", fit.Bilinear, fit.Quadratic} {
		fitted.Rankings = append(fitted.Rankings, steps.Ranking{
			Predictor: name, Samples: 12, Predicted: []float64{70, 71, 72}, Metrics: model.Metrics{Kendall: 0.6 + 0.1*float64(i)},
		})
	}
	d.services.method = func(ctx context.Context, r steps.Task, j *job.Job) (any, error) {
		j.Partial(fitted)
		<-release
		j.Partial(trainingSoFar())
		<-ctx.Done()
		return nil, ctx.Err()
	}
	d.chooseStep(steps.Pipeline)
	d.start()
	for len(d.jobs) == 0 || d.jobs[0].Result == nil {
		d.send(<-d.messages)
	}
	if d.jobs[0].State != job.Running {
		t.Fatal("the pipeline has ended")
	}
	d.mustSee("bilinear of tiny is fitted, Kendall tau 0.700: U explores with it")
	d.mustSee("quadratic          Kendall 0.800 on 3 networks")
	d.press("p")
	d.mustSee("estimator of tiny")
	d.press("esc", "F")
	d.mustSee("/runs/tiny/bilinear.safetensors (U explores with it)")
	d.press("U")
	d.mustSee("/runs/tiny/lut.json: no such file") // the table of the pipeline goes with it
	close(release)
	for {
		if _, ok := d.jobs[0].Result.(training.Progress); ok {
			break
		}
		d.send(<-d.messages)
	}
	if d.sees("is fitted") {
		t.Error("it was offered twice")
	}
	path := d.solution.Path
	d.send(jobMsg{ID: d.jobs[0].ID, State: job.Running, Result: steps.Networks{Folder: "/runs/tiny", Data: "tiny validation", List: []steps.Network{
		{Name: "searched-1", Architecture: d.space().Architecture(path).String(), FineTuned: 93.5, Images: 40},
	}}})
	if all := d.measuredAccuracies(); len(all) != 1 || all[0].String() != "fine-tuned 93.50 % on 40 images of tiny validation" {
		t.Errorf("the network shown was fine-tuned by the pipeline: %v", all)
	}
	d.press("J", "X")
	d.until(job.Cancelled)
}

// What a network was found to reach stands beside it, and beside no other; what
// earlier runs have found does too.
func TestAccuraciesAreShownWithTheirNetwork(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 60}} {
		d := newMeasuringDriver(t, size[0], size[1])
		d.services.method = func(_ context.Context, r steps.Task, _ *job.Job) (any, error) {
			return steps.Validated{Accuracy: steps.Accuracy{
				Architecture: r.(*steps.Validating).Arch, Weights: steps.SupernetWeights, Top1: 87.5, Images: 40, Data: "tiny\x1b[31m val", Run: r.Shared().Run,
			}}, nil
		}
		d.chooseStep(steps.Validate)
		d.start()
		d.until(job.Done)
		d.mustSee("supernet 87.50 % on 40 images of tiny")
		d.press("A", "z") // whole lines
		d.mustSee("supernet 87.50 % on 40 images of tiny")
		before := d.limitMS
		d.press("shift+right")
		if len(d.measuredAccuracies()) > 0 {
			t.Error("the accuracy of another network is shown")
		}
		d.press("u")
		if d.limitMS != before || len(d.measuredAccuracies()) == 0 {
			t.Errorf("back at %v ms, the accuracy is not shown", d.limitMS)
		}
		arch := d.space().Architecture(d.solution.Path).String()
		d.services.found = func(...string) steps.Found {
			return steps.Found{Accuracies: []steps.Accuracy{
				{Architecture: arch, Weights: steps.OwnWeights, Top1: 91.25, Images: 10000, Data: "digits validation", Run: "/runs/old"},
			}}
		}
		d.run(d.find(func() []string { return []string{"/runs/old"} }))
		d.mustSee("fine-tuned 91.25 % on 10000 images of digits validation")
		d.mustSee("supernet 87.50 %")
		d.checkFits("accuracies")
		d.run(d.App.openStep(steps.Sample))
		d.press("right")
		d.mustSee("/runs/old") // a run that was cut off is at hand
		d.press("esc")
	}
}

// The form of a pipeline has what its command would be told first, and says what
// the preset alone settles.
func TestTheFormOfAPipeline(t *testing.T) {
	d := newMeasuringDriver(t, 120, 50)
	d.chooseStep(steps.Pipeline)
	d.dialog.(*stepForm).all = true
	for _, text := range []string{"batch size       64, 64, 64: the preset's", "heaviest rate    0.1: the preset's", "tuning rate      0.01: the preset's", "sampling         batch: the preset's", "paths            1: the preset's", "oneshot epochs   12: the preset's", "train share      80 %", "image size       32 px", "statistics       running", "latency rounds   the usual number"} {
		d.mustSee(text)
	}
	typeIn := func(label, value string) {
		t.Helper()
		f := d.dialog.(formed)
		for _, r := range f.Base().Fields(d.App) {
			if r.Label == label {
				d.run(r.Edit(d.App))
			}
		}
		e := d.dialog.(*entry)
		e.Input.SetValue(value)
		d.press("enter")
	}
	typeIn("train share", "100 %")
	d.mustSee("train share 100: expected 1 to 99")
	d.press("esc")
	typeIn("latency rounds", "7")
	d.mustSee("latency rounds   7")
	typeIn("batch size", "1")
	d.mustSee("batch size 1: expected 2 to 4096")
	d.press("esc")
	typeIn("batch size", "32")
	d.mustSee("batch size       32 ")
	if p := d.dialog.(*stepForm).plan.Task.(*steps.PipelineRun).Settings; p.TrainPercent != 80 || p.MeasureRounds != 7 || p.BatchSize != 32 {
		t.Errorf("settings %+v", p)
	}
	for _, size := range [][2]int{{60, 16}, {80, 24}} {
		d.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		d.checkFits("form of a pipeline")
	}
}
