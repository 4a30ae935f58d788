package tui

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/tui/cell"
	"github.com/binas-tui/binas-tui/tui/form"
)

func (a *App) openDeviceComparison() tea.Cmd {
	space, found, current := a.space(), a.results.tables, a.engine.LUTName
	return a.sources(func() []explore.Source { return comparableTables(space, current, found) }, func(a *App, all []explore.Source) {
		isFile := func(s explore.Source) bool { return slices.Contains(found, s) }
		files := slices.DeleteFunc(slices.Clone(all), func(s explore.Source) bool { return !isFile(s) })
		a.openSources("Compare with another device", slices.DeleteFunc(all, isFile), files, "", func(a *App, name string) tea.Cmd { return a.compareDevices(name) })
	})
}

// comparableTables are those known by name and those of run folders that fit a space,
// without the one in use.
func comparableTables(space *model.Space, current string, found []explore.Source) []explore.Source {
	return slices.DeleteFunc(slices.Concat(explore.LUTs(), found), func(s explore.Source) bool {
		lut, err := explore.LoadLUT(cmp.Or(s.Path, s.Name))
		if err == nil {
			_, err = lut.Table(space)
		}
		return err != nil || s.Name == current || s.Path == current
	})
}

func (a *App) compareDevices(name string) tea.Cmd {
	ctx, profile, lut, predictor, inactive := a.ctx, a.engine.Profile, a.engine.LUTName, a.engine.PredictorName, a.engine.Inactive
	return a.background(func() func() tea.Cmd {
		c, err := explore.CompareTables(ctx, profile, [2]string{lut, name}, predictor, inactive, 1)
		return func() tea.Cmd {
			if err != nil {
				return a.warn(err.Error())
			}
			a.openLater(&devices{Comparison: c})
			return nil
		}
	})
}

// devices shows two tables side by side: every block's latency on one against
// the other, how alike they rank, and what the best networks for one cost on
// the other.
type devices struct {
	keysOnly
	*explore.Comparison
}

func (d *devices) Key(a *App, msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "esc", "q", "enter":
		a.Leave()
	case "U":
		a.Close()
		return a.openSetup(a.engine.Profile, d.B, a.engine.PredictorName)
	}
	return nil
}

func (d *devices) Hints(*App) []hint {
	return []hint{{Key: "U", Label: "explore with B"}, {Key: "esc", Label: "close"}}
}

func (d *devices) Draw(a *App, s *cell.Screen) {
	t := s.Theme
	r := s.Centred(min(s.W, 92), min(s.H, 34), "A "+sourceLabel(d.A)+"   B "+sourceLabel(d.B))
	s.Text(r.X+1, r.Y, r.W-2, t.Text, sanitize.Sprintf("%d blocks: Kendall tau %.3f   %s", d.Blocks, float64(d.Kendall), d.Slower()))
	s.Text(r.X+1, r.Y+1, r.W-2, t.Dim, fmt.Sprintf("fixed part %s ms on A, %s ms on B", cell.Number(float64(d.FixedAMS), 2), cell.Number(float64(d.FixedBMS), 2)))
	rows := min(len(d.Transfers)+2, max(0, r.H-14))
	d.drawScatter(s, cell.At(r.X+9, r.Y+3, r.W-11, r.H-7-rows))
	d.drawTransfers(s, cell.At(r.X+1, r.Y+r.H-1-rows, r.W-2, rows))
	s.Text(r.X+1, r.Y+r.H-1, r.W-2, t.Dim, form.HintLine(d.Hints(a)))
}

// drawScatter plots every block on logarithmic axes, the diagonal being the
// median ratio.
func (d *devices) drawScatter(s *cell.Screen, area cell.Rect) {
	ratio := float64(d.MedianRatio)
	var points []cell.ScatterPoint
	for _, b := range d.All {
		if b.AMS > 0 && b.BMS > 0 {
			points = append(points, cell.ScatterPoint{X: math.Log10(float64(b.AMS)), Y: math.Log10(float64(b.BMS) / ratio), Mark: fmt.Sprint(b.Stage)})
		}
	}
	cell.Scatter(s, area, "log10 ms on A", sanitize.Sprintf("log10 of ms on B / %.2f", ratio), points)
	s.Right(area.X, area.Y-1, area.W, s.Theme.Dim, "digits: stages")
}

func (d *devices) drawTransfers(s *cell.Screen, r cell.Rect) {
	t := s.Theme
	lines := []string{sanitize.Sprintf("%-24s%9s%15s%10s%17s", "the best network for one", "limit", "on the other", "accuracy", "best there")}
	for _, x := range d.Transfers {
		lines = append(lines, sanitize.Sprintf("%-24s%6s ms%12s ms%10s%17s", x.Way, cell.Number(float64(x.LimitMS), 2), cell.Number(float64(x.LatencyMS), 2),
			cell.Number(float64(x.Accuracy), 2), cell.Number(float64(x.BestAccuracy), 2)+" "+cell.Signed(-float64(x.Lost), 2, s.Glyphs)))
	}
	if left := len(lines) - r.H; left > 0 && r.H > 1 {
		lines = append(lines[:r.H-1], sanitize.Sprintf("%s and %d more: a higher screen shows them", s.Glyphs.Ellipsis, left+1))
	}
	for i, l := range lines {
		if i >= r.H {
			return
		}
		st := t.Text
		if i == 0 {
			st = t.Dim
		}
		s.Text(r.X, r.Y+i, r.W, st, l)
	}
}
