package tui

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/job"
	"github.com/binas-tui/binas-tui/method"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// chooseStep opens the form of a step with a library in place.
func (d measuringDriver) chooseStep(step method.Step) {
	d.Helper()
	d.run(d.App.openMethod())
	m := d.dialog.(*menu)
	it, err := m.named(string(step))
	if err != nil {
		d.Fatal(err)
	}
	d.run(it.choose(d.App))
	d.send(libraryMsg{library: onnx.Library{Path: "/lib/onnxruntime.so"}})
}

func (d measuringDriver) start() {
	f := d.dialog.(formed)
	rows := f.formRows(d.App)
	d.closeDialog()
	d.run(rows[len(rows)-1].start(d.App))
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
		var asked []method.Request
		d.services.method = func(ctx context.Context, r method.Request, j *job.Job) (any, error) {
			asked = append(asked, r)
			j.Progress(250, 900, 42*time.Second, "one-shot, epoch 3 of 9")
			j.Partial(trainingSoFar())
			<-ctx.Done()
			return nil, ctx.Err()
		}
		d.chooseStep(method.OneShot)
		d.mustSee("start, or go on")
		d.checkFits("form")
		d.start()
		for len(d.jobs) == 0 || d.jobs[0].Result == nil {
			d.send(<-d.messages)
		}
		d.press("enter")
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
		d.mustSee("P goes on")
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
		if len(asked) != 2 || asked[0].Run != filepath.Join(explore.DataDir(), "runs", "digits") || asked[1].Run != asked[0].Run || asked[0].Data != "digits" {
			t.Errorf("asked for %+v", asked)
		}
		d.press("X")
		d.until(job.Cancelled)
	}
}

// Samples are told as they arrive, and a predictor that is fitted is offered and
// listed.
func TestSamplesAndPredictorsArrive(t *testing.T) {
	d := newMeasuringDriver(t, 120, 40)
	release := make(chan struct{})
	d.services.method = func(_ context.Context, r method.Request, j *job.Job) (any, error) {
		switch r.Step {
		case method.Sample:
			samples := evaluation.Samples{{Accuracy: 70}, {Accuracy: 75.5}, {Accuracy: 71.25}}
			j.Partial(samples)
			<-release
			return samples, nil
		case method.Fit:
			return method.Fitted{Kind: fit.Bilinear, File: "/runs/digits/bilinear.safetensors", Fitted: &explore.Fitted{
				Report:     &fit.Report{Kind: fit.Bilinear},
				Evaluation: &fit.Evaluation{Metrics: model.Metrics{Kendall: 0.812}, Predicted: []float64{70, 71, 72}, Measured: []float64{70.5, 70.8, 72.5}},
			}}, nil
		}
		return nil, errors.New("not asked for")
	}
	d.chooseStep(method.Sample)
	d.start()
	for len(d.jobs) == 0 || d.jobs[0].Result == nil {
		d.send(<-d.messages)
	}
	d.press("A", "right")
	d.mustSee("3 networks sampled, last 71.25 %, best 75.50 %") // in the hint bar
	close(release)
	d.until(job.Done)
	d.mustSee("M fits a predictor on them")
	d.run(d.App.openStep(method.Fit))
	d.start()
	d.until(job.Done)
	d.mustSee("bilinear.safetensors is fitted, Kendall tau 0.812: U explores with it")
	d.press("p")
	d.mustSee("bilinear of digits")
	d.press("esc", "U")
	d.mustSee("/runs/digits/bilinear.safetensors: no such file")
}

// Without ONNX Runtime the form says how to get it; the fit needs none.
func TestTrainingWithoutALibrary(t *testing.T) {
	d := newMeasuringDriver(t, 80, 24)
	d.chooseStep(method.Heaviest)
	d.send(libraryMsg{err: onnx.ErrNoLibrary})
	d.mustSee("install ONNX Runtime")
	if d.sees("start, or go on") {
		t.Error("a training without ONNX Runtime can be started")
	}
	d.run(d.App.openStep(method.Fit))
	d.mustSee("start, or go on")
}

// The fields of a form are typed, and refused where they are empty.
func TestTypingTheRunFolder(t *testing.T) {
	d := newMeasuringDriver(t, 80, 24)
	d.chooseStep(method.Pipeline)
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
	if r := d.request(method.Pipeline); filepath.Base(r.Run) != "mine" {
		t.Errorf("run folder %s", r.Run)
	}
}
