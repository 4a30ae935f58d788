package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/model"
)

// deviation is how far the prediction of the network shown may be off. It takes
// about a millisecond, so it is computed in the background, one at a time.
type deviation struct {
	generation int // of the engine it belongs to
	path       model.Path
	points     float64 // one standard deviation
	running    bool
}

// deviationMsg is the answer for a network.
type deviationMsg deviation

// askDeviation asks for that of the network shown, where the predictor knows it.
func (a *App) askDeviation() tea.Cmd {
	d := &a.deviation
	if a.engine.Uncertainty == nil || !a.hasSolution() || d.running || a.deviationKnown() {
		return nil
	}
	d.running = true
	msg := deviationMsg{generation: a.engineGeneration, path: a.solution.Path.Clone()}
	uncertainty := a.engine.Uncertainty
	a.working++
	return guard(func() tea.Msg {
		msg.points = uncertainty.Points(msg.path)
		return msg
	})
}

// deviated takes in an answer; if another network is shown by now, Update asks
// again.
func (a *App) deviated(msg deviationMsg) {
	a.working--
	a.deviation = deviation(msg)
	a.dirty = a.deviationKnown()
}

// deviationKnown reports that the deviation is of the network shown.
func (a *App) deviationKnown() bool {
	d := &a.deviation
	return a.hasSolution() && d.generation == a.engineGeneration &&
		slices.Equal(d.path.Depth, a.solution.Path.Depth) && slices.Equal(d.path.Option, a.solution.Path.Option)
}

// deviationText is the deviation in points; for a moment it is not known yet.
func (a *App) deviationText() string {
	if !a.deviationKnown() {
		return glyphSets[a.glyphs].ellipsis
	}
	return formatNumber(a.deviation.points, 2)
}
