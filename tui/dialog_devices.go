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
)

// openDeviceComparison chooses a table to compare the one in use with.
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

// devicesMsg is a comparison that has been computed.
type devicesMsg struct {
	comparison *explore.Comparison
	err        error
}

// compareDevices compares the table in use with another, in the background.
func (a *App) compareDevices(name string) tea.Cmd {
	ctx, profile, lut, predictor, inactive := a.ctx, a.engine.Profile, a.engine.LUTName, a.engine.PredictorName, a.engine.Inactive
	a.working++
	return guard(func() tea.Msg {
		var engines [2]*explore.Engine
		for i, n := range []string{lut, name} {
			setup, err := explore.Load(profile, n, predictor)
			if err == nil {
				setup.Inactive = inactive
				engines[i], err = explore.New(ctx, setup)
			}
			if err != nil {
				return devicesMsg{err: err}
			}
		}
		c, err := explore.CompareDevices(ctx, engines[0], engines[1], 1)
		return devicesMsg{c, err}
	})
}

// devicesCompared shows a comparison that has arrived.
func (a *App) devicesCompared(msg devicesMsg) {
	a.working--
	if msg.err != nil {
		a.warn(msg.err.Error())
		return
	}
	a.openLater(&devices{Comparison: msg.comparison})
}

// devices shows two tables side by side: every block's latency on one against
// the other, how alike they rank, and what the best networks for one cost on
// the other.
type devices struct {
	keysOnly
	*explore.Comparison
}

func (d *devices) key(a *App, msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "esc", "q", "enter":
		a.leaveDialog()
	case "U":
		a.closeDialog()
		return a.openSetup(a.engine.Profile, d.B, a.engine.PredictorName)
	}
	return nil
}

func (d *devices) hints(*App) []hint {
	return []hint{{"U", "explore with B"}, {"esc", "close"}}
}

func (d *devices) draw(a *App, s *cell.Screen) {
	t := s.Theme
	r := s.Centred(min(s.W, 92), min(s.H, 34), "A "+sourceLabel(d.A)+"   B "+sourceLabel(d.B))
	s.Text(r.X+1, r.Y, r.W-2, t.Text, sanitize.Sprintf("%d blocks: Kendall tau %.3f   %s", d.Blocks, float64(d.Kendall), d.Slower()))
	s.Text(r.X+1, r.Y+1, r.W-2, t.Dim, fmt.Sprintf("fixed part %s ms on A, %s ms on B", cell.Number(float64(d.FixedAMS), 2), cell.Number(float64(d.FixedBMS), 2)))
	rows := min(len(d.Transfers)+2, max(0, r.H-14))
	d.drawScatter(s, cell.At(r.X+9, r.Y+3, r.W-11, r.H-7-rows))
	d.drawTransfers(s, cell.At(r.X+1, r.Y+r.H-1-rows, r.W-2, rows))
	s.Text(r.X+1, r.Y+r.H-1, r.W-2, t.Dim, hintLine(d.hints(a)))
}

// drawScatter plots every block on logarithmic axes, the diagonal being the
// median ratio.
func (d *devices) drawScatter(s *cell.Screen, area cell.Rect) {
	lo, hi := math.Inf(1), math.Inf(-1)
	ratio := float64(d.MedianRatio)
	position := func(b explore.ComparedBlock) (x, y float64) {
		return math.Log10(float64(b.AMS)), math.Log10(float64(b.BMS) / ratio)
	}
	for _, b := range d.All {
		if b.AMS > 0 && b.BMS > 0 {
			x, y := position(b)
			lo, hi = min(lo, x, y), max(hi, x, y)
		}
	}
	margin := (hi - lo) * 0.05
	cell.Scatter(s, area, lo-margin, hi+margin, lo-margin, hi+margin, "log10 ms on A", sanitize.Sprintf("log10 of ms on B / %.2f", ratio), nil, func(mark func(x, y float64, glyph string)) {
		for _, b := range d.All {
			if b.AMS > 0 && b.BMS > 0 {
				x, y := position(b)
				mark(x, y, fmt.Sprint(b.Stage))
			}
		}
	})
	s.Right(area.X, area.Y-1, area.W, s.Theme.Dim, "digits: stages")
}

func (d *devices) drawTransfers(s *cell.Screen, r cell.Rect) {
	t := s.Theme
	lines := []string{sanitize.Sprintf("%-26s%10s%15s%11s%17s", "the best network for one", "limit", "on the other", "accuracy", "best there")}
	for _, x := range d.Transfers {
		lines = append(lines, sanitize.Sprintf("%-26s%7s ms%12s ms%11s%17s", x.Way, cell.Number(float64(x.LimitMS), 2), cell.Number(float64(x.LatencyMS), 2),
			cell.Number(float64(x.Accuracy), 2), cell.Number(float64(x.BestAccuracy), 2)+" "+cell.Signed(-float64(x.Lost), 2, s.Glyphs)))
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
