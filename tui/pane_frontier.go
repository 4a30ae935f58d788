package tui

import (
	"fmt"
	"math"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// frontierPane shows the exact frontier as a staircase (the best accuracy at or
// below each latency), the budget, the network chosen and the published networks at
// their latency on this table.
type frontierPane struct {
	card
	hairlineMS float64 // latency of the network of the frontier that is pointed at; 0 is none
}

func newFrontierPane() *frontierPane {
	return &frontierPane{card: card{id: paneFrontier, name: "Accuracy over latency", short: "plot", question: "where is the budget on the frontier?",
		key: "v", help: "go to the plot: accuracy over latency"}}
}

func (p *frontierPane) keys() []action {
	return []action{{"hairline-go", []string{"enter", "space"}, "Frontier", "move the budget to the hairline", "go here", p.budgetToHairline}}
}

// title names the axes and, with a hairline, its values.
func (p *frontierPane) title(a *App) string {
	if point, ok := p.hairline(a); ok {
		return fmt.Sprintf("Frontier: %s ms, %s %%", a.ms(point.LatencyMS), cell.Number(point.Accuracy, 2)) + a.frontierLimits()
	}
	if a.limited() {
		return "Frontier" + a.frontierLimits() // the limits need the room
	}
	return p.name + a.frontierLimits()
}

// frontierLimits names the limits beside the latency that the frontier keeps, and
// says where it is not all there yet.
func (a *App) frontierLimits() (text string) {
	if a.limited() {
		text = ", " + a.engine.LimitsText()
	}
	if a.coming && a.frontier != nil {
		text += fmt.Sprintf(" (%d so far)", len(a.frontier.Points))
	}
	return text
}

// axisWidth is the room for accuracy labels left of the plot.
const axisWidth = 6

// plotArea is the part of the pane that data is drawn in.
func plotArea(r cell.Rect) cell.Rect {
	return cell.At(r.X+axisWidth, r.Y, max(0, r.W-axisWidth-1), max(0, r.H-3))
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

func (p *frontierPane) draw(a *App, s *cell.Screen, r cell.Rect) {
	t := s.Theme
	area := plotArea(r)
	if area.W < 10 || area.H < 3 {
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
	plot := cell.NewPlot(area.W, area.H, s.Glyphs, x0, x1, y0, y1)
	a.plotStaircase(plot)

	budget := min(max(plot.Column(a.limitMS)/plot.Cols, 0), area.W-1)
	every := max(3, area.H/4)
	for y := range area.H {
		for x := range area.W {
			switch g := plot.Glyph(x, y); {
			case g != "":
				st := t.Frontier
				if x > budget {
					st = t.Dim
				}
				s.Set(area.X+x, area.Y+y, st, g)
			case y%every != 1: // most rows are free: fewer bytes when the line moves
			case x == budget:
				s.Set(area.X+x, area.Y+y, t.Accent, s.Glyphs.Budget)
			case x > budget && x%2 == 0:
				s.Set(area.X+x, area.Y+y, t.Shade, s.Glyphs.Shade)
			}
		}
	}
	s.Axes(area, plot, "ms")
	s.Set(area.X+budget, area.Y+area.H, t.Accent, s.Glyphs.Up)
	p.drawHairline(a, s, area, plot)
	for _, pub := range a.published {
		s.Mark(area, plot, pub.latencyMS, pub.network.Top1, t.Published, pub.letter)
	}
	if !a.compare.empty() {
		s.Mark(area, plot, a.compare.latencyMS, a.compare.accuracy, t.Warn, "x")
	}
	if a.hasSolution() {
		s.Mark(area, plot, a.solution.LatencyMS, a.solution.Accuracy, t.Chosen, s.Glyphs.Chosen)
	}
	a.drawLegend(s, cell.At(r.X, r.Y+r.H-1, r.W, 1))
}

// plotStaircase draws, for every dot column, the best accuracy at or below it,
// and joins the steps.
func (a *App) plotStaircase(p *cell.Plot) {
	last := -1
	for c := range p.W * p.Cols {
		i := a.frontier.At(p.XAt(float64(c) + 1))
		if i < 0 {
			continue
		}
		row := p.Row(a.frontier.Points[i].Accuracy)
		p.Dot(c, row)
		for r := min(row, last) + 1; last >= 0 && r < max(row, last); r++ {
			p.Dot(c, r)
		}
		last = row
	}
}

func (a *App) drawLegend(s *cell.Screen, r cell.Rect) {
	t := s.Theme
	x := r.X + 1
	add := func(text string, width int) bool {
		if x+width > r.X+r.W {
			return false
		}
		x += s.Text(x, r.Y, width, t.Dim, text)
		return true
	}
	x += s.Text(x, r.Y, 1, t.Chosen, s.Glyphs.Chosen)
	add(" chosen  ", 9)
	if len(a.published) > 0 {
		x += s.Text(x, r.Y, 3, t.Published, "A-F")
		add(" BINAS  ", 8)
		x += s.Text(x, r.Y, 3, t.Published, "a-f")
		note := " HardCoRe-NAS (published top-1)"
		if r.X+r.W-x < ansi.StringWidth(note) {
			note = " HardCoRe-NAS"
		}
		add(note, ansi.StringWidth(note))
	}
}

// click moves the budget to where the plot was clicked.
func (p *frontierPane) click(a *App, r cell.Rect, x, _ int) tea.Cmd {
	area := plotArea(r)
	column := r.X + x - area.X
	if column < 0 || column >= area.W || a.frontier == nil || len(a.frontier.Points) == 0 {
		return nil
	}
	lo, hi := a.engine.MinLatencyMS(), a.engine.MaxLatencyMS()
	a.dragging = false
	a.record(true)
	return a.setLimit(lo + (hi-lo)*(float64(column)+0.5)/float64(area.W))
}

// hairline is the point of the frontier under the hairline.
func (p *frontierPane) hairline(a *App) (point solver.Point, ok bool) {
	if a.frontier == nil || p.hairlineMS == 0 {
		return point, false
	}
	i := a.frontier.At(p.hairlineMS)
	if i < 0 {
		return point, false
	}
	return a.frontier.Points[i], true
}

// leave takes the hairline away.
func (p *frontierPane) leave(*App) bool {
	shown := p.hairlineMS != 0
	p.hairlineMS = 0
	return shown
}

// move moves the hairline: up is to more latency.
func (p *frontierPane) move(a *App, n int) {
	if a.frontier == nil || len(a.frontier.Points) == 0 {
		return
	}
	at := p.hairlineMS
	if at == 0 {
		at = a.limitMS
	}
	points := a.frontier.Points
	step := max(1, len(points)/max(1, a.steps()))
	p.hairlineMS = points[min(max(max(a.frontier.At(at), 0)-n*step, 0), len(points)-1)].LatencyMS
}

func (p *frontierPane) drawHairline(a *App, s *cell.Screen, area cell.Rect, plot *cell.Plot) {
	point, ok := p.hairline(a)
	if !ok {
		return
	}
	x := min(plot.Column(point.LatencyMS)/plot.Cols, area.W-1)
	row := plot.Row(point.Accuracy) / plot.Rows
	for y := range area.H {
		if y != row {
			s.Set(area.X+x, area.Y+y, s.Theme.Strong, s.Glyphs.Budget)
		}
	}
	s.Set(area.X+x, area.Y+row, s.Theme.Strong, "+")
	label := fmt.Sprintf(" %s ms  %s %% ", a.ms(point.LatencyMS), cell.Number(point.Accuracy, 2))
	start := min(max(x-len(label)/2, 0), max(0, area.W-len(label)))
	s.Text(area.X+start, area.Y+area.H-1, area.W-start, s.Theme.Strong, strings.TrimRight(label, " "))
}

func (p *frontierPane) budgetToHairline(a *App) tea.Cmd {
	point, ok := p.hairline(a)
	if !ok {
		a.say("move the hairline with the arrow keys first: up and down")
		return nil
	}
	a.record(true)
	return a.setLimit(point.LatencyMS)
}

// noFrontier says why there is none to show, and what to do, where there is none.
func (a *App) noFrontier(s *cell.Screen, r cell.Rect) bool {
	if a.frontier != nil && len(a.frontier.Points) > 0 {
		return false
	}
	lines := []string{"computing the frontier" + s.Glyphs.Ellipsis}
	switch {
	case a.frontier != nil && !a.coming:
		lines = []string{"no network keeps the limits at any budget:", a.keyOf("show-limits") + " shows them"}
	case !a.engine.Bilinear():
		lines = []string{
			"a " + a.engine.Predictor.Kind() + " predictor has no exact frontier:",
			a.keyOf("predictor") + " chooses a bilinear one, which has",
		}
	}
	s.Lines(r, lines)
	return true
}
