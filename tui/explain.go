package tui

import (
	"fmt"
	"math"
	"strings"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"

	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/solver"
)

// explainView is the state of the pane.
type explainView struct {
	row     int
	insight []solver.StageEffect // of the engine
}

// insightLines is the height of the table of stages, with the line below it.
func (a *App) insightLines(height int) int {
	if n := len(a.explain.insight) + 3; height >= n+6 {
		return n
	}
	return 0
}

// drawExplain shows where the space pays, stage by stage, and below it, for
// every decision of the network shown, what every other choice would gain or
// cost at the present prices of the limits.
func (a *App) drawExplain(s *screen, r rect) {
	if n := a.insightLines(r.h); n > 0 {
		a.drawInsight(s, rect{r.x, r.y, r.w, n - 1})
		r = rect{r.x, r.y + n, r.w, r.h - n}
	}
	if !a.hasSolution() || len(a.detail.sensitivity.Options) == 0 {
		lines := []string{"no network is shown yet: " + a.keyOf("budget-up") + " raises the budget"}
		if a.hasSolution() {
			lines = []string{"other choices are compared for a bilinear or quadratic predictor: " + a.keyOf("predictor") + " chooses one"}
		}
		a.drawLines(s, r, lines)
		return
	}
	a.drawChoices(s, r)
}

// drawInsight is a heat map: a row is a stage, a column a kind of decision, a
// cell its points per millisecond, as a number and as a bar.
func (a *App) drawInsight(s *screen, r rect) {
	t := s.theme
	const cell = 16
	s.text(r.x+1, r.y, r.w-1, t.dim, "what pays, points per ms")
	for k, name := range effectNames {
		s.right(r.x+8+k*cell, r.y+1, cell-1, t.dim, name)
	}
	full := 0.0
	each := func(draw func(stage, kind int, e solver.Effect)) {
		for i, st := range a.explain.insight {
			for k, e := range []solver.Effect{st.Depth, st.Expansion, st.Kernel, st.SqueezeExcite} {
				draw(i, k, e)
			}
		}
	}
	each(func(_, _ int, e solver.Effect) {
		if v := worth(e); e.Count > 0 && !math.IsInf(v, 0) {
			full = max(full, math.Abs(v))
		}
	})
	for i := range a.explain.insight {
		s.text(r.x+1, r.y+2+i, 8, t.text, fmt.Sprintf("stage %d", i+1))
	}
	each(func(stage, kind int, e solver.Effect) {
		x, y := r.x+9+kind*cell, r.y+2+stage
		if e.Count == 0 || y >= r.y+r.h || x+cell > r.x+r.w+4 {
			return
		}
		v := worth(e)
		text, st := signed(v, 2, s.glyphs), t.text
		switch {
		case math.IsInf(v, 1):
			text, v, st = "free", full, t.good
		case v < 0:
			st = t.warn
		}
		s.right(x, y, cell-5, st, text)
		s.bar(x+cell-4, y, min(4, r.x+r.w-x-cell+4), t.accuracyBar, v, full)
	})
}

// drawChoices is the table of other choices: a row is a decision, a column an
// option, a cell what it would gain at this budget.
func (a *App) drawChoices(s *screen, r rect) {
	t, space := s.theme, a.space()
	const label, cell = 6, 6
	net := func(c solver.Change) float64 {
		if math.IsNaN(c.ReducedCost) {
			return c.Accuracy
		}
		return c.ReducedCost
	}
	what := "gain of other choices, net of their latency, points"
	switch {
	case len(a.detail.limits) > 0:
		what = "gain of other choices, net of " + a.pricesText(s.glyphs)
	case math.IsNaN(a.solution.ShadowPrice):
		what = "gain of other choices, their latency apart, points"
	}
	s.text(r.x+1, r.y, r.w-1, t.dim, what+"; [ ] is chosen")
	rows := a.sweepRows()
	room := r.h - 3
	// Where not all columns fit, those around the choice under the cursor are shown.
	columns := max(1, min(space.NumOptions(), (r.w-label)/cell))
	first := 0
	if d := a.sweepRow(min(a.explain.row, rows-1)); d.block >= 0 {
		first = scrollTop(max(0, a.solution.Path.Option[d.block]), space.NumOptions(), columns)
	}
	for o := first; o < first+columns; o++ {
		s.right(r.x+label+(o-first)*cell, r.y+1, cell, t.strong, letters[optionCode(space, o)])
	}
	top := scrollTop(a.explain.row, rows, room)
	gains := map[[2]int]float64{}
	for _, c := range a.detail.sensitivity.Options {
		gains[[2]int{c.Block, c.Option}] = net(c.Change)
	}
	for i := range min(room, rows-top) {
		d, y := a.sweepRow(top+i), r.y+2+i
		selected := top+i == a.explain.row && a.focus == paneExplain
		s.row(r, y, selected, t.text, "")
		if d.block < 0 {
			s.text(r.x+1, y, r.w-1, over(selected, t.strong, t), a.depthChoices(d.stage, net, s.glyphs))
			continue
		}
		s.text(r.x+1, y, label-1, over(selected, t.text, t), " "+decisionLabel(space, d))
		if !space.Active(a.solution.Path, d.block) {
			s.text(r.x+label+3, y, r.w-label, over(selected, t.dim, t), "off")
			continue
		}
		for o := first; o < first+columns; o++ {
			text, st := "[ ]", t.chosen
			if o != a.solution.Path.Option[d.block] {
				v := gains[[2]int{d.block, o}]
				text, st = signed(v, 2, s.glyphs), t.heat(v)
			}
			s.right(r.x+label+(o-first)*cell, y, cell, over(selected, st, t), text)
		}
	}
	s.text(r.x+1, r.y+r.h-1, r.w-2, t.dim, sweepLegend(space, r.w-2))
}

// pricesText are the prices that the limits charge for what a choice uses.
func (a *App) pricesText(g *glyphs) string {
	var out []string
	for _, l := range a.detail.limits {
		if l.ShadowPrice > 0 {
			out = append(out, sanitize.Line(l.Name())+" "+limitPrice(l, g))
		}
	}
	if len(out) == 0 {
		return "nothing, as no limit has a price"
	}
	return strings.Join(out, ", ")
}

// depthChoices are the depths of a stage on one line.
func (a *App) depthChoices(stage int, net func(solver.Change) float64, g *glyphs) string {
	text := fmt.Sprintf("stage %d  depth [%d]", stage+1, a.solution.Path.Depth[stage])
	for _, c := range a.detail.sensitivity.Depths {
		if c.Stage == stage {
			text += fmt.Sprintf("   %d %s", c.Depth, signed(net(c.Change), 2, g))
		}
	}
	return text
}

// heat is the colour of a gain; the number says it too.
func (t *theme) heat(v float64) uv.Style {
	switch {
	case v > 1e-9:
		return t.warn // better, but it does not fit
	case v > -0.02:
		return t.good
	case v > -0.1:
		return t.text
	}
	return t.dim
}

func (a *App) clickExplain(inside rect, _, y int) tea.Cmd {
	n := a.insightLines(inside.h)
	a.explain.row = y - n - 2 + scrollTop(a.explain.row, a.sweepRows(), inside.h-n-3)
	return nil
}

// explainGo puts the cursor of the architecture on the decision, so that the Why
// pane is about it.
func (a *App) explainGo() tea.Cmd {
	d := a.sweepRow(a.explain.row)
	for i, row := range a.archRows() {
		if row == d {
			a.archRow, a.whyRow = i, 0
			a.setFocus(paneArchitecture)
			return nil
		}
	}
	a.say("this block is off")
	return nil
}
