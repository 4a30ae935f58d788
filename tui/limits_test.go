package tui

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// typeIn answers an entry.
func (d *driver) typeIn(text string) {
	d.Helper()
	e, ok := d.dialog.(*entry)
	if !ok {
		d.Fatalf("no entry is open: %T", d.dialog)
	}
	e.Input.SetValue(text)
	d.press("enter")
}

// A limit added from its pane is kept by the network shown at every budget; it
// is changed, removed and undone.
func TestLimits(t *testing.T) {
	sizes := [][2]int{{80, 24}, {120, 40}, {200, 60}}
	if testing.Short() { // under the race detector a frontier takes seconds
		sizes = sizes[:1]
	}
	for _, size := range sizes {
		d := newDriver(t, size[0], size[1])
		d.still = true // what pins would cost is another test
		free := d.solution.Accuracy
		d.press("B", "n", "enter")
		d.typeIn("4M")
		if len(d.engine.Limits) != 1 || !d.limited() {
			t.Fatalf("limits %+v: %s", d.engine.Limits, d.message)
		}
		for range 10 {
			cost, err := d.space().Architecture(d.solution.Path).Cost(d.space().ImageSize, d.engine.NumClasses())
			if err != nil || cost.Params > 4e6 || d.solution.LatencyMS > d.limitMS || !d.hasSolution() {
				t.Fatalf("at %v ms the network has %d parameters and takes %v ms: %v", d.limitMS, cost.Params, d.solution.LatencyMS, err)
			}
			d.press("right", "right", "right")
		}
		d.mustSee("optimal, params binds")
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
	d.press("esc", "esc") // to the menu, and out of it
	d.run(d.loadLimitTable("no-such-device"))
	d.mustSee("no such file")
	d.run(d.loadLimitTable(d.engine.LUTName))
	d.typeIn("4ms")
	if n := len(d.setup.Limits); n != 2 || d.setup.Limits[1].Name() != "latency on "+d.engine.LUTName {
		t.Errorf("%d limits: %+v", n, d.setup.Limits)
	}
	if !strings.Contains(d.commandLine(), "--max-params 1k --limit-on "+d.engine.LUTName+"=4ms") {
		t.Errorf("command line: %s", d.commandLine())
	}
}

// The best networks begin with the optimum and each differs from it.
func TestBestNetworks(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.press("t")
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
		d.press("e", "z", "down")
		d.mustSee("gain of other choices")
		d.mustSee("[ ]")
		d.checkFits("explain")
		if size[1] >= 24 {
			d.mustSee("one block more")
		}
		d.press("space")
		row, ok := d.current()
		if !ok || row != d.decision(d.panes.of(paneExplain).info().row) || d.focus != paneArchitecture {
			t.Errorf("cursor on %+v", row)
		}
		alt := d.alternatives()[0]
		for _, other := range d.alternatives() {
			if other.choice == 0 { // the first column is shown at every width
				alt = other
			}
		}
		gain := cell.Signed(alt.ReducedCost, 2, cell.GlyphSets[d.glyphs])
		d.press("e")
		d.mustSee(gain)
	}
}

// addLimits sets limits as their pane does.
func (d *driver) addLimits(limits ...explore.Limit) {
	d.Helper()
	for _, l := range limits {
		d.run(d.askCap(l, "", ""))
		d.typeIn(l.CapText())
	}
	if len(d.engine.Limits) != len(limits) {
		d.Fatalf("%d limits of %d: %s", len(d.engine.Limits), len(limits), d.message)
	}
}

// twoLimits are limits that bind beside the budget of 6 ms.
func twoLimits(t *testing.T) []explore.Limit {
	t.Helper()
	lut, err := explore.LoadLUT("ort-cpu-224-2t")
	if err != nil {
		t.Fatal(err)
	}
	return []explore.Limit{{Kind: explore.LimitParams, Cap: 4.2e6}, {Cap: 6.5, LUT: lut, LUTName: "ort-cpu-224-2t"}}
}

// Under several limits the frontier, the sweep and the play are those of the
// networks that keep them.
func TestFrontierUnderSeveralLimits(t *testing.T) {
	d := newDriver(t, 200, 60)
	whole := d.frontier
	d.addLimits(twoLimits(t)...)
	if d.frontier == whole || d.coming || len(d.frontier.Points) < 50 {
		t.Fatalf("coming %v, the same frontier %v", d.coming, d.frontier == whole)
	}
	d.mustSee("params ≤ 4.2M, latency on ort-cpu-224-2t ≤ 6.5ms")
	for range 25 {
		at := d.frontier.At(d.limitMS)
		if p := d.frontier.Points[at]; p.Accuracy != d.solution.Accuracy || p.LatencyMS != d.solution.LatencyMS || d.solution.Status != solver.Optimal {
			t.Fatalf("at %v ms: %+v, the frontier has %+v", d.limitMS, d.solution, p)
		}
		d.press("right")
	}
	d.press("W")
	var path model.Path
	strip := d.panes.of(paneSweep).(*sweepPane).strip
	d.frontier.Path(&path, d.frontier.At(d.columnLimit(3, strip.w)))
	for row := range d.numDecisions() {
		if got, want := strip.codes[row*strip.w+3], d.decision(row).code(d.space(), path); got != want {
			t.Errorf("row %d of the sweep is %c, want %c", row, got, want)
		}
	}
	d.press("home", ".", ".")
	if d.limitMS != d.frontier.Points[2].LatencyMS || d.solution.Accuracy != d.frontier.Points[2].Accuracy {
		t.Errorf("two networks further: %v ms", d.limitMS)
	}
	// Played, it says what changes.
	d.press("w")
	told := 0
	for range 40 {
		before := d.solution.Path.Clone()
		d.message = ""
		d.send(playMsg{d.play.generation})
		want := changesText(d.space(), before, d.solution.Path)
		if want != "" && !strings.Contains(d.message, want) {
			t.Errorf("at %v ms it says %q, %q changed", d.limitMS, d.message, want)
		}
		if want != "" {
			told++
		}
	}
	if told < 5 {
		t.Errorf("%d changes", told)
	}
}

// A frontier that is being computed is shown as far as it is known, and one of an
// older setup is not.
func TestFrontierComesInParts(t *testing.T) {
	d := newDriver(t, 120, 40)
	whole := d.frontier
	part := &solver.Frontier{Points: whole.Points[:10]}
	d.working++
	d.App.frontierComes(frontierMsg{generation: d.generation, frontier: part, more: func() tea.Msg { return nil }})
	d.mustSee("(10 so far)")
	at := d.limitMS
	if d.press("."); d.limitMS != at {
		t.Error("stepped along a frontier that is not all there")
	}
	d.mustSee("still being computed")
	if _, err := d.writeReport("r.md"); err == nil {
		t.Error("a report of a part")
	}
	d.App.frontierComes(frontierMsg{generation: d.generation - 1, frontier: &solver.Frontier{}, more: func() tea.Msg { return nil }})
	if d.frontier != part {
		t.Error("an older frontier was taken")
	}
	d.App.frontierComes(frontierMsg{generation: d.generation, frontier: whole})
	if d.sees("so far") || d.frontier != whole || d.working != 0 {
		t.Errorf("%d jobs left", d.working)
	}
}

// Under several limits pinning costs what the Why pane says, and the limits
// charge every choice what they say.
func TestPinsUnderSeveralLimits(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.run(d.setLimit(9))
	d.addLimits(twoLimits(t)...)
	d.press("down", "down")
	row, _ := d.current()
	before := d.solution.Accuracy
	alts := d.alternatives()
	charged := false
	for i, alt := range alts {
		net := alt.Accuracy
		for k, l := range d.limitRows() {
			net -= l.Charge(alt.Uses[k])
			charged = charged || k > 0 && l.Charge(alt.Uses[k]) > 0
		}
		if math.Abs(net-alt.ReducedCost) > 1e-9 {
			t.Errorf("alternative %d: net %v, want %v", i, alt.ReducedCost, net)
		}
	}
	if !charged {
		t.Error("no limit beside the budget charges anything")
	}
	d.mustSee("pays params")
	next := (d.solution.Path.Option[row.block] + 1) % d.space().NumOptions()
	predicted, ok := d.whatIfCost(next)
	if !ok {
		t.Fatal("the cost of pinning is not known")
	}
	d.press("n")
	if got := before - d.solution.Accuracy; math.Abs(got-predicted) > 1e-9 || d.solution.Path.Option[row.block] != next {
		t.Errorf("pinning cost %v points, %v was predicted", got, predicted)
	}
	d.mustSee(cell.Number(before, 2) + " → " + cell.Number(d.solution.Accuracy, 2))
	d.mustSee("pins cost " + cell.Number(predicted, 2) + " pt")
	d.press("e")
	d.mustSee("net of params +")
	d.press("u")
	if d.pinCount() != 0 || math.Abs(d.solution.Accuracy-before) > 1e-9 || len(d.engine.Limits) != 2 {
		t.Errorf("undone: %d pins, accuracy %v, %d limits", d.pinCount(), d.solution.Accuracy, len(d.engine.Limits))
	}
	// Pins that leave nothing: it is they, not the limits, that are named.
	d.run(d.setLimit(d.engine.MinLatencyMS()))
	d.run(d.setLimits([]explore.Limit{{Kind: explore.LimitParams, Cap: 3.3e6}}, "small"))
	if !d.hasSolution() {
		t.Fatal(d.search.none)
	}
	p := d.setup.PinsToChange()
	for s := range p.Depth {
		p.Depth[s] = 4
	}
	d.run(d.setPins(p, "deep"))
	if d.hasSolution() {
		t.Fatalf("%+v", d.solution)
	}
	d.mustSee("with these pins no network fits the limit on params")
	d.press("ctrl+u")
	if !d.hasSolution() {
		t.Error("freed, there is no network")
	}
}

// What is copied has the limits in it.
func TestCopyUnderSeveralLimits(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.run(d.setLimit(6))
	d.addLimits(twoLimits(t)...)
	d.press("Y", "down", "enter")
	var r explore.SearchReport
	if err := json.Unmarshal([]byte(d.clipboard), &r); err != nil {
		t.Fatal(err)
	}
	f, err := d.engine.Search(t.Context(), explore.Request{LimitMS: d.limitMS})
	if err != nil {
		t.Fatal(err)
	}
	want := explore.NewReport(d.engine, f)
	if r.SolveSeconds = want.SolveSeconds; !reflect.DeepEqual(r.Limits, want.Limits) || *r.Architecture != *want.Architecture || len(r.Limits) != 3 {
		t.Errorf("copied %+v, search --json has %+v", r, want)
	}
	d.press("Y", "down", "down", "enter")
	if want := "--max-params 4.2M --limit-on ort-cpu-224-2t=6.5ms"; !strings.Contains(d.clipboard, want) {
		t.Errorf("%q: want %q", d.clipboard, want)
	}
	// A search that has not answered proves nothing.
	_, cmd := d.App.Update(keyPress("right"))
	if d.solution.Status != solver.Feasible || !math.IsInf(d.solution.Bound, 1) {
		t.Errorf("%v, bound %v, before the search has answered", d.solution.Status, d.solution.Bound)
	}
	d.run(cmd)
	if d.solution.Status != solver.Optimal {
		t.Errorf("%+v", d.solution)
	}
}

// Limits that come and go faster than they are prepared, undone and done again,
// and another table that cannot be read.
func TestLimitsBeforeTheEngineFollows(t *testing.T) {
	if testing.Short() {
		t.Skip("computes many frontiers")
	}
	d := newDriver(t, 120, 40)
	d.addLimits(append(twoLimits(t), explore.Limit{Kind: explore.LimitMemory, Cap: 4e6})...)
	d.press("B", "down", "down", "down")
	var late []tea.Cmd
	for range 4 { // the last is the budget, which stays
		_, cmd := d.App.Update(keyPress("x"))
		late = append(late, cmd)
		d.lines()
	}
	for _, cmd := range late {
		d.run(cmd)
	}
	if len(d.engine.Limits) != 0 || d.solution.Status != solver.Optimal {
		t.Errorf("%d limits left: %+v", len(d.engine.Limits), d.solution)
	}
	d.press("u", "u", "u")
	if len(d.engine.Limits) != 3 || d.solution.Status != solver.Optimal || d.limitRows()[1].Used > 4.2e6 {
		t.Errorf("undone: %d limits, %+v", len(d.engine.Limits), d.solution)
	}
	d.press("ctrl+r", "u")
	if len(d.engine.Limits) != 3 {
		t.Errorf("redone and undone: %d limits", len(d.engine.Limits))
	}
	d.run(d.openSetup("", "/no/such/table.pkl", ""))
	d.press("right", "right")
	if d.solution.Status != solver.Optimal || !d.searchCurrent() {
		t.Errorf("after a table that cannot be read: %+v", d.solution)
	}
	// Removed while a search runs: its answer is not taken for the new setup's.
	_, search := d.App.Update(keyPress("right"))
	_, removed := d.App.Update(keyPress("x"))
	d.run(removed)
	d.run(search)
	if want := 3 - 1; len(d.engine.Limits) != want && d.panes.limits.row != 0 || d.solution.Status != solver.Optimal || d.working != 0 {
		t.Errorf("%d limits, %+v, %d jobs left", len(d.engine.Limits), d.solution, d.working)
	}
}

// The state of one start brings the limits back in the next.
func TestLimitsAreRestored(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.addLimits(twoLimits(t)...)
	data, err := json.Marshal(d.state())
	if err != nil {
		t.Fatal(err)
	}
	var s State
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	setup, err := explore.Load("", "", "")
	if err != nil {
		t.Fatal(err)
	}
	again := setup
	if notes := s.RestoreLimits(&again); notes != nil || again.LimitsText() != d.engine.LimitsText() {
		t.Errorf("restored %q, want %q: %q", again.LimitsText(), d.engine.LimitsText(), notes)
	}
	other := setup
	other.LUTName = "another"
	if notes := s.RestoreLimits(&other); notes != nil || other.Limits != nil {
		t.Errorf("%q on another table: %q", other.LimitsText(), notes)
	}
	s.Limits = append(s.Limits, StateLimit{Cap: 3, LUT: "gone.json"})
	again = setup
	if notes := s.RestoreLimits(&again); len(notes) != 1 || !strings.Contains(notes[0], "gone.json") || len(again.Limits) != 2 {
		t.Errorf("%d limits, %q", len(again.Limits), notes)
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
	d.mustSee("no predictor of a run was found")
	// Better networks replace the one shown; an old question's do not.
	q, _ := d.searchNow()
	d.search = search{asked: q, running: true, cancel: func() {}}
	better := explore.SearchResult{Solution: d.solution}
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

// Where another limit binds from some budget on, the slider and the status say so,
// and the end of the budget is there.
func TestTheSliderTellsWhereAnotherLimitBinds(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		d := newDriver(t, size[0], size[1])
		s := d.setup
		s.Limits = []explore.Limit{{Kind: explore.LimitParams, Cap: 4e6}}
		d.run(d.rebuild(s, nil, nil))
		end := d.frontier.Points[len(d.frontier.Points)-1].LatencyMS
		if d.flatMS() != end || end >= d.engine.MaxLatencyMS() {
			t.Fatalf("nothing improves from %v ms on, the frontier ends at %v", d.flatMS(), end)
		}
		d.press("end")
		best := d.solution.Accuracy
		if d.limitMS != end || d.sees(" ms more: ") || d.sees("pt/ms  optimal") {
			t.Errorf("limit %v ms, expected %v", d.limitMS, end)
		}
		d.mustSee("params binds")
		if !strings.Contains(d.lines()[d.layout.track.Y], "●···") {
			t.Errorf("the slider is %q", d.lines()[d.layout.track.Y])
		}
		if d.press("shift+right"); d.limitMS <= end || d.solution.Accuracy != best {
			t.Errorf("beyond: limit %v ms, accuracy %v, was %v", d.limitMS, d.solution.Accuracy, best)
		}
		d.press("home")
		if d.sees("params binds") {
			t.Error("params bind at the least latency")
		}
	}
}
