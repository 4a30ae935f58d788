package tui

import (
	"math"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
)

// typeIn answers an entry.
func (d *driver) typeIn(text string) {
	d.Helper()
	e, ok := d.dialog.(*entry)
	if !ok {
		d.Fatalf("no entry is open: %T", d.dialog)
	}
	e.input.SetValue(text)
	d.press("enter")
}

// A limit added from its pane is kept by the network shown at every budget; it
// is changed, removed and undone.
func TestLimits(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 60}} {
		d := newDriver(t, size[0], size[1])
		free := d.solution.Accuracy
		d.press("B", "n", "enter")
		d.typeIn("4M")
		if len(d.engine.Limits) != 1 || !d.limited() {
			t.Fatalf("limits %+v: %s", d.engine.Limits, d.message)
		}
		for range 30 {
			cost, err := d.space().Architecture(d.solution.Path).Cost(d.space().ImageSize, d.engine.NumClasses())
			if err != nil || cost.Params > 4e6 || d.solution.LatencyMS > d.limitMS || !d.hasSolution() {
				t.Fatalf("at %v ms the network has %d parameters and takes %v ms: %v", d.limitMS, cost.Params, d.solution.LatencyMS, err)
			}
			d.press("right")
		}
		d.mustSee("under 2 limits")
		d.mustSee("binds")
		d.mustSee("params")
		d.checkFits("limits")
		if rows := d.limitRows(); rows[1].Used > 4e6 || math.Abs(rows[1].Slack-(4e6-rows[1].Used)) > 1e-6 {
			t.Errorf("limit %+v", rows[1])
		}
		d.press("down", "space")
		d.typeIn("20M")
		if d.setup.Limits[0].Cap != 20e6 {
			t.Errorf("changed to %v", d.setup.Limits[0].Cap)
		}
		d.press("x")
		if len(d.engine.Limits) != 0 {
			t.Errorf("%d limits after removal", len(d.engine.Limits))
		}
		d.press("u", "u")
		if len(d.engine.Limits) != 1 || d.engine.Limits[0].Cap != 4e6 {
			t.Errorf("undone to %+v", d.engine.Limits)
		}
		if d.press("u", "u"); len(d.engine.Limits) != 0 || d.solution.Accuracy < free {
			t.Errorf("all undone: %d limits, accuracy %v, was %v", len(d.engine.Limits), d.solution.Accuracy, free)
		}
	}
}

// What cannot be kept together is named.
func TestLimitsThatExcludeEachOther(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.press("B", "n", "enter")
	d.typeIn("1k")
	if d.hasSolution() {
		t.Fatalf("a network of a thousand parameters: %+v", d.solution)
	}
	d.mustSee("params of 1k")
	d.press("n", "enter")
	d.typeIn("12 apples")
	d.mustSee("expected")
	d.press("esc")
	d.run(d.loadLimitTable("no-such-device"))
	d.mustSee("no such file")
	d.run(d.loadLimitTable(d.engine.LUTName))
	d.typeIn("4ms")
	if n := len(d.setup.Limits); n != 2 || d.setup.Limits[1].Name() != "latency on "+d.engine.LUTName {
		t.Errorf("%d limits: %+v", n, d.setup.Limits)
	}
	if !strings.Contains(d.commandLine(), "--max-params 1.000k --limit-on "+d.engine.LUTName+"=4.000000ms") {
		t.Errorf("command line: %s", d.commandLine())
	}
}

// The best networks begin with the optimum and each differs from it.
func TestBestNetworks(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.press("t", "enter")
	top := d.bestNetworks()
	if len(top) != topNetworks || math.Abs(top[0].Accuracy-d.answer.Exact.Accuracy) > 1e-9 {
		t.Fatalf("%d networks, the first %v, optimum %v", len(top), top[0].Accuracy, d.answer.Exact.Accuracy)
	}
	for i, b := range top[1:] {
		if b.Accuracy > top[i].Accuracy || b.Used[0] > d.limitMS || d.differenceText(top[0].Path, b.Path) == "-" {
			t.Errorf("number %d: %+v", i+2, b)
		}
	}
	d.press("down", "space")
	if d.compare == nil || d.compare.name != "number 2" {
		t.Errorf("compared with %+v", d.compare)
	}
}

// The table of choices says what the Why pane says.
func TestExplain(t *testing.T) {
	for _, size := range [][2]int{{60, 16}, {80, 24}, {120, 40}, {200, 60}} {
		d := newDriver(t, size[0], size[1])
		d.press("e", "enter", "down")
		d.mustSee("gain of other choices")
		d.mustSee("[ ]")
		d.checkFits("explain")
		if size[1] >= 24 {
			d.mustSee("one block more")
		}
		d.press("space")
		row, ok := d.current()
		if !ok || row != d.sweepRow(d.explain.row) || d.focus != paneArchitecture {
			t.Errorf("cursor on %+v", row)
		}
		alt := d.alternatives()[0]
		for _, other := range d.alternatives() {
			if other.choice == 0 { // the first column is shown at every width
				alt = other
			}
		}
		gain := signed(alt.reducedCost, 2, glyphSets[d.glyphs])
		d.press("e")
		d.mustSee(gain)
	}
}

// newQuadraticDriver explores with a random quadratic predictor.
func newQuadraticDriver(t *testing.T) *driver {
	d := newDriver(t, 120, 40)
	s := d.setup
	n := s.Space.EncodingSize()
	q := &model.Quadratic{Inputs: n, Bias: 70, Linear: make([]float64, n), W: make([]float64, n*n)}
	for i := range q.Linear {
		q.Linear[i] = math.Sin(float64(i))
	}
	for i := range q.W {
		q.W[i] = 0.005 * math.Sin(float64(i)*1.7)
	}
	s.Predictor, s.PredictorName, s.PredictorInfo = q, "waves", model.CheckpointInfo{}
	d.run(d.rebuild(s, nil, nil))
	return d
}

// With a quadratic predictor the exact search answers, and says how far its
// proof is.
func TestQuadraticIsSearchedLive(t *testing.T) {
	d := newQuadraticDriver(t)
	if d.mode != modeIQCP || !d.hasSolution() || d.solution.LatencyMS > d.limitMS || d.solution.Bound < d.solution.Accuracy {
		t.Fatalf("mode %v, %+v: %s", d.mode, d.solution, d.message)
	}
	d.mustSee("gap")
	d.press("F")
	d.mustSee("no predictor was fitted since the start")
	// Better networks replace the one shown; an old question's do not.
	q, _ := d.searchNow()
	d.search = search{asked: q, running: true, cancel: func() {}}
	better := explore.Found{Finding: explore.Finding{Solution: d.solution}}
	better.Status, better.Accuracy, better.Bound = solver.Feasible, 71.5, 72.75
	d.App.searched(searchedMsg{question: q, found: better, more: func() tea.Msg { return nil }})
	d.mustSee("best so far, bound 72.75 %, gap 1.250 pt")
	old := q
	old.limitMS++
	worse := better
	worse.Accuracy = 12
	d.App.searched(searchedMsg{question: old, found: worse, more: func() tea.Msg { return nil }})
	d.press("X")
	d.mustSee("the best so far is kept")
	d.working++
	d.send(searchedMsg{question: q, found: better})
	if d.solution.Accuracy != 71.5 || d.search.running {
		t.Errorf("stopped with %+v", d.solution)
	}
	d.mustSee("feasible, bound 72.75 %")
}
