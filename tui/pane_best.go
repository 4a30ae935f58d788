package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// bestPane lists the best networks under the limits and in what they differ from
// the first.
type bestPane struct{ card }

func newBestPane() *bestPane {
	return &bestPane{card{id: paneBest, name: "Best networks", short: "best", question: "which networks come next, and in what do they differ?", key: "t", help: "go to the best networks at this budget and how they differ"}}
}

func (p *bestPane) keys() []action {
	return []action{{"best-compare", []string{"enter", "space"}, "Explain", "compare the network shown with the one under the cursor", "compare", p.compare}}
}

// bestNetworks are the best networks at the budget shown; nil while they are
// searched.
func (a *App) bestNetworks() []solver.MultiLimitNetwork {
	if !a.searchCurrent() {
		return nil
	}
	return a.search.found.Top
}

func (p *bestPane) rows(a *App, r cell.Rect) cell.Rows {
	return cell.Rows{N: len(a.bestNetworks()), At: r.Below(1)}
}

func (p *bestPane) draw(a *App, s *cell.Screen, r cell.Rect) {
	top := a.bestNetworks()
	if len(top) == 0 {
		lines := []string{"searching the best networks" + s.Glyphs.Ellipsis}
		switch {
		case !a.engine.Bilinear():
			lines = []string{"the best networks are listed for a bilinear predictor: " + a.keyOf("predictor") + " chooses one"}
		case a.search.none != "" && a.searchCurrent():
			lines = []string{a.search.none, a.keyOf("budget-up") + " raises the budget, " + a.keyOf("show-limits") + " shows the limits"}
		case a.searchCurrent() && !a.hasSolution():
			lines = []string{"no network fits this budget: " + a.keyOf("budget-up") + " raises it"}
		}
		s.Lines(r, lines)
		return
	}
	s.Text(r.X, r.Y, r.W, s.Theme.Dim, fmt.Sprintf(" %2s%9s%9s%9s  %s", "", "points", "%", "ms", "differs from the first in"))
	p.drawRows(a, s, p.rows(a, r), func(i int, l cell.Row) {
		b := top[i]
		l.Text(1, r.W, s.Theme.Text, fmt.Sprintf("%2d%9s%9s%9s  %s", i+1, cell.Signed(b.Accuracy-top[0].Accuracy, 3, s.Glyphs),
			cell.Number(b.Accuracy, 2), cell.Number(b.Used[0], 2), a.differenceText(top[0].Path, b.Path)))
	})
}

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

func (p *bestPane) compare(a *App) tea.Cmd {
	top := a.bestNetworks()
	if len(top) == 0 {
		return a.say("the best networks are not known yet")
	}
	b := top[min(p.row, len(top)-1)]
	a.record(false)
	a.compare = &comparison{name: fmt.Sprintf("number %d", p.row+1), path: b.Path.Clone(), latencyMS: b.Used[0], accuracy: b.Accuracy}
	a.setFocus(paneCompare)
	return nil
}
