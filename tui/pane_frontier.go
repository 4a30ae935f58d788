package tui

import (
	"fmt"
	"math"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"

	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// frontierPane shows the exact frontier as a staircase (the best accuracy at or
// below each latency), the budget, the network chosen, and on the same axes the
// published networks, those kept, and the best of another device. Of all latencies
// it shows a window that follows the budget, once it is zoomed.
type frontierPane struct {
	card
	hairlineMS float64    // latency of the network of the frontier that is pointed at; 0 is none
	halfMS     float64    // half the width of the window; 0 shows all
	centreMS   float64    // of the window
	followedMS float64    // the budget that the window has followed
	pointer    cell.Point // the mouse is there, in cells of the plot; outside it nowhere
	panning    bool       // the window is being dragged
	panned     bool       // and has moved
}

func newFrontierPane() *frontierPane {
	return &frontierPane{card: card{id: paneFrontier, name: "Accuracy over latency", short: "plot", question: "where is the budget on the frontier?",
		key: "v", help: "go to the plot: accuracy over latency"}, pointer: cell.Nowhere}
}

func (p *frontierPane) keys() []action {
	pan := func(n float64) func(*App) tea.Cmd {
		return func(a *App) tea.Cmd { p.pan(a, n*p.halfMS/2); return nil }
	}
	zoom := func(factor float64) func(*App) tea.Cmd {
		return func(a *App) tea.Cmd { p.zoom(a, factor, a.limitMS); return nil }
	}
	return []action{
		{"hairline-go", []string{"enter", "space"}, "Frontier", "move the budget to the hairline", "go here", p.budgetToHairline},
		{"plot-window", []string{"x"}, "Frontier", "the part around the budget, a millisecond on both sides; all again", "window", p.toggleWindow},
		{"plot-in", []string{")"}, "Frontier", "a narrower part around the budget (or the wheel)", "", zoom(0.5)},
		{"plot-out", []string{"("}, "Frontier", "a wider part", "", zoom(2)},
		{"plot-left", []string{"<"}, "Frontier", "the part to the left (or drag)", "", pan(-1)},
		{"plot-right", []string{">"}, "Frontier", "the part to the right", "", pan(1)},
	}
}

// span is the part of the latencies that is shown, in milliseconds.
func (p *frontierPane) span(a *App) (x0, x1 float64) {
	lo, hi := a.engine.MinLatencyMS(), a.engine.MaxLatencyMS()
	if hi <= lo {
		return lo, lo + 1
	}
	if p.halfMS <= 0 || 2*p.halfMS >= hi-lo {
		return lo, hi
	}
	centre := min(max(p.centreMS, lo+p.halfMS), hi-p.halfMS)
	return centre - p.halfMS, centre + p.halfMS
}

// prepare moves the window after the budget, once that has left the middle of it.
func (p *frontierPane) prepare(a *App, _ cell.Rect) {
	if x0, x1 := p.span(a); a.limitMS != p.followedMS && math.Abs(a.limitMS-(x0+x1)/2) > 0.3*(x1-x0) {
		p.centreMS = a.limitMS
	}
	p.followedMS = a.limitMS
}

func (p *frontierPane) toggleWindow(a *App) tea.Cmd {
	if p.halfMS > 0 {
		p.halfMS = 0
		return a.say("all latencies")
	}
	p.halfMS, _ = a.moreMS()
	p.centreMS = a.limitMS
	x0, x1 := p.span(a)
	return a.say(a.ms(x0) + " to " + a.ms(x1) + " ms; " + a.keyOf("plot-window") + " shows all again")
}

// zoom makes the window wider by a factor; what is at atMS stays in its place.
func (p *frontierPane) zoom(a *App, factor, atMS float64) {
	x0, x1 := p.span(a)
	all := a.engine.MaxLatencyMS() - a.engine.MinLatencyMS()
	half := max((x1-x0)/2*factor, all/400)
	if 2*half >= all {
		p.halfMS = 0
		return
	}
	p.centreMS = atMS + ((x0+x1)/2-atMS)*2*half/(x1-x0)
	p.halfMS = half
}

// pan moves the window by some milliseconds.
func (p *frontierPane) pan(a *App, byMS float64) {
	x0, x1 := p.span(a)
	p.centreMS = (x0+x1)/2 + byMS
	x0, x1 = p.span(a)
	p.centreMS = (x0 + x1) / 2 // within what there is
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
const axisWidth = 7

// plotArea is the part of the pane that data is drawn in.
func plotArea(r cell.Rect) cell.Rect {
	return cell.At(r.X+axisWidth, r.Y, max(0, r.W-axisWidth-1), max(0, r.H-3))
}

// accuracyRange is the range of the accuracy axis over a part of the latencies.
func (a *App) accuracyRange(x0, x1 float64) (lo, hi float64) {
	points := a.frontier.Points
	lo, hi = points[max(a.frontier.At(x0), 0)].Accuracy, points[max(a.frontier.At(x1), 0)].Accuracy
	for _, p := range a.published {
		if p.latencyMS >= x0 && p.latencyMS <= x1 {
			lo, hi = math.Min(lo, p.network.Top1), math.Max(hi, p.network.Top1)
		}
	}
	if hi <= lo {
		hi = lo + 1
	}
	margin := (hi - lo) * 0.04
	return lo - margin, hi + margin
}

func (p *frontierPane) plot(a *App, area cell.Rect, g *cell.Glyphs) *cell.Plot {
	x0, x1 := p.span(a)
	y0, y1 := a.accuracyRange(x0, x1)
	return cell.NewPlot(area.W, area.H, g, x0, x1, y0, y1)
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
	plot := p.plot(a, area, s.Glyphs)
	budget := plot.Column(a.limitMS) / plot.Cols
	if a.limitMS >= plot.XAt(float64(area.W*plot.Cols)) {
		budget = max(budget, area.W-1)
		if a.limitMS == a.engine.MaxLatencyMS() {
			budget = area.W - 1
		}
	}
	around, kept := a.bandPoints(plot, area.H), a.keptPoints()
	a.drawFrontier(s, area, plot, budget, around)
	s.Axes(area, plot, "ms", "%")
	if budget >= 0 && budget < area.W {
		s.Set(area.X+budget, area.Y+area.H, t.Accent, s.Glyphs.Up)
		label := " " + a.ms(a.limitMS) + " "
		x := min(max(area.X+budget-len(label)/2, area.X-1), area.X+area.W-len(label)-3)
		s.Label(x, area.Y+area.H+1, t.Accent, label)
	}
	p.drawHairline(a, s, area, plot)
	mark := func(x, y float64, st uv.Style, glyph string) {
		if st.Bg != nil { // of the theme
		} else if x > a.limitMS && plot.Column(x)/plot.Cols != budget {
			st.Bg = t.Beyond.Bg
		} else if plot.Row(y) > plot.Row(a.frontierAt(x))+plot.Rows {
			st.Bg = t.Area.Bg
		}
		s.Mark(area, plot, x, y, st, glyph)
	}
	for _, pub := range a.published {
		mark(pub.latencyMS, pub.network.Top1, t.Published, pub.letter)
	}
	for i, k := range kept {
		mark(k.LatencyMS, k.Accuracy, t.Pin, letters['1'+min(i, 8)])
	}
	if c := a.compare; !c.empty() {
		mark(c.latencyMS, c.accuracy, t.Warn, "x")
	}
	if a.hasSolution() {
		s.Mark(area, plot, a.solution.LatencyMS, a.solution.Accuracy, t.Chosen, s.Glyphs.Chosen)
	}
	last := cell.At(r.X, r.Y+r.H-1, r.W, 1)
	if text := p.readout(a, area, plot, s.Glyphs); text != "" {
		s.Text(last.X+1, last.Y, last.W-1, t.Text, text)
		return
	}
	a.drawLegend(s, last, around, len(kept) > 0)
}

// keptPoints are the kept networks by the table and the predictor in use.
func (a *App) keptPoints() (out []solver.Point) {
	for _, k := range a.snapshots {
		if path := k.solution.Path; a.space().CheckPath(path) == nil {
			out = append(out, solver.Point{LatencyMS: a.engine.LatencyMS(path), Accuracy: a.engine.Accuracy(path)})
		}
	}
	return out
}

// frontierAt is the best accuracy within a latency; below all where there is none.
func (a *App) frontierAt(latencyMS float64) float64 {
	if i := a.frontier.At(latencyMS); i >= 0 {
		return a.frontier.Points[i].Accuracy
	}
	return math.Inf(-1)
}

// drawFrontier fills what lies under the frontier within the budget, tints what lies
// beyond it and the error of the prediction, and draws the frontier over that: as
// thick as a line of text, and dashed where it is extrapolated.
func (a *App) drawFrontier(s *cell.Screen, area cell.Rect, plot *cell.Plot, budget int, around float64) {
	t := s.Theme
	if a.compare != nil { // the best networks of another device, on this one
		for _, k := range a.compare.candidates {
			plot.Dot(plot.Column(k.latencyMS), plot.Row(k.accuracy))
		}
	}
	levels := len(s.Glyphs.Lower) // of a cell
	level := func(y float64) int { return int(math.Round(plot.Height(y) * float64(area.H*levels))) }
	last := -1
	for x := range area.W {
		i := a.frontier.At(plot.XAt(float64((x + 1) * plot.Cols)))
		top, bottom, high, low := 0, 0, 0, 0
		if i >= 0 {
			best := a.frontier.Points[i].Accuracy
			top = min(max(level(best)+levels/2, 1), area.H*levels)
			if levels == 1 {
				top = min(top+1, area.H)
			}
			bottom = top - levels
			if last >= 0 {
				bottom = min(bottom, last) // joined to the column before
			}
			if half := levels / 2; half > 0 && t.Area.Bg == nil { // no colour to draw what is under it with
				bottom = (bottom + half/2) / half * half
			}
			bottom = max(bottom, 0)
			if around > 0 {
				high, low = level(best+around), level(best-around)
			}
			if last = top; x%3 == 2 && a.engine.PredictorInfo.Extrapolates(best) {
				top = bottom // a gap
			}
		}
		for y := range area.H {
			from := (area.H - 1 - y) * levels // the cell is from here to one cell higher
			var zone uv.Style
			glyph := " "
			switch middle := from + levels/2; {
			case x > budget:
				zone.Bg = t.Beyond.Bg
				if t.Beyond.Bg == nil && (x+y)%2 == 0 {
					zone, glyph = t.Shade, s.Glyphs.Shade
				}
			case middle < high && middle > low:
				zone.Bg = t.Band.Bg
			case from < bottom:
				zone.Bg = t.Area.Bg
			}
			st := zone
			line := t.Frontier
			if x > budget {
				line = t.Dim
			}
			line.Bg = zone.Bg
			switch over, under := min(max(top-from, 0), levels), min(max(bottom-from, 0), levels); {
			case x == budget:
				st, glyph = t.Accent, s.Glyphs.Border.Left
			case over > under && under == 0:
				st, glyph = line, s.Glyphs.Lower[over-1]
			case over > under && zone.Bg == nil:
				st, glyph = line, s.Glyphs.UpperHalf
			case over > under: // the line is what is behind the glyph
				st.Fg, st.Bg, glyph = zone.Bg, line.Fg, s.Glyphs.Lower[under-1]
			case plot.Glyph(x, y) != "":
				st.Fg, st.Attrs, glyph = t.Warn.Fg, t.Warn.Attrs, plot.Glyph(x, y)
			}
			if glyph != " " || st.Bg != nil {
				s.Set(area.X+x, area.Y+y, st, glyph)
			}
		}
	}
}

// bandPoints is the error of the prediction on both sides of the frontier, where it
// is more than the line is thick; else 0.
func (a *App) bandPoints(plot *cell.Plot, rows int) float64 {
	points, _ := a.engine.AccuracyError()
	if a.engine.Uncertainty != nil && a.deviationKnown() {
		points = a.deviation.points
	}
	if (plot.Height(points)-plot.Height(0))*float64(rows) < 0.75 {
		return 0
	}
	return points
}

// readout says what is under the hairline or the pointer: the published network
// there, or what the frontier has.
func (p *frontierPane) readout(a *App, area cell.Rect, plot *cell.Plot, g *cell.Glyphs) string {
	at, row := p.hairlineMS, -1
	if inside := cell.At(0, 0, area.W, area.H); inside.Contains(p.pointer.X, p.pointer.Y) {
		at, row = plot.XAt((float64(p.pointer.X)+0.5)*float64(plot.Cols)), p.pointer.Y
	}
	if at == 0 {
		return ""
	}
	column := plot.Column(at) / plot.Cols
	for _, q := range a.published {
		d := plot.Column(q.latencyMS)/plot.Cols - column
		if margin, ok := a.margin(q); ok && (d == 0 || row >= 0 && d >= -1 && d <= 1) && (row < 0 || plot.Row(q.network.Top1)/plot.Rows == row) {
			return fmt.Sprintf("%s %s at its %s ms (%s %%)", marginWords(margin, g), q.network.Name, a.ms(q.latencyMS), cell.Number(q.network.Top1, 1))
		}
	}
	i := a.frontier.At(at)
	if i < 0 {
		return ""
	}
	best := a.frontier.Points[i]
	text := fmt.Sprintf("%s ms: %s %%", a.ms(best.LatencyMS), cell.Number(best.Accuracy, 2))
	if a.hasSolution() {
		text += fmt.Sprintf(", %s pt for %s ms", cell.Signed(best.Accuracy-a.solution.Accuracy, 2, g), cell.Signed(best.LatencyMS-a.solution.LatencyMS, 2, g))
	}
	return text
}

func (a *App) drawLegend(s *cell.Screen, r cell.Rect, around float64, kept bool) {
	t := s.Theme
	x := r.X + 1
	add := func(st uv.Style, mark, text string) {
		if w := ansi.StringWidth(mark) + ansi.StringWidth(text) + 1; x+w <= r.X+r.W {
			x += s.Text(x, r.Y, w, st, mark)
			x += 2 + s.Text(x, r.Y, w, t.Dim, " "+text)
		}
	}
	add(t.Chosen, s.Glyphs.Chosen, "chosen")
	if a.compare != nil { // what was asked for first, where there is not room for all
		add(t.Warn, "x", a.compare.name)
	}
	if kept {
		add(t.Pin, "1", "kept")
	}
	if len(a.published) > 0 {
		add(t.Published, "A-F", "BINAS")
		add(t.Published, "a-f", "HardCoRe-NAS")
	}
	line := s.Glyphs.Lower[len(s.Glyphs.Lower)/2]
	if x0, x1 := a.panes.frontier.span(a); a.engine.PredictorInfo.Extrapolates(a.frontierAt(x1)) || a.engine.PredictorInfo.Extrapolates(a.frontierAt(x0)) {
		add(t.Dim, line+" "+line, "extrapolated")
	}
	if around > 0 && t.Band.Bg != nil {
		add(t.Band, "  ", "±"+cell.Number(around, 2))
	}
	if len(a.published) > 0 {
		add(t.Dim, "", "letters: top-1 as published")
	}
}

// click moves the budget to where the plot was clicked; in a window that can be
// dragged once the button is let go there.
func (p *frontierPane) click(a *App, r cell.Rect, x, y int) tea.Cmd {
	area := plotArea(r)
	if a.dragging = false; !area.Contains(r.X+x, r.Y+y) || a.frontier == nil || len(a.frontier.Points) == 0 {
		return nil
	}
	p.point(a, r.X+x, r.Y+y)
	if p.panning, p.panned = p.halfMS > 0, false; p.panning {
		return nil
	}
	return p.budgetToPointer(a, area)
}

func (p *frontierPane) budgetToPointer(a *App, area cell.Rect) tea.Cmd {
	x0, x1 := p.span(a)
	a.record(true)
	return a.setLimit(a.rounded(x0 + (x1-x0)*(float64(p.pointer.X)+0.5)/float64(area.W)))
}

// point takes the pointer to a cell of the screen and reports whether that changes
// what is shown; a window that is dragged goes with it.
func (p *frontierPane) point(a *App, x, y int) (changed bool) {
	area := plotArea(a.inside(paneFrontier))
	to := cell.Nowhere
	if area.Contains(x, y) {
		to = cell.Point{X: x - area.X, Y: y - area.Y}
	}
	if to == p.pointer {
		return false
	}
	if p.panning && to != cell.Nowhere && to.X != p.pointer.X {
		x0, x1 := p.span(a)
		p.pan(a, (x1-x0)*float64(p.pointer.X-to.X)/float64(area.W))
		p.panned = true
	}
	p.pointer = to
	return true
}

// release ends a drag; one that went nowhere was a click.
func (p *frontierPane) release(a *App) tea.Cmd {
	clicked := p.panning && !p.panned && p.pointer != cell.Nowhere
	if p.panning = false; clicked {
		return p.budgetToPointer(a, plotArea(a.inside(paneFrontier)))
	}
	return nil
}

// wheel makes the window narrower or wider around the pointer.
func (p *frontierPane) wheel(a *App, x, y, n int) {
	p.point(a, x, y)
	area := plotArea(a.inside(paneFrontier))
	if p.pointer == cell.Nowhere {
		return
	}
	x0, x1 := p.span(a)
	p.zoom(a, math.Pow(0.75, float64(n)), x0+(x1-x0)*(float64(p.pointer.X)+0.5)/float64(area.W))
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

// leave takes the hairline away, or shows all latencies again.
func (p *frontierPane) leave(*App) bool {
	switch {
	case p.hairlineMS != 0:
		p.hairlineMS = 0
	case p.halfMS != 0:
		p.halfMS = 0
	default:
		return false
	}
	return true
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
	p.pointer = cell.Nowhere
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
	if x < 0 {
		return
	}
	row := plot.Row(point.Accuracy) / plot.Rows
	for y := range area.H {
		s.Set(area.X+x, area.Y+y, s.Theme.Strong, s.Glyphs.Budget)
	}
	s.Set(area.X+x, area.Y+row, s.Theme.Strong, "+")
}

func (p *frontierPane) budgetToHairline(a *App) tea.Cmd {
	point, ok := p.hairline(a)
	if !ok {
		return a.say("move the hairline with the arrow keys first: up and down")
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
