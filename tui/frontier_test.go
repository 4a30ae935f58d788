package tui

import (
	"fmt"
	"math"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/tui/cell"
)

// plotOf is the plot as it is drawn, and where.
func (d *driver) plotOf() (*cell.Plot, cell.Rect) {
	area := plotArea(d.inside(paneFrontier))
	return d.panes.frontier.plot(d.App, area, d.glyphSet()), area
}

// cellOf is the cell of the screen at a point of the plot.
func (d *driver) cellOf(ms, accuracy float64) (x, y int) {
	plot, area := d.plotOf()
	return area.X + plot.Column(ms)/plot.Cols, area.Y + plot.Row(accuracy)/plot.Rows
}

// A published network is named where the pointer or the hairline is on it, with
// what the frontier has more at its latency; elsewhere the frontier itself is read.
func TestThePlotIsRead(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 60}} {
		d := newDriver(t, size[0], size[1])
		q := d.published[len(d.published)-1]
		best := d.frontier.Points[d.frontier.At(q.latencyMS)].Accuracy
		want := fmt.Sprintf("+%.2f over %s at its %s ms", best-q.network.Top1, q.network.Name, d.ms(q.latencyMS))
		x, y := d.cellOf(q.latencyMS, q.network.Top1)
		d.send(tea.MouseMotionMsg{X: x, Y: y})
		d.mustSee(want)
		d.send(tea.MouseMotionMsg{X: x, Y: y + 3})
		if d.sees(want) {
			t.Errorf("%v: named three lines below", size)
		}
		d.mustSee(" pt for +")
		d.send(tea.MouseMotionMsg{X: 0, Y: 0})
		d.mustSee("chosen")
		d.setFocus(paneFrontier)
		for range d.steps() { // over all of the frontier
			if d.press("up"); d.sees(want) {
				break
			}
		}
		d.mustSee(want)
	}
}

// Keys and wheel show a part of the plot, which follows the budget and in which
// steps are smaller; dragging moves it, a click in it moves the budget, and all is
// shown again.
func TestZoomOfThePlot(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.press("v", "7", "enter")
	p := d.panes.frontier
	all := d.steps()
	d.press("x")
	if x0, x1 := p.span(d.App); math.Abs(x0-6) > 1e-9 || math.Abs(x1-8) > 1e-9 {
		t.Fatalf("around 7 ms %v to %v ms are shown", x0, x1)
	}
	if d.steps() < 4*all {
		t.Errorf("%d steps, %d where all is shown", d.steps(), all)
	}
	for range 60 {
		d.press("shift+right")
		if x0, x1 := p.span(d.App); d.limitMS < x0 || d.limitMS > x1 {
			t.Fatalf("the budget of %v ms is not in the window from %v to %v", d.limitMS, x0, x1)
		}
	}
	_, area := d.plotOf()
	mouse := func(x int) tea.Mouse { return tea.Mouse{X: area.X + x, Y: area.Y + 4, Button: tea.MouseLeft} }
	x0, _ := p.span(d.App)
	limit := d.limitMS
	d.send(tea.MouseClickMsg(mouse(10)))
	d.send(tea.MouseMotionMsg(mouse(20)))
	d.send(tea.MouseReleaseMsg(mouse(20)))
	if to, _ := p.span(d.App); !(to < x0) || d.limitMS != limit {
		t.Errorf("dragged to the right, the window begins at %v ms, before at %v; budget %v, before %v", to, x0, d.limitMS, limit)
	}
	from, to := p.span(d.App)
	d.send(tea.MouseClickMsg(mouse(10)))
	d.send(tea.MouseReleaseMsg(mouse(10)))
	if at := from + (to-from)*10.5/float64(area.W); math.Abs(d.limitMS-at) > (to-from)/1000 || len(d.ms(at)) < len(fmt.Sprint(d.limitMS))-2 {
		t.Errorf("clicked in the window from %v to %v ms: budget %v ms", from, to, d.limitMS)
	}
	if d.press("x"); d.steps() != all || p.halfMS != 0 {
		t.Error("not all is shown again")
	}
	at := d.engine.MinLatencyMS() + (d.engine.MaxLatencyMS()-d.engine.MinLatencyMS())*20.5/float64(area.W)
	for range 4 {
		d.send(tea.MouseWheelMsg{X: area.X + 20, Y: area.Y + 4, Button: tea.MouseWheelUp})
	}
	from, to = p.span(d.App)
	if under := from + (to-from)*20.5/float64(area.W); math.Abs(under-at) > 1e-9 || to-from > 5 {
		t.Errorf("after the wheel %v ms is under the pointer, before %v; window of %v ms", under, at, to-from)
	}
	d.press("<", ">", "(", "(", "(", "(", "(")
	if p.halfMS != 0 {
		t.Error("out of the window all is shown")
	}
}

// What the plot is made of: filled under the frontier within the budget, every cell
// beyond it tinted, a solid line between, the error around the frontier where there
// is room, and gaps where the predictor extrapolates. Both axes have units and ticks.
func TestWhatThePlotShows(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 60}} {
		d := newDriver(t, size[0], size[1])
		d.press("v", "8", "enter")
		at := func(x, y int) (content string, bg any) {
			c := d.screen.Canvas.CellAt(x, y)
			return c.Content, c.Style.Bg
		}
		lines := d.lines()
		theme := cell.Themes[d.App.theme]
		plot, area := d.plotOf()
		budget := plot.Column(8) / plot.Cols
		gaps, filled := 0, 0
		for x := range area.W {
			for y := range area.H {
				content, bg := at(area.X+x, area.Y+y)
				switch {
				case x == budget && content != d.glyphSet().Border.Left && content != d.glyphSet().Chosen:
					t.Fatalf("%v: %q on the budget line", size, content)
				case x > budget && bg != theme.Beyond.Bg && bg != theme.Dim.Fg: // that of the foot of the frontier
					t.Fatalf("%v: %q beyond the budget on %v", size, content, bg)
				case x < budget && bg == theme.Area.Bg:
					filled++
				}
			}
			ms := plot.XAt(float64((x + 1) * plot.Cols))
			top := area.Y + plot.Row(d.frontierAt(ms))/plot.Rows
			content, _ := at(area.X+x, top)
			above, _ := at(area.X+x, top-1)
			if x > budget && content == " " && above == " " && top > area.Y {
				gaps++
				if !d.engine.PredictorInfo.Extrapolates(d.frontierAt(ms)) {
					t.Errorf("%v: a gap at %v ms, where nothing is extrapolated", size, ms)
				}
			}
		}
		if gaps < 3 || filled < area.H {
			t.Errorf("%v: %d gaps where it is extrapolated, %d cells filled", size, gaps, filled)
		}
		ticks := 0
		for y := area.Y; y < area.Y+area.H; y++ {
			if label := strings.TrimSpace(string([]rune(lines[y])[area.X-7 : area.X-1])); label != "" {
				ticks++
			}
		}
		values := strings.Fields(string([]rune(lines[area.Y+area.H+1])[area.X : area.X+area.W]))
		if ticks < 3 || len(values) < 5 || values[len(values)-1] != "ms" || !strings.Contains(strings.Join(lines, "\n"), "79 %") {
			t.Errorf("%v: %d ticks of accuracy, of latency %q", size, ticks, values)
		}
		d.press("x", "x", "x")
		d.lines()
		band := 0
		for x := range budget {
			for y := range area.H {
				if _, bg := at(area.X+x, area.Y+y); bg == theme.Band.Bg {
					band++
				}
			}
		}
		if band < budget/2 {
			t.Errorf("%v: %d cells of the error around the frontier", size, band)
		}
	}
}

// Kept networks, and the best of another device, are laid over the frontier.
func TestOverlaysOfThePlot(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.press("6", "enter", "a", "enter", "end")
	d.setFocus(paneFrontier)
	x, y := d.cellOf(d.snapshots[0].solution.LatencyMS, d.snapshots[0].solution.Accuracy)
	d.lines()
	if c := d.screen.Canvas.CellAt(x, y); c.Content != "1" {
		t.Errorf("the kept network is %q", c.Content)
	}
	before := strings.Join(d.lines(), "\n")
	d.run(d.compareWithDevice("ort-cpu-224-2t"))
	d.setFocus(paneFrontier)
	d.mustSee("best for ort-cpu-224-2t")
	dots := func(s string) (n int) {
		for _, r := range s {
			if r > 0x2800 && r <= 0x28ff {
				n++
			}
		}
		return n
	}
	if n := dots(strings.Join(d.lines(), "\n")) - dots(before); n < 10 {
		t.Errorf("%d cells of the other device's best", n)
	}
}
