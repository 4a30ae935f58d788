package cli

import (
	"fmt"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/binas-tui/binas-tui/figure"
	"github.com/binas-tui/binas-tui/sanitize"
)

// saveVerifyFigure draws measured over predicted latency, one mark a network,
// and the diagonal on which predictions are right.
func saveVerifyFigure(name string, r *verifyReport) error {
	p := figure.NewPlot("Whole networks: measured against predicted latency\n"+
		sanitize.Line(fmt.Sprintf("%s, %s, %d %s, %d pixels: mean error %.1f %%, Kendall %.3f",
			r.LUT, r.Runtime, r.Threads, plural(r.Threads, "thread"), r.ImageSize, 100*float64(r.MAPE), float64(r.Kendall))),
		"predicted latency (ms)", "measured latency (ms)")
	p.Legend.Top, p.Legend.Left = true, true

	var random, known plotter.XYs
	lo, hi := float64(r.Checks[0].MeasuredMS), float64(r.Checks[0].MeasuredMS)
	for _, n := range r.Checks {
		xy := plotter.XY{X: float64(n.PredictedMS), Y: float64(n.MeasuredMS)}
		lo, hi = min(lo, xy.X, xy.Y), max(hi, xy.X, xy.Y)
		if n.Name == "" {
			random = append(random, xy)
		} else {
			known = append(known, xy)
		}
	}
	if err := figure.AddDiagonal(p, lo, hi); err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	for _, set := range []struct {
		label string
		xys   plotter.XYs
		shape draw.GlyphDrawer
	}{{"random networks", random, draw.RingGlyph{}}, {"published networks", known, draw.CircleGlyph{}}} {
		if len(set.xys) == 0 {
			continue
		}
		marks, err := plotter.NewScatter(set.xys)
		if err != nil {
			return fmt.Errorf("figure: %w", err)
		}
		marks.Shape, marks.Color, marks.Radius = set.shape, frontierColour, vg.Points(2.5)
		if set.label == "published networks" {
			marks.Color = publishedColour
		}
		p.Add(marks)
		p.Legend.Add(set.label, marks)
	}
	return writePlot(name, p, 12*vg.Centimeter, 12*vg.Centimeter)
}
