package tui

import (
	"fmt"
	"math"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// Every pane can be reached, zoomed and left by keys, and zoomed by the mouse,
// at every size.
func TestZoom(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 60}} {
		d := newDriver(t, size[0], size[1])
		for range d.panes.inOrder {
			d.press("tab", "z")
			if r := d.layout.panes[d.focus]; r.W != size[0] || len(d.layout.panes) != 1 {
				t.Fatalf("%v: %s zoomed is %+v, and others are shown", size, d.focus, r)
			}
			if d.press("esc"); d.zoomed || !d.layout.panes[d.focus].Shown() {
				t.Fatalf("%v: esc left %s zoomed %v, shown %v", size, d.focus, d.zoomed, d.layout.panes[d.focus].Shown())
			}
			mark := zoomMark(d.layout.panes[d.focus])
			d.send(tea.MouseClickMsg{X: mark.X + 1, Y: mark.Y, Button: tea.MouseLeft})
			if !d.zoomed {
				t.Fatalf("%v: a click on [+] did not zoom %s", size, d.focus)
			}
			mark = zoomMark(d.layout.panes[d.focus])
			d.send(tea.MouseClickMsg{X: mark.X + 1, Y: mark.Y, Button: tea.MouseLeft})
			if d.zoomed {
				t.Fatalf("%v: a click on [-] left %s zoomed", size, d.focus)
			}
		}
	}
}

// A pane that shares a slot stays there when one with its own place is focused.
func TestSharedSlot(t *testing.T) {
	d := newDriver(t, 200, 60)
	d.press("e", "A")
	if !d.layout.panes[paneExplain].Shown() || d.focus != paneArchitecture {
		t.Errorf("explanation shown %v, focus %v", d.layout.panes[paneExplain].Shown(), d.focus)
	}
	d.send(tea.WindowSizeMsg{Width: 120, Height: 40})
	if !d.layout.panes[paneExplain].Shown() {
		t.Error("the explanation went when the window became smaller")
	}
}

// Every pane without content says which key changes that.
func TestEmptyStatesSayWhatToDo(t *testing.T) {
	d := newDriver(t, 120, 40)
	for _, c := range []struct{ key, want string }{{"J", "m measures this machine"}, {"V", "C chooses a snapshot"}} {
		d.press(c.key)
		d.mustSee(c.want)
	}
	d.frontier = nil
	d.press("W")
	d.mustSee("computing the frontier")
}

// What the strip chart says at a column is what the search answers there.
func TestTheSweepIsTheFrontier(t *testing.T) {
	d := newDriver(t, 200, 60)
	d.press("W", "z")
	d.lines()
	st := d.panes.of(paneSweep).(*sweepPane).strip
	for c := 0; c < st.w; c += 7 {
		var s solver.Solution
		d.engine.Optimum(&s, d.columnLimit(c, st.w))
		for row := range d.numDecisions() {
			if got, want := st.codes[row*st.w+c], d.decision(row).code(d.space(), s.Path); got != want {
				t.Fatalf("%v ms, %s: shown %c, the optimum has %c", d.columnLimit(c, st.w), d.decision(row).label(d.space()), got, want)
			}
		}
	}
	codes := map[byte]model.Option{}
	for i, o := range d.space().Options {
		code := optionCode(d.space(), i)
		if other, taken := codes[code]; taken || code == codeOff {
			t.Errorf("%v and %v are both %c", o, other, code)
		}
		codes[code] = o
	}
}

func TestClickOnTheSweepMovesTheBudget(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.press("W")
	area, _ := sweepArea(d.layout.panes[paneSweep].Inside())
	d.send(tea.MouseClickMsg{X: area.X + 10, Y: area.Y + 3, Button: tea.MouseLeft})
	if d.limitMS != d.columnLimit(10, area.W) || d.panes.of(paneSweep).info().row == 0 {
		t.Errorf("limit %v ms, want %v; row %d", d.limitMS, d.columnLimit(10, area.W), d.panes.of(paneSweep).info().row)
	}
}

// Playing goes from left to right, one step a tick, and ends at the end; a move
// by hand ends it too.
func TestPlay(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.press("end", "w")
	if d.limitMS != d.engine.MinLatencyMS() {
		t.Fatalf("playing began at %v ms", d.limitMS)
	}
	last, said := d.limitMS, 0
	for steps := 0; d.play.on; steps++ {
		d.send(playMsg{d.play.generation})
		if !(d.limitMS > last) || steps > d.steps() {
			t.Fatalf("step %d went from %v to %v ms", steps, last, d.limitMS)
		}
		last = d.limitMS
		if strings.Contains(d.message, " to ") {
			said++
		}
	}
	if last != d.engine.MaxLatencyMS() || said < 5 {
		t.Errorf("ended at %v ms after telling %d changes", last, said)
	}
	d.press("w", "+", "+", "left")
	at := d.limitMS
	if d.send(playMsg{d.play.generation}); d.play.on || d.limitMS != at {
		t.Error("a move by hand did not stop it")
	}
	d.press("w", "w")
	if d.play.on {
		t.Error("w did not stop it")
	}
}

// What the Why pane says a pin would cost is what it costs, and the message and
// the status line say so.
func TestWhatIf(t *testing.T) {
	d := newDriver(t, 200, 60)
	d.press("down", "down") // block 1.1
	before := d.solution.Accuracy
	if len(d.alternatives()) != d.space().NumOptions()-1 {
		t.Fatalf("%d alternatives", len(d.alternatives()))
	}
	next := (d.solution.Path.Option[1] + 1) % d.space().NumOptions()
	predicted, ok := d.whatIfCost(next)
	if !ok {
		t.Fatal("the cost of pinning is not known")
	}
	d.press("n")
	if got := before - d.solution.Accuracy; math.Abs(got-predicted) > 1e-9 || d.solution.Path.Option[1] != next {
		t.Errorf("pinning cost %v points, %v was predicted; option %d", got, predicted, d.solution.Path.Option[1])
	}
	d.mustSee(fmt.Sprintf("%s → %s %%", cell.Number(before, 2), cell.Number(d.solution.Accuracy, 2)))
	d.mustSee("pins cost " + cell.Number(predicted, 2) + " pt")
	d.press("b")
	if math.Abs(d.solution.Accuracy-before) > 1e-9 {
		t.Errorf("back at the optimum's option accuracy is %v, was %v", d.solution.Accuracy, before)
	}
	d.press("up", "up", "n")
	if d.setup.Pins.Depth[0] == 0 {
		t.Error("n on a stage pinned no depth")
	}
	d.press("u", "u", "u")
	if d.pinCount() != 0 || d.solution.Accuracy != before {
		t.Errorf("undone: %d pins, accuracy %v", d.pinCount(), d.solution.Accuracy)
	}
}

func TestCompareWithPublishedAndSnapshots(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.press("a", "enter", "end", "C", "down", "enter") // the snapshot just taken
	if d.compare == nil || d.compare.name != "5.00 ms" || d.compare.latencyMS > 5 {
		t.Fatalf("compared with %+v", d.compare)
	}
	d.mustSee("Compare with 5.00 ms")
	d.press("C", "/")
	for _, c := range "BINAS C" {
		d.send(tea.KeyPressMsg{Code: c, Text: string(c)})
	}
	d.press("enter")
	if d.compare == nil || d.compare.name != "BINAS C" {
		t.Fatalf("compared with %+v", d.compare)
	}
	path, _ := d.space().Path(d.published[5].network.Architecture)
	if d.compare.latencyMS != d.engine.LatencyMS(path) {
		t.Errorf("%v ms, BINAS C takes %v", d.compare.latencyMS, d.engine.LatencyMS(path))
	}
	// The differences add up to the difference of the latencies.
	sum := 0.0
	for _, x := range d.differences() {
		sum += x.latencyMS
	}
	if want := d.solution.LatencyMS - d.compare.latencyMS; math.Abs(sum-want) > 1e-6 {
		t.Errorf("the differences add up to %v ms, the networks differ by %v", sum, want)
	}
	d.press("c")
	if d.compare != nil {
		t.Error("c did not stop comparing")
	}
}

// Compared with another device, the best of its networks that keep the budget
// here is never better than the optimum here.
func TestCompareWithAnotherDevice(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.run(d.compareWithDevice("ort-cpu-224-2t"))
	if d.compare == nil || d.compare.candidates == nil {
		t.Fatalf("compared with %+v, message %q", d.compare, d.message)
	}
	for range 12 {
		if c := d.compare; !c.empty() && (c.latencyMS > d.limitMS || c.accuracy > d.solution.Accuracy+1e-9) {
			t.Errorf("at %v ms: %v ms, %v %% against %v %%", d.limitMS, c.latencyMS, c.accuracy, d.solution.Accuracy)
		}
		d.press("shift+right")
	}
	d.press("home")
	d.lines() // where none keeps the budget
}

// The pane with the focus is shown on a screen of any size: after the start, where
// it is that of the last one, and when the screen changes.
func TestTheFocusedPaneIsShown(t *testing.T) {
	d := newDriver(t, 80, 24)
	for _, id := range d.paneIDs() {
		again := newApp(t.Context(), d.engine, Options{State: State{Pane: id}})
		again.resize(120, 40)
		if !again.layout.panes[id].Shown() {
			t.Errorf("started with %s, which is not shown", id)
		}
		d.send(tea.WindowSizeMsg{Width: 80, Height: 24})
		d.setFocus(id)
		for _, size := range [][2]int{{120, 40}, {200, 60}, {103, 30}, {60, 16}, {120, 40}} {
			d.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			if !d.layout.panes[id].Shown() {
				t.Errorf("%s is not shown at %v", id, size)
			}
		}
	}
}

// Where the table of choices has not room for every option, the one chosen in the
// line under the cursor is among those shown.
func TestTheChosenOptionIsInSight(t *testing.T) {
	d := newDriver(t, 60, 16)
	d.press("end", "e")
	for row := range d.numDecisions() {
		d.panes.of(paneExplain).info().row = row
		block := d.decision(row).block
		if block < 0 || !d.space().Active(d.solution.Path, block) {
			continue
		}
		label := d.decision(row).label(d.space())
		line := ""
		for _, l := range d.lines() {
			if line == "" && strings.Contains(l, " "+label+" ") {
				line = l
			}
		}
		if !strings.Contains(line, "[ ]") {
			t.Fatalf("%s shows no choice: %q\n%s", label, line, strings.Join(d.lines(), "\n"))
		}
	}
}

// In the heat maps of every theme two options look different: by colour and mark, or by
// their letter.
func TestHeatMapsTellOptionsApart(t *testing.T) {
	d := newDriver(t, 120, 40)
	for _, theme := range cell.Themes {
		for _, g := range cell.GlyphSets {
			seen := map[string]string{}
			for code := range map[byte]bool{'.': true, '2': true, '3': true, '4': true, 'a': true, 'b': true, 'c': true, 'x': true, 'y': true, 'z': true,
				'A': true, 'B': true, 'C': true, 'X': true, 'Y': true, 'Z': true} {
				st, content := heatCell(theme, g, code)
				look := fmt.Sprint(st.Bg, content)
				if other, taken := seen[look]; taken {
					t.Errorf("%s, %s: %s and %c look alike: %s", theme.Name, g.Name, other, code, look)
				}
				seen[look] = string(code)
				if lettered := content == letters[code]; !heated(theme, g) && !lettered {
					t.Errorf("%s, %s: %c is %q", theme.Name, g.Name, code, content)
				}
			}
		}
	}
	for theme, want := range map[string]string{"dark": "with SE, blank is off", "16-colour": "CAPITAL with se  . off"} { // its letters
		d.App.theme = themeIndex(theme)
		for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 60}} {
			d.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			d.setFocus(paneSweep)
			if theme == "16-colour" && size[0] < 100 {
				want = "CAPS se"
			}
			if !d.sees(want) && !d.sees("CAPITAL with se") {
				t.Errorf("%s, %v: no legend", theme, size)
			}
		}
	}
}

// The cell under the pointer is said in words, that under the cursor where there is none.
func TestHeatMapsAreRead(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.press("W", "z", "down", "down")
	d.mustSee("1.1 at 5.00 ms: " + optionWords(decision{0, 1}.of(d.space(), d.solution.Path)))
	area, _ := sweepArea(d.inside(paneSweep))
	limit := d.columnLimit(70, area.W)
	var s solver.Solution
	d.engine.Optimum(&s, limit)
	d.send(tea.MouseMotionMsg{X: area.X + 70, Y: area.Y + 11}) // 3.0
	d.mustSee("3.0 at " + d.ms(limit) + " ms: " + optionWords(decision{2, 8}.of(d.space(), s.Path)) + ". Over all: ")
	d.press("e")
	p := d.panes.of(paneExplain).(*explainPane)
	rows := p.rows(d.App, d.inside(paneExplain))
	d.press("home")
	for _, c := range d.detail.sensitivity.Options[:3] {
		row := 1 + c.Block // of stage 1
		d.send(tea.MouseMotionMsg{X: rows.At.X + choiceLabel + c.Option*choiceColumn + 2, Y: rows.At.Y + row})
		d.mustSee(optionWords(d.space().Options[c.Option].String()) + ": " + cell.Signed(net(c.Change), 3, d.glyphSet()) + " pt")
	}
}
