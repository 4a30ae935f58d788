package tui

import (
	"math"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/tui/cell"
	"github.com/binas-tui/binas-tui/tui/form"
)

// verification shows how well a table predicts whole networks, none of which it
// was fitted on: predicted against measured, each with its standard error.
type verification struct {
	keysOnly
	result explore.VerifiedTable
}

func (v *verification) Key(a *App, msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "esc", "q", "enter":
		a.Leave()
	case "U":
		a.Close()
		return a.useMeasured()
	}
	return nil
}

func (v *verification) Hints(*App) []hint {
	if v.result.Calibrated {
		return []hint{{Key: "U", Label: "use this table"}, {Key: "esc", Label: "close"}}
	}
	return []hint{{Key: "esc", Label: "close"}}
}

func (v *verification) Draw(a *App, s *cell.Screen) {
	t := s.Theme
	check, c := v.result.Verification, v.result.LUT.Calibration
	r := s.Centred(min(s.W, 84), min(s.H, 30), "Whole networks, predicted by "+sourceLabel(v.result.Name))
	y := 0
	write := func(st uv.Style, text string) {
		for _, line := range cell.Wrap(text, r.W-2) {
			s.Text(r.X+1, r.Y+y, r.W-2, st, line)
			y++
		}
	}
	write(t.Text, sanitize.Sprintf("shape error %.1f%%, worst %.1f%%; Kendall tau %.3f; %d networks not fitted on",
		100*check.ShapeMAPE, 100*check.ShapeWorst, check.Kendall, len(check.Networks)))
	ceiling := "ceiling not known: measured in one round"
	if !math.IsNaN(check.CeilingMAPE) {
		ceiling = sanitize.Sprintf("two halves of the measurement: %.1f%%, tau %.3f (ceiling)", 100*check.CeilingMAPE, check.CeilingKendall)
	}
	write(t.Dim, ceiling)
	level := sanitize.Sprintf("level: %.3f times what is predicted; error with it %.1f%%, worst %+.1f%%",
		check.Level, 100*check.MAPE, 100*check.Networks[check.Worst].Error())
	if c.Set() {
		level = sanitize.Sprintf("calibration: %.3f x sum %+.3f ms, fitted on %d others; error with the level %.1f%%", c.Slope, c.InterceptMS, c.Networks, 100*check.MAPE)
	}
	write(t.Dim, level)
	var points []cell.ScatterPoint
	for _, n := range check.Networks {
		points = append(points, cell.ScatterPoint{X: n.PredictedMS, Y: n.MeasuredMS, XBar: 2 * n.PredictedErrorMS, YBar: 2 * n.Measurement.StandardErrorMS, Mark: "o"})
	}
	cell.Scatter(s, cell.At(r.X+8, r.Y+y+1, r.W-10, r.H-y-4), "predicted ms", "measured ms, bars: 2 standard errors", points)
	s.Text(r.X+1, r.Y+r.H-1, r.W-2, t.Dim, form.HintLine(v.Hints(a)))
}
