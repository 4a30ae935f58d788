package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// comparePane lists in what the network shown differs from the one compared with,
// and what that costs.
type comparePane struct{ card }

func newComparePane() *comparePane {
	return &comparePane{card{id: paneCompare, name: "Compare", short: "compare", question: "what differs from a snapshot, a published network, another device's best?", key: "V", help: "go to the comparison: what differs"}}
}

func (p *comparePane) keys() []action {
	return []action{{"compare-go", []string{"enter", "space"}, "Result", "go to the difference under the cursor in the architecture", "go here", p.goTo}}
}

func (p *comparePane) goTo(a *App) tea.Cmd {
	if a.compare == nil {
		return a.openCompareMenu()
	}
	if all := a.differences(); len(all) > 0 {
		return a.goToDecision(all[min(p.row, len(all)-1)].decision)
	}
	return nil
}

func (p *comparePane) title(a *App) string {
	if a.compare == nil {
		return p.name
	}
	return p.name + " with " + a.compare.name
}

// difference is a decision in which the network shown and the one compared with
// are not the same.
type difference struct {
	decision
	latencyMS float64 // of the block now, less in the other network
}

// differences lists them stage by stage.
func (a *App) differences() []difference {
	c, space := a.compare, a.space()
	if c.empty() || !a.hasSolution() || space.CheckPath(c.path) != nil {
		return nil
	}
	now := a.solution.Path
	cost := func(p model.Path, b int) float64 {
		if !space.Active(p, b) {
			return 0
		}
		return a.engine.Table.BlockMS[b*space.NumOptions()+p.Option[b]]
	}
	var out []difference
	for _, d := range a.engine.Differences(c.path, now) {
		if s := d.Stage - 1; d.Block < 0 {
			out = append(out, difference{decision{s, -1}, 0})
		} else {
			b := s*space.MaxDepth + d.Block
			out = append(out, difference{decision{s, b}, cost(now, b) - cost(c.path, b)})
		}
	}
	return out
}

// compareHeader is the number of lines above the differences.
const compareHeader = 6

func (p *comparePane) rows(a *App, r cell.Rect) cell.Rows {
	return cell.Rows{N: len(a.differences()), At: r.Below(compareHeader)}
}

func (p *comparePane) draw(a *App, s *cell.Screen, r cell.Rect) {
	t, c := s.Theme, a.compare
	if c == nil {
		s.Lines(r, []string{
			"nothing to compare with yet:",
			a.keyOf("compare") + " keeps the network shown now",
			a.keyOf("snapshot") + " keeps it under a name",
			a.keyOf("compare-menu") + " chooses a snapshot, a published network or another device's best",
		})
		return
	}
	if c.empty() || !a.hasSolution() {
		s.Lines(r, []string{"no network to compare with keeps this budget: raise it"})
		return
	}
	line := func(st uv.Style, y int, name, accuracy, off, latency, note string) {
		off = s.Glyphs.Written(off) // before it is padded
		s.Text(r.X, y, r.W, st, fmt.Sprintf(" %-9s%12s%9s%12s  %s", name, accuracy, off, latency, note))
	}
	line(t.Dim, r.Y, "", "accuracy %", "", "latency ms", "")
	for i, n := range []struct {
		name                string
		accuracy, latencyMS float64
		deviation           *deviation
		path                model.Path
	}{{"now", a.solution.Accuracy, a.solution.LatencyMS, &a.deviation, a.solution.Path}, {"other", c.accuracy, c.latencyMS, &c.deviation, c.path}} {
		note := ""
		if a.engine.PredictorInfo.Extrapolates(n.accuracy) {
			note = "extrapolated"
		}
		line(t.Text, r.Y+1+i, n.name, cell.Number(n.accuracy, 2), a.errorText(n.deviation, n.path), a.ms(n.latencyMS), note)
	}
	line(t.Strong, r.Y+3, "now-other", cell.Signed(a.solution.Accuracy-c.accuracy, 2, s.Glyphs), "", cell.Signed(a.solution.LatencyMS-c.latencyMS, 2, s.Glyphs), "")
	if r.H > compareHeader {
		p.drawDifferences(a, s, r)
	}
}

func (p *comparePane) drawDifferences(a *App, s *cell.Screen, r cell.Rect) {
	t, space, y := s.Theme, a.space(), r.Y+compareHeader-1
	all := a.differences()
	if len(all) == 0 {
		s.Text(r.X+1, y, r.W-1, t.Good, "the same network")
		return
	}
	s.Text(r.X, y, r.W, t.Dim, fmt.Sprintf(" %-9s%-11s%-11s%9s", "where", "now", "other", "ms"))
	p.drawRows(a, s, p.rows(a, r), func(i int, l cell.Row) {
		d := all[i]
		ms := ""
		if d.block >= 0 {
			ms = cell.Signed(d.latencyMS, 2, s.Glyphs)
		}
		l.Text(1, r.W, t.Text, fmt.Sprintf("%s%s%s%9s", cell.Pad(d.label(space), 9),
			cell.Pad(d.of(space, a.solution.Path), 11), cell.Pad(d.of(space, a.compare.path), 11), ms))
	})
}

// click chooses what to compare with where there is nothing.
func (p *comparePane) click(a *App, _ cell.Rect, _, _ int) tea.Cmd {
	if a.compare == nil {
		return a.openCompareMenu()
	}
	return nil
}
