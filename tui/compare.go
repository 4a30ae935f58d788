package tui

import (
	"github.com/binas-tui/binas-tui/model"

	tea "charm.land/bubbletea/v2"
)

// comparison is a network kept to compare the shown one with. All methods
// work on nil, which compares with nothing.
type comparison struct {
	name      string
	path      model.Path
	latencyMS float64
	accuracy  float64
}

// toggleCompare keeps the network shown, or stops comparing.
func (a *App) toggleCompare() tea.Cmd {
	if a.compare != nil {
		a.compare = nil
		a.say("stopped comparing")
		return nil
	}
	if !a.hasSolution() {
		return nil
	}
	name := formatNumber(a.limitMS, 2) + " ms"
	a.compare = &comparison{name, a.solution.Path.Clone(), a.solution.LatencyMS, a.solution.Accuracy}
	a.say("comparing with the network at " + name + "; c again to stop")
	return nil
}

func (c *comparison) depthDiffers(stage, depth int) (was int, differs bool) {
	if c == nil || stage >= len(c.path.Depth) || c.path.Depth[stage] == depth {
		return 0, false
	}
	return c.path.Depth[stage], true
}

// optionDiffers reports a block whose option is another in the comparison, and
// what it is there.
func (c *comparison) optionDiffers(block, option int, space *model.Space) (was string, differs bool) {
	if c == nil || block >= len(c.path.Option) {
		return "", false
	}
	if !space.Active(c.path, block) {
		return "off", true
	}
	if o := c.path.Option[block]; o != option {
		return space.Options[o].String(), true
	}
	return "", false
}
