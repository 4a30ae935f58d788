package tui

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/steps"
)

func someCalibration() explore.VerifiedTable {
	return explore.VerifiedTable{MeasuredTable: explore.MeasuredTable{Name: "mine", LUT: &latency.LUT{}}, Verification: &latency.Verification{
		Networks: []latency.NetworkCheck{{PredictedMS: 1, MeasuredMS: 1.1}, {PredictedMS: 2, MeasuredMS: 2.1}},
	}}
}

// What arrives while a dialog is open waits until it is closed: neither is lost.
func TestWhatArrivesWhileADialogIsOpen(t *testing.T) {
	d := newMeasuringDriver(t, 120, 40)
	d.press("?")
	open := d.dialog
	d.run(d.compareDevices("ort-cpu-224-1t"))
	d.run(d.loadLimitTable("ort-cpu-224-1t"))
	d.send(jobMsg(job.Snapshot{ID: 1, State: job.Done, Result: someCalibration()}))
	if d.dialog != open || len(d.waiting) != 3 {
		t.Fatalf("%T is open, %d wait", d.dialog, len(d.waiting))
	}
	d.press("esc")
	if _, ok := d.dialog.(*devices); !ok {
		t.Fatalf("after the help %T opens", d.dialog)
	}
	d.press("esc")
	if _, ok := d.dialog.(*entry); !ok {
		t.Fatalf("then %T", d.dialog)
	}
	d.press("esc")
	if _, ok := d.dialog.(*verification); !ok {
		t.Fatalf("then %T", d.dialog)
	}
	d.press("esc")
	if d.dialog != nil || len(d.waiting) != 0 {
		t.Errorf("then %T, %d wait", d.dialog, len(d.waiting))
	}
}

// The answer to the search for ONNX Runtime reaches its form under an entry too.
func TestLibraryIsFoundUnderAnEntry(t *testing.T) {
	d := newMeasuringDriver(t, 120, 40)
	find := d.openStep(steps.Heaviest)
	f, ok := d.dialog.(*stepForm)
	if !ok {
		t.Fatalf("%T is open", d.dialog)
	}
	d.press("enter") // the run folder
	if _, ok := d.dialog.(*entry); !ok {
		t.Fatalf("%T is open", d.dialog)
	}
	d.run(find)
	if d.press("esc"); !f.looked || d.dialog != dialog(f) {
		t.Errorf("looked: %v, %T is open", f.looked, d.dialog)
	}
}

// A line typed while a job ends is done, and what the job found is told first.
func TestPlainKeepsTheLineAfterACalibration(t *testing.T) {
	setup, err := explore.Load("", "", "")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	p, err := newPlain(t.Context(), setup, Options{LimitMS: 5}, &out)
	if err != nil {
		t.Fatal(err)
	}
	p.arrived = append(p.arrived, jobMsg(job.Snapshot{ID: 1, State: job.Done, Result: someCalibration()}))
	p.command("budget 7ms")
	text := out.String()
	told, done := strings.Index(text, "Whole networks"), strings.Index(text, "limit 7.00 ms")
	if told < 0 || done < told || p.app.dialog != nil {
		t.Errorf("told at %d, done at %d:\n%s", told, done, text)
	}
}

// Devices are compared with what is explored: blocks that are off count alike.
func TestDeviceComparisonKeepsInactiveBlocks(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.run(d.openSetup("digits", "", ""))
	best := func() float64 {
		d.run(d.compareDevices("ort-cpu-32-2t"))
		shown, ok := d.dialog.(*devices)
		if !ok {
			t.Fatal(d.message)
		}
		d.press("esc")
		return float64(shown.Transfers[0].Accuracy)
	}
	mean := best()
	d.press("i")
	if d.engine.Inactive != model.InactiveFree {
		t.Fatal("i does not change what blocks that are off add")
	}
	if free := best(); !(free > mean) || math.IsNaN(free) {
		t.Errorf("accuracy %v, with a free choice %v", mean, free)
	}
}

// Leaving evolution ends it.
func TestLeavingEvolutionEndsIt(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.mode = modeEvolution
	cmd := d.solve()
	ended := make(chan tea.Msg, 1)
	go func() { ended <- cmd() }()
	d.run(d.nextOptimizer())
	select {
	case msg := <-ended:
		if d.send(msg); d.evolved.Status != solver.Infeasible {
			t.Error("it went on to its end")
		}
	case <-time.After(30 * time.Second):
		t.Fatal("it goes on")
	}
	if d.evoCancel != nil {
		t.Error("it was not cancelled")
	}
}

// Evolution leaves the cursor where it is while it searches, and a millisecond has
// the price that the certificate knows.
func TestEvolutionKeepsCursorAndPrice(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.press("down", "down", "down", "down")
	before, _ := d.current()
	d.press("o", "o", "o")
	if d.mode != modeEvolution || !d.hasSolution() {
		t.Fatalf("mode %v, status %v", d.mode, d.solution.Status)
	}
	if now, _ := d.current(); now != before || before.stage == 0 {
		t.Errorf("the cursor went from %v to %v", before, now)
	}
	if price := d.answer.Exact.ShadowPrice; d.solution.ShadowPrice != price || !(price > 0) {
		t.Errorf("a millisecond is worth %v, expected %v", d.solution.ShadowPrice, price)
	}
	if d.sees("more: +0.00 pt") {
		t.Errorf("the price is said to be 0:\n%s", strings.Join(d.lines(), "\n"))
	}
}

// The error of a job can be read whole.
func TestErrorsOfJobsAreWhole(t *testing.T) {
	d := newDriver(t, 80, 24)
	words := strings.Fields("training stopped because the image /data/" + strings.Repeat("long-folder/", 12) + "cat.png could not be read and neither could the next " +
		strings.Repeat("ninety nine ", 12) + "of them END")
	d.send(jobMsg(job.Snapshot{ID: 1, Name: "train", State: job.Failed, Err: errors.New(strings.Join(words, " ")), Log: []string{"unreadable: " + strings.Repeat("x/", 50) + "LAST"}}))
	d.press("J", "z")
	shown := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" │\n", r) {
			return -1
		}
		return r
	}, strings.Join(d.lines(), "\n"))
	if !strings.Contains(shown, strings.Join(words, "")) {
		t.Errorf("the error is not whole:\n%s", strings.Join(d.lines(), "\n"))
	}
	if !strings.Contains(shown, "LAST") {
		t.Errorf("the log is not whole:\n%s", strings.Join(d.lines(), "\n"))
	}
}

// Keys that are typed before a menu is there, whose lines are looked for in the
// background, are the menu's and not the explorer's.
func TestKeysTypedAheadOfAMenu(t *testing.T) {
	d := newDriver(t, 120, 40)
	ahead := func(keys ...string) {
		var later []tea.Cmd
		for _, key := range keys {
			_, cmd := d.App.Update(keyPress(key))
			later = append(later, cmd)
			d.lines()
		}
		for _, cmd := range later {
			d.run(cmd)
		}
	}
	limit, theme := d.limitMS, d.App.theme
	ahead("C", "/", "B", "I", "N", "A", "S", " ", "C", "enter")
	if d.compare == nil || d.compare.name != "BINAS C" || d.dialog != nil || d.focus != paneCompare {
		t.Errorf("compared with %+v, %T is open", d.compare, d.dialog)
	}
	if d.limitMS != limit || d.App.theme != theme || len(d.snapshots) > 0 || d.engine.Inactive != 0 {
		t.Error("the explorer took keys of the menu")
	}
	// What follows the choice is the explorer's again, or the next menu's.
	was := d.engine.LUTName
	ahead("d", "down", "enter", "right", "p")
	if d.engine.LUTName == was || d.limitMS == limit {
		t.Errorf("exploring %s at %v ms", d.engine.LUTName, d.limitMS)
	}
	if m, ok := d.dialog.(*menu); !ok || m.Title != "Predictor" {
		t.Errorf("%T is open", d.dialog)
	}
	d.press("esc")
	// Closed before it was there, it does not come.
	if ahead("D", "esc"); d.dialog != nil || d.working != 0 {
		t.Errorf("%T is open, %d under way", d.dialog, d.working)
	}
}

// What a verification found is read whole on small screens.
func TestVerificationIsReadWhole(t *testing.T) {
	for _, size := range [][2]int{{60, 16}, {80, 24}, {120, 40}} {
		d := newDriver(t, size[0], size[1])
		v := someCalibration()
		v.Verification.Worst, v.Verification.Level = 1, 1.103
		v.Verification.Networks = append(v.Verification.Networks[:1], latency.NetworkCheck{PredictedMS: 1.75, MeasuredMS: 2})
		d.dialog = &verification{result: v}
		text := strings.Join(strings.Fields(strings.Join(strings.Split(strings.Join(d.lines(), "\n"), "│"), " ")), " ")
		for _, want := range []string{"2 networks not fitted on", "1.103 times what is predicted", "worst -12.5%"} {
			if !strings.Contains(text, want) {
				t.Errorf("%v: no %q", size, want)
			}
		}
		d.checkFits("verification")
	}
}
