package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/supernet/training"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// What a job said can be read to its end, at every size.
func TestTheLogIsReadWhole(t *testing.T) {
	for _, size := range [][2]int{{60, 16}, {80, 24}, {120, 40}} {
		d := newDriver(t, size[0], size[1])
		j := job.Snapshot{ID: 1, Name: "train", State: job.Failed, Err: errors.New(strings.Repeat("why it failed ", 40) + "ERROR-END")}
		for i := range 100 {
			j.Log = append(j.Log, fmt.Sprintf("line %d", i))
		}
		j.Log = append(j.Log, "LOG-END")
		d.send(jobMsg(j))
		d.press("J", "enter")
		seen := ""
		for range 60 {
			seen += strings.Join(d.lines(), "\n")
			d.press("pgdown")
		}
		for _, want := range []string{"ERROR-END", "line 0", "line 57", "LOG-END"} {
			if !strings.Contains(seen, want) {
				t.Errorf("%v: %q is never shown", size, want)
			}
		}
		d.checkFits("log")
		if d.press("home"); d.sees("LOG-END") || !d.sees("why it failed") {
			t.Errorf("%v: home did not go to the beginning", size)
		}
		if d.press("G"); !d.sees("LOG-END") {
			t.Errorf("%v: G did not go to the end", size)
		}
		d.press("y")
		if !strings.Contains(d.clipboard, "ERROR-END") || !strings.Contains(d.clipboard, "line 99") {
			t.Errorf("copied %d bytes", len(d.clipboard))
		}
		if d.press("esc"); d.dialog != nil {
			t.Error("esc did not close it")
		}
	}
}

// Curves have an axis of epochs and a legend, and what is smoothed has its values too.
func TestCurvesAreOverEpochs(t *testing.T) {
	p := training.Progress{Stage: training.OneShot, Epoch: 9, Epochs: 9, Step: 900, Steps: 900}
	for step := range 900 {
		p.Loss.Steps, p.Loss.Values = append(p.Loss.Steps, step), append(p.Loss.Values, 3-float64(step)/450+float64(step%7)/10)
	}
	for _, name := range []string{"heaviest", "lightest"} {
		s := training.Series{Name: name}
		for epoch := 1; epoch <= 9; epoch++ {
			s.Steps, s.Values = append(s.Steps, 100*epoch), append(s.Values, float64(70+epoch+len(name)%2))
		}
		p.Validation = append(p.Validation, s)
	}
	s := cell.NewScreen(120, 30, cell.MonoTheme(), cell.BrailleGlyphs())
	drawTraining(s, cell.At(0, 0, 120, 30), p)
	text := s.Plain()
	for _, want := range []string{"training loss", "epoch", "  a heaviest", "  b lightest", " 2 ", " 4 ", " 8 "} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.ContainsAny(text, "┤┼╭╯") {
		t.Errorf("the curves are drawn with box characters:\n%s", text)
	}
}

// Forms have few rows at first, each with its help, and the others behind one.
func TestFormsAreShort(t *testing.T) {
	for _, step := range steps.Steps() {
		d := newMeasuringDriver(t, 120, 60)
		d.chooseStep(step)
		f, ok := d.dialog.(*stepForm)
		if !ok {
			t.Fatalf("%s: %T", step, d.dialog)
		}
		rows := f.rows(d.App)
		if len(rows) > commonRows {
			t.Errorf("%s: %d rows", step, len(rows))
		}
		for i, r := range rows {
			if r.Help == "" && r.Label != "install ONNX Runtime" {
				t.Errorf("%s: %s has no help", step, r.Label)
			}
			f.Row = i
			if first := strings.Fields(r.Help); len(first) > 2 {
				d.mustSee(strings.Join(first[:2], " "))
			}
		}
		values := 0
		for _, v := range f.shown().Values() {
			if v.NoForm == "" {
				values++
			}
		}
		f.all = true
		beside := 2 // for the others, and that which starts
		if step.Estimable() {
			beside++
		}
		if all := f.rows(d.App); values > commonRows && len(all) != values+beside {
			t.Errorf("%s: %d rows of %d parameters", step, len(all), values)
		}
	}
}

// A data set that is missing is made by the row that says so.
func TestMissingExampleIsMade(t *testing.T) {
	d := newMeasuringDriver(t, 120, 40)
	made := false
	d.services.missingExample = func(steps.Task) string {
		if made {
			return ""
		}
		return "digits"
	}
	d.services.example = func(_ context.Context, name string, j *job.Job) (string, error) {
		made = name == "digits"
		return "/data/digits", nil
	}
	d.chooseStep(steps.Heaviest)
	d.mustSee("the digits data set has not been made")
	if d.sees("enter: start") && d.sees("  start ") {
		t.Error("it can be started without its data")
	}
	d.press("G")
	d.mustSee("make it now")
	d.press("enter")
	d.until(job.Done)
	d.mustSee("the digits data set is made")
	d.chooseStep(steps.Heaviest)
	if d.sees("make it now") || !made {
		t.Error("it asks for them again")
	}
	f := d.dialog.(*stepForm)
	data, _ := f.task.Values().Named("data")
	if _, err := f.give(d.App, data, "/photos/birds"); err != nil || d.method.run != "birds" {
		t.Errorf("data birds, run %q, %v: expected a run named after its data", d.method.run, err)
	}
	d.method.run = "mine"
	if _, err := f.give(d.App, data, "emoji"); err != nil || d.method.run != "mine" {
		t.Errorf("run %q, %v: expected the one named", d.method.run, err)
	}
}

// What a step will take is measured by a row of its form, and stands there until
// something of the step is changed.
func TestFormShowsWhatAStepTakes(t *testing.T) {
	d := newMeasuringDriver(t, 120, 40)
	asked := 0
	d.services.estimate = func(_ context.Context, s steps.Task, j *job.Job) (steps.Estimate, error) {
		if asked++; s.Step() != steps.Heaviest {
			t.Errorf("asked for %s", s.Step())
		}
		return steps.Estimate{Cost: training.Cost{Seconds: 725, Memory: 3e8, Disk: 4e7}}, nil
	}
	d.chooseStep(steps.Heaviest)
	d.mustSee("what it takes")
	d.mustSee("not measured yet")
	d.press("G", "up", "enter")
	d.until(job.Done)
	d.mustSee("about 12m, 300 MB of memory, 40 MB on disk")
	f := d.dialog.(*stepForm)
	v, _ := f.task.Values().Named("epochs")
	cmd, err := f.give(d.App, v, "3")
	if err != nil {
		t.Fatal(err)
	}
	d.run(cmd)
	d.mustSee("not measured yet")
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

// On a wide screen every block of a table stands with how certain it is.
func TestMeasurementShowsErrors(t *testing.T) {
	d := newDriver(t, 200, 60)
	lut := fakeTable(d.space())
	partial := explore.PartialTable{}
	for key, m := range lut.Blocks {
		m.StandardErrorMS = m.MedianMS / 50
		partial[key] = m
	}
	d.send(jobMsg(job.Snapshot{ID: 1, Name: "table x", State: job.Running, Done: 1, Total: 2, Result: partial}))
	d.press("J", "enter")
	d.mustSee("±2.0%")
	m := d.dialog.(*measurement)
	d.send(tea.MouseWheelMsg{Button: tea.MouseWheelDown})
	if m.row != 1 {
		t.Errorf("the wheel went to row %d", m.row)
	}
	d.checkFits("measurement")
}

// What exporting in int8 costs and gains was measured, and stands with the job.
func TestExportSaysWhatItCosts(t *testing.T) {
	d := newMeasuringDriver(t, 120, 40)
	d.send(jobMsg(job.Snapshot{ID: 1, Name: "export n.onnx", State: job.Done, Result: steps.Exported{
		File: "n.onnx", Trained: true, Precision: onnx.INT8,
		Quantised: &steps.Quantised{Judged: steps.Judged{Images: 500, Data: "digits", Top1: 71.5, FP32Top1: 72.25}, LatencyMS: 2, FP32LatencyMS: 4, Speedup: 2},
	}}))
	d.press("J", "z")
	d.mustSee("71.50 %, fp32 72.25 %: -0.75 points, on 500 images (digits)")
	d.mustSee("2.00 times as fast")
}
