package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"

	"github.com/binas-tui/binas-tui/model"
)

// difference is a decision in which the network shown and the one compared with
// are not the same.
type difference struct {
	decision  archRow
	latencyMS float64 // of the block now, less in the other network
}

// differences lists them stage by stage.
func (a *App) differences() []difference {
	c, space := a.compare, a.space()
	if c.empty() || !a.hasSolution() || space.CheckPath(c.path) != nil {
		return nil
	}
	now := a.solution.Path
	var out []difference
	cost := func(p []int, b int, active bool) float64 {
		if !active {
			return 0
		}
		return a.engine.Table.BlockMS[b*space.NumOptions()+p[b]]
	}
	for s := range space.Stages {
		if now.Depth[s] != c.path.Depth[s] {
			out = append(out, difference{archRow{s, -1}, 0})
		}
		for b := s * space.MaxDepth; b < (s+1)*space.MaxDepth; b++ {
			on, was := space.Active(now, b), space.Active(c.path, b)
			if on != was || (on && now.Option[b] != c.path.Option[b]) {
				out = append(out, difference{archRow{s, b}, cost(now.Option, b, on) - cost(c.path.Option, b, was)})
			}
		}
	}
	return out
}

func (a *App) compareTitle() string {
	if a.compare == nil {
		return panes[paneCompare].title
	}
	return "Compare with " + a.compare.name
}

// drawCompare lists what differs, and what it costs.
func (a *App) drawCompare(s *screen, r rect) {
	t, c := s.theme, a.compare
	if c == nil {
		a.drawLines(s, r, []string{
			"nothing to compare with yet:",
			a.keyOf("compare") + " keeps the network shown now",
			a.keyOf("snapshot") + " keeps it under a name",
			a.keyOf("compare-menu") + " chooses a snapshot, a published network or another device's best",
		})
		return
	}
	if c.empty() || !a.hasSolution() {
		a.drawLines(s, r, []string{"no network to compare with keeps this budget: raise it"})
		return
	}
	line := func(st uv.Style, y int, name, accuracy, off, latency, note string) {
		off = s.glyphs.written(off) // before it is padded
		s.text(r.x, y, r.w, st, fmt.Sprintf(" %-9s%12s%9s%12s  %s", name, accuracy, off, latency, note))
	}
	line(t.dim, r.y, "", "accuracy %", "", "latency ms", "")
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
		line(t.text, r.y+1+i, n.name, formatNumber(n.accuracy, 2), a.errorText(n.deviation, n.path), a.ms(n.latencyMS), note)
	}
	line(t.strong, r.y+3, "now-other", signed(a.solution.Accuracy-c.accuracy, 2, s.glyphs), "", signed(a.solution.LatencyMS-c.latencyMS, 2, s.glyphs), "")
	if r.h > compareHeader {
		a.drawDifferences(s, rect{r.x, r.y + compareHeader - 1, r.w, r.h - compareHeader + 1})
	}
}

// compareHeader is the number of lines above the differences.
const compareHeader = 6

func (a *App) drawDifferences(s *screen, r rect) {
	t, space := s.theme, a.space()
	rows := a.differences()
	if len(rows) == 0 {
		s.text(r.x+1, r.y, r.w-1, t.good, "the same network")
		return
	}
	s.text(r.x, r.y, r.w, t.dim, fmt.Sprintf(" %-9s%-11s%-11s%9s", "where", "now", "other", "ms"))
	top := scrollTop(a.compareRow, len(rows), r.h-1)
	for i := range min(r.h-1, len(rows)-top) {
		d, y := rows[top+i], r.y+1+i
		selected := top+i == a.compareRow && a.focus == paneCompare
		ms := ""
		if d.decision.block >= 0 {
			ms = signed(d.latencyMS, 2, s.glyphs)
		}
		s.row(r, y, selected, t.text, fmt.Sprintf(" %s%s%s%9s", pad(decisionLabel(space, d.decision), 9),
			pad(decisionText(space, a.solution.Path, d.decision), 11), pad(decisionText(space, a.compare.path, d.decision), 11), ms))
	}
}

func (a *App) clickCompare(inside rect, _, y int) tea.Cmd {
	if a.compare == nil {
		return a.openCompareMenu()
	}
	if y >= compareHeader {
		a.compareRow = y - compareHeader + scrollTop(a.compareRow, len(a.differences()), inside.h-compareHeader)
	}
	return nil
}
