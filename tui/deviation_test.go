package tui

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/tui/cell"
)

// newDigitsDriver explores with the predictor of the digits, which knows how far
// each of its predictions may be off.
func newDigitsDriver(t *testing.T, w, h int) *driver {
	d := newDriver(t, w, h)
	d.run(d.openSetup(d.engine.Profile, "ort-cpu-32-1t", "digits"))
	d.press("home")
	if d.engine.Uncertainty == nil || !d.deviationKnown() {
		t.Fatalf("exploring %s with %s: no ± is known", d.engine.LUTName, d.engine.PredictorName)
	}
	return d
}

// deviationOfNow is how far the prediction of the network shown is off, computed
// here.
func (d *driver) deviationOfNow() float64 {
	points, _ := d.engine.Deviation(d.solution.Path)
	return points
}

// A network that is kept before its ± is known has it as soon as it comes, also
// when another network is shown by then; the snapshot itself computes nothing.
func TestKeepingANetworkDoesNotWaitForItsDeviation(t *testing.T) {
	d := newDigitsDriver(t, 120, 40)
	_, ask := d.App.Update(keyPress("shift+right"))
	want := d.deviationOfNow()
	d.keep("early")
	if k := d.snapshots[0]; k.points != 0 || k.unknown != d.engine.Uncertainty {
		t.Fatalf("kept with ± %v, nothing has computed it", k.points)
	}
	if _, err := d.writeReport("early.md"); err == nil || !strings.Contains(err.Error(), "once more") {
		t.Errorf("report: %v", err)
	}
	_, more := d.App.Update(keyPress("shift+right")) // the answer comes when another is shown
	d.run(tea.Batch(ask, more))
	if k := d.snapshots[0]; k.points != want || k.unknown != nil {
		t.Errorf("kept with ± %v, expected %v", k.points, want)
	}
	d.keep("late")
	if k := d.snapshots[1]; k.points != d.deviationOfNow() || k.unknown != nil {
		t.Errorf("± %v was known and is %v", d.deviationOfNow(), k.points)
	}
	if d.working != 0 || d.deviating {
		t.Errorf("%d things are at work", d.working)
	}
}

// An answer that nothing asks for any more is dropped.
func TestADeviationOutOfDateIsDropped(t *testing.T) {
	d := newDigitsDriver(t, 120, 40)
	d.setLimit(d.engine.MaxLatencyMS())
	at, ask := d.solution.Path.Clone(), d.askDeviation()
	d.setLimit((d.engine.MinLatencyMS() + d.engine.MaxLatencyMS()) / 2)
	_, next := d.App.Update(ask())
	if d.deviationKnown() || samePath(d.deviation.path, at) {
		t.Error("the ± of another network is shown")
	}
	d.run(next)
	if !d.deviationKnown() || d.deviation.points != d.deviationOfNow() {
		t.Errorf("± %v, expected %v", d.deviation.points, d.deviationOfNow())
	}
}

// The comparison says how far both predictions may be off.
func TestTheComparisonShowsBothDeviations(t *testing.T) {
	d := newDigitsDriver(t, 120, 40)
	d.press("c")
	other := d.deviationOfNow()
	_, ask := d.App.Update(keyPress("end"))
	d.press("V")
	d.mustSee("±" + cell.Number(other, 2))
	d.mustSee("±…") // of the network shown now
	d.run(ask)
	for _, want := range []float64{other, d.deviationOfNow()} {
		d.mustSee("±" + cell.Number(want, 2))
	}
	if c := d.compare; !c.deviation.of(d.engine.Uncertainty, c.path) || c.deviation.points != other || d.deviation.points != d.deviationOfNow() {
		t.Errorf("now ±%v, other ±%v, expected %v and %v", d.deviation.points, c.deviation.points, d.deviationOfNow(), other)
	}
}
