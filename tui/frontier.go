package tui

import (
	"fmt"
	"math"
	"strings"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"

	"github.com/binas-tui/binas-tui/internal/sanitize"
)

// frontierTitle names the axes and, with a hairline, its values.
func (a *App) frontierTitle() string {
	title := panes[paneFrontier].title
	if a.limited() {
		title = "Frontier" // the limits need the room
	}
	if p, ok := a.hairlinePoint(); ok {
		return fmt.Sprintf("Frontier: %s ms, %s %%", a.ms(p.LatencyMS), formatNumber(p.Accuracy, 2)) + a.frontierLimits()
	}
	return title + a.frontierLimits()
}

// frontierLimits names the limits beside the latency that the frontier keeps, and
// says where it is not all there yet.
func (a *App) frontierLimits() (text string) {
	if a.limited() {
		text = ", " + sanitize.Line(a.engine.LimitsText())
	}
	if a.coming && a.frontier != nil {
		text += fmt.Sprintf(" (%d so far)", len(a.frontier.Points))
	}
	return text
}

// axisWidth is the room for accuracy labels left of the plot.
const axisWidth = 6

// plotArea is the part of the pane that data is drawn in.
func (a *App) plotArea(r rect) rect {
	return rect{r.x + axisWidth, r.y, max(0, r.w-axisWidth-1), max(0, r.h-3)}
}

// accuracyRange is the range of the accuracy axis.
func (a *App) accuracyRange() (lo, hi float64) {
	points := a.frontier.Points
	lo, hi = points[0].Accuracy, points[len(points)-1].Accuracy
	min, max := a.engine.MinLatencyMS(), a.engine.MaxLatencyMS()
	for _, p := range a.published {
		if p.latencyMS >= min && p.latencyMS <= max {
			lo, hi = math.Min(lo, p.network.Top1), math.Max(hi, p.network.Top1)
		}
	}
	if hi <= lo {
		hi = lo + 1
	}
	margin := (hi - lo) * 0.03
	return lo - margin, hi + margin
}

// drawFrontier shows the exact frontier as a staircase (the best accuracy at
// or below each latency), the budget, the network chosen and the published
// networks at their latency on this table.
func (a *App) drawFrontier(s *screen, r rect) {
	t := s.theme
	area := a.plotArea(r)
	if area.w < 10 || area.h < 3 {
		return
	}
	if a.noFrontier(s, area) {
		return
	}
	x0, x1 := a.engine.MinLatencyMS(), a.engine.MaxLatencyMS()
	if x1 <= x0 {
		x1 = x0 + 1
	}
	y0, y1 := a.accuracyRange()
	p := newPlot(area.w, area.h, s.glyphs, x0, x1, y0, y1)
	a.plotStaircase(p)

	budget := min(max(p.column(a.limitMS)/p.cols, 0), area.w-1)
	every := max(3, area.h/4)
	for y := range area.h {
		for x := range area.w {
			switch g := p.glyph(x, y); {
			case g != "":
				st := t.frontier
				if x > budget {
					st = t.dim
				}
				s.set(area.x+x, area.y+y, st, g)
			case y%every != 1: // most rows are free: fewer bytes when the line moves
			case x == budget:
				s.set(area.x+x, area.y+y, t.accent, s.glyphs.budget)
			case x > budget && x%2 == 0:
				s.set(area.x+x, area.y+y, t.shade, s.glyphs.shade)
			}
		}
	}
	a.drawAxes(s, area, p, budget)
	a.drawHairline(s, area, p)
	for _, pub := range a.published {
		s.mark(area, p, pub.latencyMS, pub.network.Top1, t.published, pub.letter)
	}
	if !a.compare.empty() {
		s.mark(area, p, a.compare.latencyMS, a.compare.accuracy, t.warn, "x")
	}
	if a.hasSolution() {
		s.mark(area, p, a.solution.LatencyMS, a.solution.Accuracy, t.chosen, s.glyphs.chosen)
	}
	a.drawLegend(s, rect{r.x, r.y + r.h - 1, r.w, 1})
}

// plotStaircase draws, for every dot column, the best accuracy at or below it,
// and joins the steps.
func (a *App) plotStaircase(p *plot) {
	last := -1
	for c := range p.w * p.cols {
		i := a.frontier.At(p.xAt(float64(c) + 1))
		if i < 0 {
			continue
		}
		row := p.row(a.frontier.Points[i].Accuracy)
		p.dot(c, row)
		for r := min(row, last) + 1; last >= 0 && r < max(row, last); r++ {
			p.dot(c, r)
		}
		last = row
	}
}

// mark draws one character at a data point, if it is in the plot.
func (s *screen) mark(area rect, p *plot, x, y float64, st uv.Style, glyph string) {
	column := min(p.column(x), p.w*p.cols-1)
	row := p.row(y)
	if column < 0 || row < 0 || row >= p.h*p.rows || x > p.x1*1.000001 {
		return
	}
	s.set(area.x+column/p.cols, area.y+row/p.rows, st, glyph)
}

func (a *App) drawAxes(s *screen, area rect, p *plot, budget int) {
	t := s.theme
	b := s.glyphs.border
	for y := range area.h {
		s.set(area.x-1, area.y+y, t.border, b.Left)
	}
	for _, v := range niceTicks(p.y0, p.y1, max(2, area.h/3)) {
		if row := p.row(v); row >= 0 && row < p.h*p.rows {
			s.right(area.x-axisWidth, area.y+row/p.rows, axisWidth-1, t.dim, tickLabel(v))
		}
	}
	y := area.y + area.h
	for x := range area.w {
		s.set(area.x+x, y, t.border, b.Bottom)
	}
	s.set(area.x-1, y, t.border, b.BottomLeft)
	end := area.x - 1
	for _, v := range niceTicks(p.x0, p.x1, max(2, area.w/10)) {
		x := min(p.column(v)/p.cols, area.w-1)
		label := tickLabel(v)
		s.set(area.x+x, y, t.dim, "+")
		start := area.x + x - len(label)/2
		if start > end && start+len(label) <= area.x+area.w-3 {
			s.text(start, y+1, len(label), t.dim, label)
			end = start + len(label)
		}
	}
	s.right(area.x, y+1, area.w, t.dim, "ms")
	s.set(area.x+budget, y, t.accent, s.glyphs.up)
}

func (a *App) drawLegend(s *screen, r rect) {
	t := s.theme
	x := r.x + 1
	add := func(text string, width int) bool {
		if x+width > r.x+r.w {
			return false
		}
		x += s.text(x, r.y, width, t.dim, text)
		return true
	}
	x += s.text(x, r.y, 1, t.chosen, s.glyphs.chosen)
	add(" chosen  ", 9)
	if len(a.published) > 0 {
		x += s.text(x, r.y, 3, t.published, "A-F")
		add(" BINAS  ", 8)
		x += s.text(x, r.y, 3, t.published, "a-f")
		note := " HardCoRe-NAS (published top-1)"
		if r.x+r.w-x < ansi.StringWidth(note) {
			note = " HardCoRe-NAS"
		}
		add(note, ansi.StringWidth(note))
	}
}

// plotLimit is the limit at a column of the plot.
func (a *App) plotLimit(inside rect, x int) (float64, bool) {
	area := a.plotArea(inside)
	if x < area.x || x >= area.x+area.w || a.frontier == nil || len(a.frontier.Points) == 0 {
		return 0, false
	}
	lo, hi := a.engine.MinLatencyMS(), a.engine.MaxLatencyMS()
	return lo + (hi-lo)*(float64(x-area.x)+0.5)/float64(area.w), true
}

// hairlinePoint is the frontier point under the hairline.
func (a *App) hairlinePoint() (p struct{ LatencyMS, Accuracy float64 }, ok bool) {
	if a.frontier == nil || a.hairline < 0 || a.hairline >= len(a.frontier.Points) {
		return p, false
	}
	f := a.frontier.Points[a.hairline]
	p.LatencyMS, p.Accuracy = f.LatencyMS, f.Accuracy
	return p, true
}

func (a *App) moveHairline(n int) {
	if a.frontier == nil || len(a.frontier.Points) == 0 {
		return
	}
	if a.hairline < 0 {
		a.hairline = max(0, a.frontier.At(a.limitMS))
	}
	step := max(1, len(a.frontier.Points)/max(1, a.steps()))
	a.hairline = min(max(a.hairline+n*step, 0), len(a.frontier.Points)-1)
}

func (a *App) drawHairline(s *screen, area rect, p *plot) {
	point, ok := a.hairlinePoint()
	if !ok {
		return
	}
	x := min(p.column(point.LatencyMS)/p.cols, area.w-1)
	row := p.row(point.Accuracy) / p.rows
	for y := range area.h {
		if y != row {
			s.set(area.x+x, area.y+y, s.theme.strong, s.glyphs.budget)
		}
	}
	s.set(area.x+x, area.y+row, s.theme.strong, "+")
	label := fmt.Sprintf(" %s ms  %s %% ", a.ms(point.LatencyMS), formatNumber(point.Accuracy, 2))
	start := min(max(x-len(label)/2, 0), max(0, area.w-len(label)))
	s.text(area.x+start, area.y+area.h-1, area.w-start, s.theme.strong, strings.TrimRight(label, " "))
}

func (a *App) budgetToHairline() tea.Cmd {
	p, ok := a.hairlinePoint()
	if !ok {
		a.say("move the hairline with the arrow keys first: up and down")
		return nil
	}
	a.record(true)
	return a.setLimit(p.LatencyMS)
}
