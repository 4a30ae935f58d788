package tui

import (
	"math"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/sanitize"
)

// verification shows how well a table predicts whole networks: predicted
// against measured, on networks that the calibration was not fitted on.
type verification struct {
	result explore.CalibratedTable
}

func (v *verification) key(a *App, msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "esc", "q", "enter":
		a.closeDialog()
	case "U":
		a.closeDialog()
		return a.useMeasured()
	}
	return nil
}

func (v *verification) paste(*App, string) tea.Cmd       { return nil }
func (v *verification) mouse(*App, tea.MouseMsg) tea.Cmd { return nil }

func (v *verification) draw(a *App, s *screen) {
	t := s.theme
	check, c := v.result.Verification, v.result.LUT.Calibration
	r := s.centred(min(s.w, 84), min(s.h, 28), "Whole networks, predicted by "+sourceLabel(v.result.Name))
	s.text(r.x+1, r.y, r.w-2, t.text, sanitize.Sprintf("error %.1f%% on average, worst %+.1f%%   Kendall tau %.3f   %d networks, none fitted on",
		100*check.MAPE, 100*check.Networks[check.Worst].Error(), check.Kendall, len(check.Networks)))
	s.text(r.x+1, r.y+1, r.w-2, t.dim, sanitize.Sprintf("calibration: %.3f x sum %+.3f ms, fitted on %d other networks", c.Slope, c.InterceptMS, c.Networks))
	lo, hi := math.Inf(1), 0.0
	for _, n := range check.Networks {
		lo, hi = min(lo, n.PredictedMS, n.MeasuredMS), max(hi, n.PredictedMS, n.MeasuredMS)
	}
	margin := (hi - lo) * 0.05
	area := rect{r.x + 8, r.y + 3, r.w - 10, r.h - 6}
	scatter(s, area, lo-margin, hi+margin, lo-margin, hi+margin, "predicted ms", "measured ms", func(plot *plot, mark func(x, y float64, st string)) {
		for _, n := range check.Networks {
			mark(n.PredictedMS, n.MeasuredMS, "o")
		}
	})
	s.text(r.x+1, r.y+r.h-1, r.w-2, t.dim, "U use this table   esc close")
}

// scatter draws points around the diagonal with axes.
func scatter(s *screen, area rect, x0, x1, y0, y1 float64, xName, yName string, points func(*plot, func(x, y float64, glyph string))) {
	t := s.theme
	if area.w < 10 || area.h < 4 || !(x1 > x0) || !(y1 > y0) {
		return
	}
	p := newPlot(area.w, area.h, s.glyphs, x0, x1, y0, y1)
	for c := range p.w * p.cols {
		if x := p.xAt(float64(c) + 0.5); x >= y0 && x <= y1 {
			p.dot(c, p.row(x))
		}
	}
	for y := range area.h {
		s.set(area.x-1, area.y+y, t.border, s.glyphs.border.Left)
		for x := range area.w {
			if g := p.glyph(x, y); g != "" {
				s.set(area.x+x, area.y+y, t.dim, g)
			}
		}
	}
	for x := range area.w {
		s.set(area.x+x, area.y+area.h, t.border, s.glyphs.border.Bottom)
	}
	s.set(area.x-1, area.y+area.h, t.border, s.glyphs.border.BottomLeft)
	for _, v := range niceTicks(y0, y1, max(2, area.h/4)) {
		if row := p.row(v) / p.rows; row >= 0 && row < area.h {
			s.right(area.x-8, area.y+row, 7, t.dim, tickLabel(v))
		}
	}
	end := area.x
	for _, v := range niceTicks(x0, x1, max(2, area.w/12)) {
		label := tickLabel(v)
		x := area.x + p.column(v)/p.cols - len(label)/2
		if x >= end && x+len(label) <= area.x+area.w-len(xName)-1 {
			s.text(x, area.y+area.h+1, len(label), t.dim, label)
			end = x + len(label) + 1
		}
	}
	s.right(area.x, area.y+area.h+1, area.w, t.dim, xName)
	s.text(area.x-7, area.y-1, min(32, area.w), t.dim, yName)
	points(p, func(x, y float64, glyph string) {
		column, row := p.column(x)/p.cols, p.row(y)/p.rows
		if column >= 0 && column < area.w && row >= 0 && row < area.h {
			s.set(area.x+column, area.y+row, t.chosen, glyph)
		}
	})
}
