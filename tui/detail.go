package tui

import (
	"strings"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// detail explains the solution shown: computed once for each solution.
type detail struct {
	cost          model.Cost
	contributions solver.Contributions
	sensitivity   solver.Sensitivity
	limits        []explore.Limit // several: those that the sensitivity is charged by
	gains         []float64       // per block: points over the mean of its options
}

func (d *detail) explain(a *App) {
	*d = detail{gains: d.gains[:0]}
	if !a.hasSolution() {
		return
	}
	e, path := a.engine, a.solution.Path
	d.cost, _ = e.Space.Architecture(path).Cost(e.Space.ImageSize, e.NumClasses())
	if a.proving() {
		d.sensitivity = e.Sensitivity(&a.solution, nil)
	}
	if !e.Bilinear() {
		for b := range path.Option {
			gain := 0.0
			if e.Space.Active(path, b) {
				gain = e.Contribution(path, b)
			}
			d.gains = append(d.gains, gain)
		}
		return
	}
	d.contributions = e.Contributions(path)
	d.gains = append(d.gains, d.contributions.Block...)
	if a.limited() {
		d.limits = a.search.found.Limits
	}
	d.sensitivity = e.Sensitivity(&a.solution, d.limits)
}

// charges says what each of several limits takes for a change, in points.
func (d *detail) charges(uses []float64, g *cell.Glyphs) string {
	var out []string
	for i, l := range d.limits {
		if i < len(uses) && l.Charge(uses[i]) != 0 {
			out = append(out, l.Name()+" "+cell.Signed(-l.Charge(uses[i]), 3, g))
		}
	}
	if len(out) == 0 {
		return "nothing"
	}
	return strings.Join(out, "  ")
}

// over names the limit on a peak that a change would break, "" where it is none.
func (d *detail) over(uses []float64) string {
	for i, l := range d.limits {
		if l.Kind.Resource().Per == 0 && len(uses) == len(d.limits) && uses[i] > l.Slack {
			return l.Name()
		}
	}
	return ""
}

// blockGain is what a block's option adds over the mean of its options, in
// points.
func (d *detail) blockGain(block int) float64 {
	if block >= len(d.gains) {
		return 0
	}
	return d.gains[block]
}
