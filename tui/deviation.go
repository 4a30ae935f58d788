package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// deviation is how far the prediction of a network may be off. It takes tenths of
// a millisecond, so it is computed in the background, one at a time.
type deviation struct {
	uncertainty *fit.Uncertainty // of the predictor that predicts; nil is unknown
	path        model.Path
	points      float64 // one standard deviation
}

// of reports that the deviation is that of a network, by a predictor.
func (d *deviation) of(u *fit.Uncertainty, p model.Path) bool {
	return u != nil && d.uncertainty == u && samePath(d.path, p)
}

func samePath(p, q model.Path) bool {
	return slices.Equal(p.Depth, q.Depth) && slices.Equal(p.Option, q.Option)
}

// askDeviation asks for the next deviation that is shown and not known, where the
// predictor knows it.
func (a *App) askDeviation() tea.Cmd {
	u, path := a.deviationWanted()
	if a.deviating || u == nil {
		return nil
	}
	a.deviating = true
	path = path.Clone()
	return a.background(func() func() tea.Cmd {
		d := deviation{u, path, u.Points(path)}
		return func() tea.Cmd {
			a.deviated(d)
			return nil
		}
	})
}

// deviationWanted is what to ask for next: the network shown first, then the one
// compared with, then those that are kept; nil where all is known.
func (a *App) deviationWanted() (*fit.Uncertainty, model.Path) {
	u := a.engine.Uncertainty
	if u != nil && a.hasSolution() && !a.deviationKnown() {
		return u, a.solution.Path
	}
	if c := a.compare; u != nil && !c.empty() && !c.deviation.of(u, c.path) && a.space().CheckPath(c.path) == nil {
		return u, c.path
	}
	for i := range a.snapshots {
		if k := &a.snapshots[i]; k.unknown != nil {
			return k.unknown, k.solution.Path
		}
	}
	return nil, model.Path{}
}

// deviated hands an answer to whatever it is about; if that is gone by now, it is
// dropped.
func (a *App) deviated(d deviation) {
	a.deviating, a.dirty = false, false
	if a.hasSolution() && d.of(a.engine.Uncertainty, a.solution.Path) {
		a.deviation, a.dirty = d, true
	}
	if c := a.compare; !c.empty() && d.of(a.engine.Uncertainty, c.path) {
		c.deviation, a.dirty = d, true
	}
	for i := range a.snapshots {
		if k := &a.snapshots[i]; d.of(k.unknown, k.solution.Path) {
			k.points, k.unknown = d.points, nil
		}
	}
}

func (a *App) deviationKnown() bool {
	return a.hasSolution() && a.deviation.of(a.engine.Uncertainty, a.solution.Path)
}

// deviationText is the deviation of the network shown in points; for a moment it
// is not known yet.
func (a *App) deviationText() string { return a.deviationOf(&a.deviation, a.solution.Path) }

func (a *App) deviationOf(d *deviation, p model.Path) string {
	if !d.of(a.engine.Uncertainty, p) {
		return a.glyphSet().Ellipsis
	}
	return cell.Number(d.points, 2)
}
