package tui

import (
	"fmt"
	"math"
	"strings"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"

	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// explainPane shows where the space pays, stage by stage, and below it, for every
// decision of the network shown, what every other choice would gain or cost at the
// present prices of the limits.
type explainPane struct {
	card
	pointer cell.Point // the mouse is there, on the screen; outside the choices nowhere
}

func newExplainPane() *explainPane {
	return &explainPane{pointer: cell.Nowhere, card: card{id: paneExplain, name: "Explain", short: "explain", question: "what would every other choice gain or cost, and where does the space pay?",
		key: "e", help: "go to the explanation: every other choice, and where the space pays"}}
}

func (p *explainPane) keys() []action {
	return []action{{"explain-go", []string{"enter", "space"}, "Explain", "go to the decision under the cursor in the architecture", "go here", p.goTo}}
}

// insightLines is the height of the table of stages, with the line below it.
func (a *App) insightLines(height int) int {
	if n := len(a.effects) + 3; height >= n+6 {
		return n
	}
	return 0
}

// rows are the decisions, between two lines of header, the readout and the legend.
func (p *explainPane) rows(a *App, r cell.Rect) cell.Rows {
	at := r.Below(a.insightLines(r.H) + 2)
	at.H -= 2
	return cell.Rows{N: a.numDecisions(), At: at}
}

func (p *explainPane) draw(a *App, s *cell.Screen, r cell.Rect) {
	if n := a.insightLines(r.H); n > 0 {
		a.drawInsight(s, cell.At(r.X, r.Y, r.W, n-1))
	}
	at := p.rows(a, r).At
	switch head := (cell.At(r.X, at.Y-2, r.W, r.Y+r.H-at.Y+2)); {
	case !a.hasSolution():
		s.Lines(head, []string{"no network is shown yet: " + a.keyOf("budget-up") + " raises the budget"})
	case len(a.detail.sensitivity.Options) == 0:
		s.Lines(head, []string{"other choices are compared for a bilinear or quadratic predictor: " + a.keyOf("predictor") + " chooses one"})
	default:
		p.drawChoices(a, s, r, head)
	}
}

// drawInsight is a heat map: a row is a stage, a column a kind of decision, a
// cell its points per millisecond, as a number and as a bar.
func (a *App) drawInsight(s *cell.Screen, r cell.Rect) {
	t := s.Theme
	const column = 16
	s.Text(r.X+1, r.Y, r.W-1, t.Dim, "what pays, points per ms")
	for k, name := range effectNames {
		s.Right(r.X+8+k*column, r.Y+1, column-1, t.Dim, name)
	}
	full := 0.0
	each := func(draw func(stage, kind int, e solver.Effect)) {
		for i, st := range a.effects {
			for k, e := range kinds(st) {
				draw(i, k, e)
			}
		}
	}
	each(func(_, _ int, e solver.Effect) {
		if v := worth(e); e.Count > 0 && !math.IsInf(v, 0) {
			full = max(full, math.Abs(v))
		}
	})
	for i := range a.effects {
		s.Text(r.X+1, r.Y+2+i, 8, t.Text, fmt.Sprintf("stage %d", i+1))
	}
	each(func(stage, kind int, e solver.Effect) {
		x, y := r.X+9+kind*column, r.Y+2+stage
		if e.Count == 0 || y >= r.Y+r.H || x+column > r.X+r.W+4 {
			return
		}
		v := worth(e)
		text, st := cell.Signed(v, 2, s.Glyphs), t.Text
		switch {
		case math.IsInf(v, 1):
			text, v, st = "free", full, t.Good
		case v < 0:
			st = t.Warn
		}
		if heated(t, s.Glyphs) {
			s.Text(x+3, y, column-4, diverging(t, v, full), padLeft(text, column-5)+" ")
			return
		}
		s.Right(x, y, column-5, st, text)
		s.Bar(x+column-4, y, min(4, r.X+r.W-x-column+4), t.AccuracyBar, v, full)
	})
}

// Columns of the table of choices, in cells.
const choiceLabel, choiceColumn = 6, 6

// net is what a change gains, in points, less what it costs at the present prices,
// where there are some.
func net(c solver.Change) float64 {
	if math.IsNaN(c.ReducedCost) {
		return c.Accuracy
	}
	return c.ReducedCost
}

// columns are the options that the table has room for: all, or those around the
// choice under the cursor.
func (p *explainPane) columns(a *App, r cell.Rect) (first, n int) {
	options := a.space().NumOptions()
	n = max(1, min(options, (r.W-choiceLabel)/choiceColumn))
	if d := a.decision(p.row); d.block >= 0 {
		first = cell.ScrollTop(max(0, a.solution.Path.Option[d.block]), options, n)
	}
	return first, n
}

// drawChoices is the table of other choices, a heat map: a row is a decision, a column
// an option, a cell what it would gain at this budget; head begins with its title.
func (p *explainPane) drawChoices(a *App, s *cell.Screen, r, head cell.Rect) {
	t, space := s.Theme, a.space()
	what := "gain of other choices, net of their latency, points"
	switch {
	case len(a.detail.limits) > 0:
		what = "gain of other choices, net of " + a.pricesText(s.Glyphs)
	case math.IsNaN(a.solution.ShadowPrice):
		what = "gain of other choices, their latency apart, points"
	}
	s.Text(r.X+1, head.Y, r.W-1, t.Dim, what+"; [ ] is chosen")
	first, columns := p.columns(a, r)
	for o := first; o < first+columns; o++ {
		code := optionCode(space, o)
		st, mark := heatCell(t, s.Glyphs, code)
		if !heated(t, s.Glyphs) {
			s.Right(r.X+choiceLabel+(o-first)*choiceColumn, head.Y+1, choiceColumn, t.Strong, mark)
			continue
		}
		s.Text(r.X+choiceLabel+(o-first)*choiceColumn, head.Y+1, choiceColumn, st, fmt.Sprintf("k%de%g%s ", space.Options[o].Kernel, space.Options[o].Expansion, mark))
	}
	gains, full := p.gains(a)
	p.drawRows(a, s, p.rows(a, r), func(i int, l cell.Row) {
		d := a.decision(i)
		if d.block < 0 {
			l.Text(1, r.W, t.Strong, a.depthChoices(d.stage, net, s.Glyphs))
			return
		}
		l.Text(2, choiceLabel-2, t.Text, d.label(space))
		if !space.Active(a.solution.Path, d.block) {
			l.Text(choiceLabel+3, r.W, t.Dim, "off")
			return
		}
		for o := first; o < first+columns; o++ {
			x := choiceLabel + (o-first)*choiceColumn
			v := gains[[2]int{d.block, o}]
			switch {
			case o == a.solution.Path.Option[d.block]:
				l.Right(x, choiceColumn, t.Chosen, "[ ]")
			case heated(t, s.Glyphs):
				s.Text(r.X+x, l.R.Y, choiceColumn, diverging(t, v, full), padLeft(cell.Signed(v, 2, s.Glyphs), choiceColumn))
			default:
				l.Right(x, choiceColumn, heat(t, v), cell.Signed(v, 2, s.Glyphs))
			}
		}
	})
	s.Text(r.X+1, r.Y+r.H-2, r.W-2, t.Text, p.readout(a, r, gains, s.Glyphs))
	if !heated(t, s.Glyphs) {
		drawOptionLegend(s, space, r.X+1, r.Y+r.H-1, r.W-2)
		return
	}
	x := r.X + 1 + s.Text(r.X+1, r.Y+r.H-1, r.W-2, t.Dim, "loss ")
	for _, st := range t.Diverging {
		x += s.Text(x, r.Y+r.H-1, r.X+r.W-1-x, st, "  ")
	}
	s.Text(x, r.Y+r.H-1, r.X+r.W-1-x, t.Dim, fmt.Sprintf(" gain, to %s points; %s is with SE", cell.Number(full, 2), s.Glyphs.Pinned))
}

// gains are those of all other options, by block and option, and the largest gain or
// loss.
func (p *explainPane) gains(a *App) (gains map[[2]int]float64, full float64) {
	gains = map[[2]int]float64{}
	for _, c := range a.detail.sensitivity.Options {
		v := net(c.Change)
		gains[[2]int{c.Block, c.Option}] = v
		full = max(full, math.Abs(v))
	}
	return gains, full
}

// readout says in words what the choice under the pointer would gain, or the best
// other one in the row of the cursor.
func (p *explainPane) readout(a *App, r cell.Rect, gains map[[2]int]float64, g *cell.Glyphs) string {
	space, rows := a.space(), p.rows(a, r)
	d, option := a.decision(p.row), -1
	if p.pointer != cell.Nowhere {
		d = a.decision(min(rows.Top(p.row)+p.pointer.Y-rows.At.Y, rows.N-1))
		first, n := p.columns(a, r)
		if o := (p.pointer.X - r.X - choiceLabel) / choiceColumn; o >= 0 && o < n {
			option = first + o
		}
	}
	switch {
	case d.block < 0:
		return d.label(space) + " has " + d.of(space, a.solution.Path)
	case !space.Active(a.solution.Path, d.block):
		return d.label(space) + " is off"
	}
	chosen := a.solution.Path.Option[d.block]
	if option < 0 {
		for o := range space.Options {
			if o != chosen && (option < 0 || gains[[2]int{d.block, o}] > gains[[2]int{d.block, option}]) {
				option = o
			}
		}
	}
	text := d.label(space) + " is " + optionWords(space.Options[chosen].String())
	if option >= 0 && option != chosen {
		text += "; " + optionWords(space.Options[option].String()) + ": " + cell.Signed(gains[[2]int{d.block, option}], 3, g) + " pt"
	}
	return text
}

// point takes the pointer to a cell of the screen and reports whether that changes
// what is shown.
func (p *explainPane) point(a *App, x, y int) (changed bool) {
	to := cell.Nowhere
	if r := a.inside(paneExplain); r.Shown() && p.rows(a, r).At.Contains(x, y) {
		to = cell.Point{X: x, Y: y}
	}
	changed = to != p.pointer
	p.pointer = to
	return changed
}

// diverging is the colour of a gain or a loss, full being the largest.
func diverging(t *cell.Theme, v, full float64) uv.Style {
	middle := len(t.Diverging) / 2
	if full <= 0 || math.IsNaN(v) {
		return t.Diverging[middle]
	}
	n := int(math.Ceil(math.Abs(v)/full*float64(middle) - 1e-9))
	return t.Diverging[middle+int(math.Copysign(float64(min(n, middle)), v))]
}

// padLeft fills a text up to a width from the left.
func padLeft(text string, w int) string {
	return strings.Repeat(" ", max(0, w-ansi.StringWidth(text))) + text
}

// pricesText are the prices that the limits charge for what a choice uses.
func (a *App) pricesText(g *cell.Glyphs) string {
	var out []string
	for _, l := range a.detail.limits {
		if l.ShadowPrice > 0 {
			out = append(out, l.Name()+" "+limitPrice(l, g))
		}
	}
	if len(out) == 0 {
		return "nothing, as no limit has a price"
	}
	return strings.Join(out, ", ")
}

// depthChoices are the depths of a stage on one line.
func (a *App) depthChoices(stage int, net func(solver.Change) float64, g *cell.Glyphs) string {
	text := fmt.Sprintf("stage %d  depth [%d]", stage+1, a.solution.Path.Depth[stage])
	for _, c := range a.detail.sensitivity.Depths {
		if c.Stage == stage {
			text += fmt.Sprintf("   %d %s", c.Depth, cell.Signed(net(c.Change), 2, g))
		}
	}
	return text
}

// heat is the colour of a gain; the number says it too.
func heat(t *cell.Theme, v float64) uv.Style {
	switch {
	case v > 1e-9:
		return t.Warn // better, but it does not fit
	case v > -0.02:
		return t.Good
	case v > -0.1:
		return t.Text
	}
	return t.Dim
}

// goTo puts the cursor of the architecture on the decision, so that the Why pane is
// about it.
func (p *explainPane) goTo(a *App) tea.Cmd { return a.goToDecision(a.decision(p.row)) }
