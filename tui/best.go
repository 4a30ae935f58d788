package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
)

// bestNetworks are the best networks at the budget shown; nil while they are
// searched.
func (a *App) bestNetworks() []solver.LimitedSolution {
	if !a.searchCurrent() {
		return nil
	}
	return a.search.found.Top
}

// drawBest lists the best networks under the limits and in what they differ from
// the first.
func (a *App) drawBest(s *screen, r rect) {
	t := s.theme
	top := a.bestNetworks()
	if len(top) == 0 {
		lines := []string{"searching the best networks" + s.glyphs.ellipsis}
		switch {
		case !a.engine.Bilinear():
			lines = []string{"the best networks are listed for a bilinear predictor: " + a.keyOf("predictor") + " chooses one"}
		case a.search.none != "" && a.searchCurrent():
			lines = []string{a.search.none, a.keyOf("budget-up") + " raises the budget, " + a.keyOf("show-limits") + " shows the limits"}
		case a.searchCurrent() && !a.hasSolution():
			lines = []string{"no network fits this budget: " + a.keyOf("budget-up") + " raises it"}
		}
		a.drawLines(s, r, lines)
		return
	}
	s.text(r.x, r.y, r.w, t.dim, fmt.Sprintf(" %2s%9s%9s%9s  %s", "", "points", "%", "ms", "differs from the first in"))
	first := scrollTop(a.bestRow, len(top), r.h-1)
	for i := range min(r.h-1, len(top)-first) {
		b, y := top[first+i], r.y+1+i
		selected := first+i == a.bestRow && a.focus == paneBest
		s.row(r, y, selected, t.text, fmt.Sprintf(" %2d%9s%9s%9s  %s", first+i+1, signed(b.Accuracy-top[0].Accuracy, 3, s.glyphs),
			formatNumber(b.Accuracy, 2), formatNumber(b.Used[0], 2), a.differenceText(top[0].Path, b.Path)))
	}
}

// differenceText lists the decisions in which a network differs from another.
func (a *App) differenceText(from, to model.Path) string {
	var out []string
	for _, d := range a.engine.Differences(from, to) {
		out = append(out, d.Where()+" "+strings.ReplaceAll(d.To, " ·", ""))
	}
	if len(out) == 0 {
		return "-"
	}
	return strings.Join(out, ", ")
}

func (a *App) clickBest(inside rect, _, y int) tea.Cmd {
	a.bestRow = y - 1 + scrollTop(a.bestRow, len(a.bestNetworks()), inside.h-1)
	return nil
}

// compareBest compares the network shown with one of the best.
func (a *App) compareBest() tea.Cmd {
	top := a.bestNetworks()
	if len(top) == 0 {
		a.say("the best networks are not known yet")
		return nil
	}
	b := top[a.bestRow]
	a.compare = &comparison{name: fmt.Sprintf("number %d", a.bestRow+1), path: b.Path.Clone(), latencyMS: b.Used[0], accuracy: b.Accuracy}
	a.setFocus(paneCompare)
	return nil
}
