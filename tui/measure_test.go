package tui

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/steps"
)

// measuringDriver is a driver whose jobs report to a channel and whose machine
// is a fake.
type measuringDriver struct {
	*driver
	messages chan jobMsg
	updating *atomic.Bool
}

func newMeasuringDriver(t *testing.T, w, h int) measuringDriver {
	d := measuringDriver{newDriver(t, w, h), make(chan jobMsg, 100), &atomic.Bool{}}
	d.runner.Publish = func(s job.Snapshot) { d.messages <- jobMsg(s) }
	d.services.library = func(string) (onnx.Library, error) { return onnx.Library{Path: "/lib/onnxruntime.so"}, nil }
	d.services.plan = func(t steps.Task) (steps.Plan, error) {
		if t, ok := t.(*steps.Training); ok {
			t.Teacher = "heaviest.safetensors" // as if it were there
		}
		p, err := t.Plan()
		if err != nil { // it needs what was not trained
			p = steps.Plan{Task: t}
		}
		return p, nil
	}
	return d
}

// until passes on what jobs report until one has the state.
func (d measuringDriver) until(state job.State) {
	d.Helper()
	for m := range d.messages {
		d.send(m)
		if m.State == state {
			return
		}
	}
}

// withoutLibrary is the machine without one that can be used, for this reason.
func (d measuringDriver) withoutLibrary(why error) {
	d.services.library = func(string) (onnx.Library, error) { return onnx.Library{}, why }
}

func fakeTable(space *model.Space) *latency.LUT {
	l := &latency.LUT{Blocks: map[string]latency.Measurement{}, Fixed: latency.Measurement{MedianMS: 1}}
	for b := range space.NumBlocks() {
		for i, o := range space.Options {
			l.Blocks[space.Block(b).LUTKey(o)] = latency.Measurement{MedianMS: 0.1 + 0.01*float64(i), MinMS: 0.1, Spread: 0.02, StandardErrorMS: 0.0012, Rounds: 3}
		}
	}
	return l
}

func TestMeasuringATableNeverStopsTheSlider(t *testing.T) {
	d := newMeasuringDriver(t, 120, 40)
	lut, release := fakeTable(d.space()), make(chan struct{})
	var want explore.Measuring
	d.services.table = func(ctx context.Context, m explore.Measuring, j *job.Job) (explore.MeasuredTable, error) {
		want = m
		j.Progress(30, 100, 42*time.Second, "round 1 of 5")
		j.Partial(explore.PartialTable(lut.Blocks))
		<-release
		return explore.MeasuredTable{Name: "fake", LUT: lut}, nil
	}
	d.press("m")
	d.press("down", "down", "down", "down", "right", "right", "down", "down", "down", "enter")
	for len(d.jobs) == 0 || d.jobs[0].Result == nil {
		d.send(<-d.messages)
	}
	if want.Rounds != 2 || want.Method != latency.InContext || want.ImageSize != 224 || want.Threads != 1 || want.Target != "cpu" {
		t.Errorf("measuring %+v", want)
	}
	d.mustSee("round 1 of 5")
	d.mustSee("k3 e3")
	d.mustSee("120 blocks")
	before := d.limitMS
	d.press("esc", "right")
	if d.limitMS <= before {
		t.Error("the slider stood still while measuring")
	}
	d.mustSee("30% 0:42 left")
	d.press("m")
	d.press("down", "down", "down", "down", "down", "down", "down", "enter")
	d.mustSee("still running")
	d.press("q")
	if d.mustSee("what it has measured is kept"); d.quit {
		t.Error("q quit without asking")
	}
	d.press("esc")
	close(release)
	d.until(job.Done)
	d.mustSee("table fake is measured: U uses it")
	d.press("J", "space")
	d.mustSee("median 0.100 ms ± 0.0012 (1.2%), least 0.100 ms, measured 3 times")
	d.mustSee("standard error of 120 blocks: median 0.8%")
	d.press("e")
	d.mustSee("1.2")
}

func TestCancellingAMeasurement(t *testing.T) {
	d := newMeasuringDriver(t, 120, 40)
	d.services.table = func(ctx context.Context, _ explore.Measuring, _ *job.Job) (explore.MeasuredTable, error) {
		<-ctx.Done()
		return explore.MeasuredTable{}, ctx.Err()
	}
	d.press("m")
	d.press("down", "down", "down", "down", "down", "down", "down", "enter", "x")
	d.until(job.Cancelled)
	d.press("esc")
	d.mustSee("cancelled")
	if d.press("q"); !d.quit {
		t.Error("q asked although nothing is running")
	}
}

func TestMeasuringTheNetworkShown(t *testing.T) {
	d := newMeasuringDriver(t, 120, 40)
	d.services.network = func(_ context.Context, _ explore.Measuring, arch model.Architecture, predictedMS float64, _ *job.Job) (explore.MeasuredNetwork, error) {
		if arch.String() != d.space().Architecture(d.solution.Path).String() {
			return explore.MeasuredNetwork{}, errors.New("another network")
		}
		return explore.MeasuredNetwork{PredictedMS: predictedMS, Measurement: latency.Measurement{MedianMS: 2 * predictedMS, MinMS: 20, Spread: 0.01}}, nil
	}
	d.press("m")
	d.press("down", "down", "down", "down", "down", "down", "enter")
	d.until(job.Done)
	d.mustSee("(least 20.00, spread 1.0%), the table says ")
	d.mustSee("(-50.0%)")
}

func TestCalibrationShowsWhatItWasCheckedOn(t *testing.T) {
	d := newMeasuringDriver(t, 120, 40)
	lut := fakeTable(d.space())
	lut.Calibration = latency.Calibration{Slope: 1.15, InterceptMS: 0.2, Networks: 21}
	check := &latency.Verification{MAPE: 0.021, Level: 1.02, ShapeMAPE: 0.013, ShapeWorst: 0.04, Kendall: 0.97, CeilingMAPE: 0.009, CeilingKendall: 0.98,
		Worst: 1, Networks: []latency.NetworkCheck{
			{PredictedMS: 10, MeasuredMS: 10.1}, {PredictedMS: 20, MeasuredMS: 19}, {PredictedMS: 30, MeasuredMS: 30.2},
		}}
	d.services.verify = func(context.Context, explore.Measuring, string, *latency.LUT, int, *job.Job) (explore.VerifiedTable, error) {
		return explore.VerifiedTable{MeasuredTable: explore.MeasuredTable{Name: "fake", LUT: lut}, Calibrated: true, Verification: check}, nil
	}
	d.press("m")
	d.press("down", "down", "down", "down", "down", "down", "down", "down", "enter")
	d.until(job.Done)
	for _, text := range []string{"shape error 1.3%, worst 4.0%", "Kendall tau 0.970", "0.9%, tau 0.980 (ceiling)", "1.150 x sum +0.200 ms", "measured ms"} {
		d.mustSee(text)
	}
}

func TestWithoutALibraryTheMenuOffersToInstallIt(t *testing.T) {
	d := newMeasuringDriver(t, 120, 40)
	d.services.install = func(context.Context, *job.Job) (onnx.Library, error) {
		return onnx.Library{Path: "/data/libonnxruntime.so"}, nil
	}
	d.withoutLibrary(onnx.ErrNoLibrary)
	d.press("m")
	d.mustSee("install ONNX Runtime")
	d.press("down", "down", "down", "down", "down", "down", "enter")
	d.until(job.Done)
	d.mustSee("ONNX Runtime is installed: /data/libonnxruntime.so")
}

// A build that can use no library offers none: it says what would measure, in
// whole and at every size.
func TestWithoutCgoNothingIsOffered(t *testing.T) {
	for _, size := range [][2]int{{60, 16}, {80, 24}, {120, 40}} {
		d := newMeasuringDriver(t, size[0], size[1])
		d.withoutLibrary(onnx.ErrNoCgo)
		for name, open := range map[string]func(){"measuring": func() { d.press("m") }, "training": func() { d.chooseStep(steps.Heaviest) }} {
			open()
			for _, text := range []string{"built without cgo", "CGO_ENABLED=1 and a C compiler"} {
				d.mustSee(text)
			}
			for _, text := range []string{"install ONNX Runtime", "measure the network shown", "enter starts it"} {
				if d.sees(text) {
					t.Errorf("%s at %v: %q is offered", name, size, text)
				}
			}
			d.checkFits(name)
			d.press("down", "down", "down", "down", "down", "down", "down", "enter")
			if d.working != 0 {
				t.Errorf("%s at %v: %d jobs", name, size, d.working)
			}
			d.press("esc", "esc")
		}
	}
}

func TestAFailedMeasurementSaysWhy(t *testing.T) {
	d := newMeasuringDriver(t, 80, 24)
	d.services.table = func(context.Context, explore.Measuring, *job.Job) (explore.MeasuredTable, error) {
		return explore.MeasuredTable{}, latency.ErrInconclusive
	}
	d.press("m")
	d.press("down", "down", "down", "down", "down", "down", "down", "enter")
	d.until(job.Failed)
	d.mustSee("the measurement is inconclusive")
	d.press("esc", "U")
	d.mustSee("nothing was made yet")
	d.send(tea.WindowSizeMsg{Width: 60, Height: 16})
	d.press("J", "space")
	d.checkFits("measurement at 60x16")
}

func TestComparingTwoDevices(t *testing.T) {
	for _, size := range [][2]int{{60, 16}, {80, 24}, {200, 60}} {
		d := newDriver(t, size[0], size[1])
		d.run(d.compareDevices(d.engine.LUTName))
		d.mustSee("Kendall tau 1.000")
		d.checkFits("comparison of devices")
		if size[1] > 40 {
			d.mustSee("A on B")
			d.mustSee("× slower (IQR")
		}
		if size[0] == 80 {
			d.mustSee("best there")
			d.mustSee("more: a higher screen shows them")
		}
		if d.press("esc"); d.dialog != nil || d.working != 0 {
			t.Errorf("dialog %v, %d jobs", d.dialog, d.working)
		}
	}
	d := newDriver(t, 120, 40)
	d.run(d.compareDevices("no-such-device"))
	d.mustSee("no such file")
}

// A measurement that was cancelled is resumed from the jobs pane, but not beside
// another; one that is done is not made again by that.
func TestAMeasurementIsStartedAgainFromItsPane(t *testing.T) {
	d := newMeasuringDriver(t, 80, 24)
	starts, release := 0, make(chan struct{})
	d.services.verify = func(ctx context.Context, _ explore.Measuring, name string, lut *latency.LUT, _ int, _ *job.Job) (explore.VerifiedTable, error) {
		if starts++; starts < 3 {
			<-ctx.Done()
			return explore.VerifiedTable{}, ctx.Err()
		}
		<-release
		check := &latency.Verification{Networks: make([]latency.NetworkCheck, 3)}
		return explore.VerifiedTable{MeasuredTable: explore.MeasuredTable{Name: name, LUT: lut}, Calibrated: true, Verification: check}, nil
	}
	d.press("m")
	d.press("down", "down", "down", "down", "down", "down", "down", "down", "enter", "J")
	d.until(job.Running)
	d.mustSee("verification of ort-cpu-224-1t")
	if d.sees("opens the table") {
		t.Error("a verification has no table to open")
	}
	d.press("X")
	d.until(job.Cancelled)
	d.mustSee("r in the jobs pane resumes it")
	d.press("down")
	d.mustSee("r starts it again: it resumes where it stopped")
	d.press("r")
	d.until(job.Running)
	d.press("up", "r") // the cancelled one, while the other runs
	d.mustSee("is still running")
	d.press("P")
	d.press("down", "P")
	d.mustSee("a measurement cannot be paused: X cancels it, and it resumes when it is")
	d.press("X")
	d.until(job.Cancelled)
	d.press("r")
	close(release)
	d.until(job.Done)
	d.press("esc", "J", "end")
	d.panes.jobs.row = len(d.jobs) - 1
	if d.press("r"); starts != 3 || len(d.jobs) != 3 {
		t.Errorf("started %d times in %d jobs", starts, len(d.jobs))
	}
	d.mustSee("start it again from its menu: m")
}

// Hosts are in the form of measuring, where others can be typed, and in the menu of
// tables; blocks alone are not measured there.
func TestMeasuringOnAHost(t *testing.T) {
	d := newMeasuringDriver(t, 120, 40)
	d.services.hosts = func() []string { return []string{"pi", "rack"} }
	d.withoutLibrary(onnx.ErrNoLibrary) // of this machine
	lut := fakeTable(d.space())
	lut.Provenance.Host, lut.Provenance.Processor = "me@nas", "Cortex-A72"
	var want explore.Measuring
	d.services.table = func(_ context.Context, m explore.Measuring, _ *job.Job) (explore.MeasuredTable, error) {
		want = m
		return explore.MeasuredTable{Name: "fake", LUT: lut}, nil
	}
	d.press("m")
	d.mustSee("this machine")
	d.mustSee("install ONNX Runtime")
	d.press("right", "right")
	d.mustSee("rack")
	d.press("enter")
	d.send(tea.PasteMsg{Content: "-oProxyCommand=reboot"})
	d.press("enter")
	d.mustSee("expected a Host of ~/.ssh/config")
	d.press("ctrl+u")
	d.send(tea.PasteMsg{Content: "me@nas"})
	d.press("enter")
	d.mustSee("me@nas")
	d.mustSee("over ssh")
	d.press("down", "down", "down", "down", "down", "down", "enter")
	d.until(job.Done)
	if want.Host != "me@nas" || want.Method != latency.InContext || want.TableName() != "me@nas-cpu-224-1t" {
		t.Errorf("%+v, %s", want, want.TableName())
	}
	d.press("esc")
	d.run(d.openLUTPicker())
	d.mustSee("measure on pi")
	d.press("end", "enter")
	d.mustSee("rack")
}
