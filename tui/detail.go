package tui

import (
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
)

// detail explains the solution shown: computed once for each solution.
type detail struct {
	cost          model.Cost
	contributions solver.Contributions
	sensitivity   solver.Sensitivity
	points        float64   // how far the prediction may be off, one standard deviation; 0 is not known
	gains         []float64 // per block: points over the mean of its options
}

// explain recomputes the detail for the solution shown.
func (d *detail) explain(a *App) {
	*d = detail{gains: d.gains[:0]}
	if !a.hasSolution() {
		return
	}
	e, path := a.engine, a.solution.Path
	d.cost, _ = e.Space.Architecture(path).Cost(e.Space.ImageSize, e.NumClasses())
	if e.Uncertainty != nil {
		d.points = e.Uncertainty.Points(path)
	}
	if a.proving() {
		d.sensitivity = e.Sensitivity(&a.solution)
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
	d.contributions = solver.NewContributions(e.Problem(), path)
	d.gains = append(d.gains, d.contributions.Block...)
	d.sensitivity = e.Sensitivity(&a.solution)
}

// blockGain is what a block's option adds over the mean of its options, in
// points.
func (d *detail) blockGain(block int) float64 {
	if block >= len(d.gains) {
		return 0
	}
	return d.gains[block]
}
