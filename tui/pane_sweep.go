package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
)

// paneSweep is the name of the strip chart.
const paneSweep paneID = "sweep"

// sweepPane is a strip chart: every decision of every network of the frontier at a
// glance. A row is a decision, a column a budget.
type sweepPane struct {
	card
	strip strip // that was prepared
}

func newSweepPane() *sweepPane {
	return &sweepPane{card: card{id: paneSweep, name: "Sweep", question: "over all budgets, which decision switches where?",
		key: "W", help: "go to the sweep: every decision over all budgets"}}
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

func (p *sweepPane) prepare(a *App, r rect) {
	if area, _ := sweepArea(r); a.frontier != nil && area.w > 0 {
		p.strip = p.chart(a, area.w)
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
func sweepArea(r rect) (area rect, below int) {
	const label = 9
	below = 4 // axis, ticks, switches, legend
	if r.h < 14 {
		below = 2
	}
	return rect{r.x + label, r.y + 1, max(0, r.w-label-1), max(0, r.h-1-below)}, below
}

func (p *sweepPane) rows(a *App, r rect) rows {
	area, _ := sweepArea(r)
	if a.frontier == nil {
		area = rect{}
	}
	return rows{n: a.numDecisions(), at: rect{r.x, area.y, r.w, area.h}}
}

func (p *sweepPane) draw(a *App, s *screen, r rect) {
	t := s.theme
	if a.noFrontier(s, r) {
		return
	}
	area, below := sweepArea(r)
	if area.w < 10 || area.h < 1 {
		return
	}
	chart := p.chart(a, area.w)
	at := a.sweepColumn(area.w)
	s.set(area.x+at, r.y, t.accent, s.glyphs.down)
	s.text(r.x+1, r.y, 6, t.dim, "budget")
	p.drawRows(a, s, p.rows(a, r), func(i int, l listRow) {
		d, st := a.decision(i), t.dim
		if d.block < 0 {
			st = t.strong
		}
		l.text(1, 8, st, d.label(a.space()))
		for c, code := range chart.codes[i*area.w : (i+1)*area.w] {
			s.set(area.x+c, l.r.y, l.style(t.codeStyle(code)), letters[code])
		}
	})
	s.xAxis(rect{area.x, area.y + area.h, area.w, 2}, a.engine.MinLatencyMS(), a.engine.MaxLatencyMS(), "ms")
	s.set(area.x+at, area.y+area.h, t.accent, s.glyphs.up)
	if below > 2 {
		s.text(r.x+1, r.y+r.h-2, r.w-2, t.text, a.switches(area.w, a.decision(p.row), s.glyphs))
		s.text(r.x+1, r.y+r.h-1, r.w-2, t.dim, optionLegend(a.space(), r.w-2))
	}
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

// codeStyle sets wide blocks off from narrow ones; the letters say it too.
func (t *theme) codeStyle(code byte) uv.Style {
	switch code {
	case codeOff:
		return t.shade
	case 'a', 'A', 'x', 'X':
		return t.text
	case 'b', 'B', 'y', 'Y':
		return t.frontier
	}
	return t.strong
}

// switches lists where a decision changes along w budgets.
func (a *App) switches(w int, d decision, g *glyphs) string {
	space := a.space()
	label := d.label(space)
	if d.block < 0 {
		label += " depth"
	}
	var out strings.Builder
	out.WriteString(label + ": ")
	var path model.Path
	var last byte
	changes := 0
	for c := range w {
		limit := a.columnLimit(c, w)
		i := a.frontier.At(limit)
		if i < 0 {
			continue
		}
		a.frontier.Path(&path, i)
		code := d.code(space, path)
		if code == last {
			continue
		}
		if last != 0 {
			fmt.Fprintf(&out, " to %s ms, ", formatNumber(limit, 2))
			changes++
		}
		out.WriteString(strings.TrimPrefix(optionWords(d.of(space, path)), "depth "))
		last = code
		if changes > 12 {
			out.WriteString(g.ellipsis)
			return out.String()
		}
	}
	if changes == 0 {
		return out.String() + " at every budget"
	}
	return out.String() + " from there"
}

// click moves the budget to a column.
func (p *sweepPane) click(a *App, r rect, x, _ int) tea.Cmd {
	area, _ := sweepArea(r)
	column := r.x + x - area.x
	if a.frontier == nil || column < 0 || column >= area.w {
		return nil
	}
	a.record(true)
	return a.setLimit(a.columnLimit(column, area.w))
}
