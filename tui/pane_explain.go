package tui

import (
	"fmt"
	"math"
	"strings"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"

	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// explainPane shows where the space pays, stage by stage, and below it, for every
// decision of the network shown, what every other choice would gain or cost at the
// present prices of the limits.
type explainPane struct{ card }

func newExplainPane() *explainPane {
	return &explainPane{card{id: paneExplain, name: "Explain", short: "explain", question: "what would every other choice gain or cost, and where does the space pay?",
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

// rows are the decisions, between two lines of header and the legend.
func (p *explainPane) rows(a *App, r cell.Rect) cell.Rows {
	at := r.Below(a.insightLines(r.H) + 2)
	at.H--
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
		s.Right(x, y, column-5, st, text)
		s.Bar(x+column-4, y, min(4, r.X+r.W-x-column+4), t.AccuracyBar, v, full)
	})
}

// drawChoices is the table of other choices: a row is a decision, a column an
// option, a cell what it would gain at this budget; head begins with its title.
func (p *explainPane) drawChoices(a *App, s *cell.Screen, r, head cell.Rect) {
	t, space := s.Theme, a.space()
	const label, column = 6, 6
	net := func(c solver.Change) float64 {
		if math.IsNaN(c.ReducedCost) {
			return c.Accuracy
		}
		return c.ReducedCost
	}
	what := "gain of other choices, net of their latency, points"
	switch {
	case len(a.detail.limits) > 0:
		what = "gain of other choices, net of " + a.pricesText(s.Glyphs)
	case math.IsNaN(a.solution.ShadowPrice):
		what = "gain of other choices, their latency apart, points"
	}
	s.Text(r.X+1, head.Y, r.W-1, t.Dim, what+"; [ ] is chosen")
	// Where not all columns fit, those around the choice under the cursor are shown.
	columns := max(1, min(space.NumOptions(), (r.W-label)/column))
	first := 0
	if d := a.decision(p.row); d.block >= 0 {
		first = cell.ScrollTop(max(0, a.solution.Path.Option[d.block]), space.NumOptions(), columns)
	}
	for o := first; o < first+columns; o++ {
		s.Right(r.X+label+(o-first)*column, head.Y+1, column, t.Strong, letters[optionCode(space, o)])
	}
	gains := map[[2]int]float64{}
	for _, c := range a.detail.sensitivity.Options {
		gains[[2]int{c.Block, c.Option}] = net(c.Change)
	}
	p.drawRows(a, s, p.rows(a, r), func(i int, l cell.Row) {
		d := a.decision(i)
		if d.block < 0 {
			l.Text(1, r.W, t.Strong, a.depthChoices(d.stage, net, s.Glyphs))
			return
		}
		l.Text(2, label-2, t.Text, d.label(space))
		if !space.Active(a.solution.Path, d.block) {
			l.Text(label+3, r.W, t.Dim, "off")
			return
		}
		for o := first; o < first+columns; o++ {
			text, st := "[ ]", t.Chosen
			if o != a.solution.Path.Option[d.block] {
				v := gains[[2]int{d.block, o}]
				text, st = cell.Signed(v, 2, s.Glyphs), heat(t, v)
			}
			l.Right(label+(o-first)*column, column, st, text)
		}
	})
	s.Text(r.X+1, r.Y+r.H-1, r.W-2, t.Dim, optionLegend(space, r.W-2))
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
