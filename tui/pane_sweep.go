package tui

import (
	"fmt"
	"sort"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// sweepPane is a heat map: every decision of every network of the frontier at a
// glance. A row is a decision, a column a budget.
type sweepPane struct {
	card
	strip   strip      // that was prepared
	pointer cell.Point // the mouse is there, in cells of the chart; outside it nowhere
}

func newSweepPane() *sweepPane {
	return &sweepPane{card: card{id: paneSweep, name: "Sweep", short: "sweep", question: "over all budgets, which decision switches where?",
		key: "W", help: "go to the sweep: every decision over all budgets"}, pointer: cell.Nowhere}
}

func (p *sweepPane) keys() []action {
	return []action{{"sweep-go", []string{"enter", "space"}, "Sweep", "go to the decision of this row in the architecture", "go here",
		func(a *App) tea.Cmd { return a.goToDecision(a.decision(p.row)) }}}
}

func (p *sweepPane) title(a *App) string {
	if a.play.on {
		return p.name + ", playing at speed " + fmt.Sprint(a.play.speed+1) + a.frontierLimits()
	}
	return p.name + a.frontierLimits()
}

// strip is the chart for one frontier and one width.
type strip struct {
	frontier *solver.Frontier
	w        int
	codes    []byte // [decision][column]; ' ' where nothing fits
}

// chart is the chart to show: the one that was prepared, if it is still that.
func (p *sweepPane) chart(a *App, w int) strip {
	if p.strip.frontier == a.frontier && p.strip.w == w {
		return p.strip
	}
	return a.newStrip(w)
}

func (p *sweepPane) prepare(a *App, r cell.Rect) {
	if area, _ := sweepArea(r); a.frontier != nil && area.W > 0 {
		p.strip = p.chart(a, area.W)
	}
}

// newStrip reads the networks of a frontier off at w budgets.
func (a *App) newStrip(w int) strip {
	st := strip{a.frontier, w, []byte(strings.Repeat(" ", w*a.numDecisions()))}
	codes := make([]byte, len(a.space().Options))
	for o := range codes {
		codes[o] = optionCode(a.space(), o)
	}
	var path model.Path
	last := -1
	for c := range w {
		i := a.frontier.At(a.columnLimit(c, w))
		if i < 0 {
			continue
		}
		if i != last {
			a.frontier.Path(&path, i)
			last = i
		}
		for row := range a.numDecisions() {
			d := a.decision(row)
			code := byte(codeOff)
			if d.block < 0 {
				code = byte('0' + path.Depth[d.stage])
			} else if a.space().Active(path, d.block) {
				code = codes[path.Option[d.block]]
			}
			st.codes[row*w+c] = code
		}
	}
	return st
}

// columnLimit is the budget at the right end of a column of the chart.
func (a *App) columnLimit(column, w int) float64 {
	lo, hi := a.engine.MinLatencyMS(), a.engine.MaxLatencyMS()
	return lo + (hi-lo)*float64(column+1)/float64(w)
}

// sweepArea is the part of the pane that holds the letters, and how many lines
// below it there is room for.
func sweepArea(r cell.Rect) (area cell.Rect, below int) {
	const label = 9
	below = 4 // axis, ticks, readout, legend
	if r.H < 14 {
		below = 3
	}
	return cell.At(r.X+label, r.Y+1, max(0, r.W-label-1), max(0, r.H-1-below)), below
}

func (p *sweepPane) rows(a *App, r cell.Rect) cell.Rows {
	area, _ := sweepArea(r)
	if a.frontier == nil {
		area = cell.Rect{}
	}
	return cell.Rows{N: a.numDecisions(), At: cell.At(r.X, area.Y, r.W, area.H)}
}

func (p *sweepPane) draw(a *App, s *cell.Screen, r cell.Rect) {
	t := s.Theme
	if a.noFrontier(s, r) {
		return
	}
	area, below := sweepArea(r)
	if area.W < 10 || area.H < 1 {
		return
	}
	chart := p.chart(a, area.W)
	at := a.sweepColumn(area.W)
	s.Set(area.X+at, r.Y, t.Accent, s.Glyphs.Down)
	s.Text(r.X+1, r.Y, 6, t.Dim, "budget")
	p.drawRows(a, s, p.rows(a, r), func(i int, l cell.Row) {
		d, st := a.decision(i), t.Dim
		if d.block < 0 {
			st = t.Strong
		}
		l.Text(1, 8, st, d.label(a.space()))
		for c, code := range chart.codes[i*area.W : (i+1)*area.W] {
			st, content := heatCell(t, s.Glyphs, code)
			if st.Bg == nil {
				st = l.Style(st)
			}
			s.Set(area.X+c, l.R.Y, st, content)
		}
	})
	s.XAxis(cell.At(area.X, area.Y+area.H, area.W, 2), a.engine.MinLatencyMS(), a.engine.MaxLatencyMS(), "ms")
	s.Set(area.X+at, area.Y+area.H, t.Accent, s.Glyphs.Up)
	if below > 3 {
		s.Text(r.X+1, r.Y+r.H-2, r.W-2, t.Text, p.readout(a, r, chart, at, s.Glyphs))
	}
	drawOptionLegend(s, a.space(), r.X+1, r.Y+r.H-1, r.W-2)
}

// readout says what the decision under the pointer is at its budget, or the one under
// the cursor at the budget chosen, and where that decision changes.
func (p *sweepPane) readout(a *App, r cell.Rect, chart strip, column int, g *cell.Glyphs) string {
	rows, row, limit := p.rows(a, r), p.row, a.limitMS
	if p.pointer != cell.Nowhere {
		row, column = min(rows.Top(p.row)+p.pointer.Y, rows.N-1), min(p.pointer.X, chart.w-1)
		limit = a.columnLimit(column, chart.w)
	}
	d := a.decision(row)
	what := "no network fits"
	switch code := chart.codes[row*chart.w+column]; {
	case code == codeOff:
		what = "off"
	case code >= '0' && code <= '9':
		what = "depth " + letters[code]
	default:
		for o := range a.space().Options {
			if optionCode(a.space(), o) == code {
				what = optionWords(a.space().Options[o].String())
			}
		}
	}
	return fmt.Sprintf("%s at %s ms: %s. Over all: %s", d.label(a.space()), a.ms(limit), what, a.switches(chart.w, d, g))
}

// point takes the pointer to a cell of the screen and reports whether that changes
// what is shown.
func (p *sweepPane) point(a *App, x, y int) (changed bool) {
	to := cell.Nowhere
	if r := a.inside(paneSweep); r.Shown() {
		area, _ := sweepArea(r)
		if rows := p.rows(a, r); area.Contains(x, y) && y-area.Y < rows.N {
			to = cell.Point{X: x - area.X, Y: y - area.Y}
		}
	}
	changed = to != p.pointer
	p.pointer = to
	return changed
}

// sweepColumn is the column of the budget: the first whose limit is not below it.
func (a *App) sweepColumn(w int) int {
	lo, hi := a.engine.MinLatencyMS(), a.engine.MaxLatencyMS()
	if hi <= lo {
		return 0
	}
	return min(max(int((a.limitMS-lo)/(hi-lo)*float64(w)-1e-9), 0), w-1)
}

// letters are the strings of single characters, so that drawing makes none.
var letters = func() (out [128]string) {
	for i := range out {
		out[i] = string(rune(i))
	}
	return out
}()

// switches lists the latencies at which a decision changes, where w budgets show that
// it does.
func (a *App) switches(w int, d decision, g *cell.Glyphs) string {
	space := a.space()
	var out strings.Builder
	var path model.Path
	codeAt := func(i int) byte {
		a.frontier.Path(&path, i)
		return d.code(space, path)
	}
	var last byte
	before, changes := 0, 0
	word := ""
	for c := range w {
		i := a.frontier.At(a.columnLimit(c, w))
		if i < 0 {
			continue
		}
		if code := codeAt(i); code != last {
			now := strings.TrimPrefix(optionWords(d.of(space, path)), "depth ")
			if last != 0 {
				first := before + 1 + sort.Search(i-before-1, func(j int) bool { return codeAt(before+1+j) != last })
				fmt.Fprintf(&out, "%s to %s ms, ", word, cell.Number(a.frontier.Points[first].LatencyMS, 2))
				changes++
			}
			word, last = now, code
			if changes > 12 {
				return out.String() + word + g.Ellipsis
			}
		}
		before = i
	}
	if changes == 0 {
		return word + " at every budget"
	}
	return out.String() + "then " + word
}

// click moves the budget to a column.
func (p *sweepPane) click(a *App, r cell.Rect, x, _ int) tea.Cmd {
	area, _ := sweepArea(r)
	column := r.X + x - area.X
	if a.frontier == nil || column < 0 || column >= area.W {
		return nil
	}
	a.record(true)
	return a.setLimit(a.columnLimit(column, area.W))
}
