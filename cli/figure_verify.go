package cli

import (
	"fmt"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/binas-tui/binas-tui/internal/figure"
	"github.com/binas-tui/binas-tui/internal/sanitize"
)

// saveVerifyFigure draws measured over predicted latency, one mark a network with
// the standard errors of both, and the diagonal on which predictions are right.
func saveVerifyFigure(name string, r *verifyReport) error {
	p := figure.NewPlot("Whole networks: measured against predicted latency\n"+
		sanitize.Line(fmt.Sprintf("%s, %s, %d %s, %d pixels: level %.3f, shape error %.1f %%, Kendall %.3f",
			r.LUT, r.Runtime, r.Threads, plural(r.Threads, "thread"), r.ImageSize, float64(r.Level), 100*float64(r.ShapeMAPE), float64(r.Kendall))),
		"predicted latency (ms)", "measured latency (ms)")
	p.Legend.Top, p.Legend.Left = true, true

	var random, known checkedNetworks
	lo, hi := float64(r.Checks[0].MeasuredMS), float64(r.Checks[0].MeasuredMS)
	for _, n := range r.Checks {
		xy := plotter.XY{X: float64(n.PredictedMS), Y: float64(n.MeasuredMS)}
		lo, hi = min(lo, xy.X, xy.Y), max(hi, xy.X, xy.Y)
		if n.Name == "" {
			random = append(random, n)
		} else {
			known = append(known, n)
		}
	}
	if err := figure.AddDiagonal(p, lo, hi); err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	for _, set := range []struct {
		label string
		xys   checkedNetworks
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
		across, err := plotter.NewXErrorBars(set.xys)
		if err != nil {
			return fmt.Errorf("figure: %w", err)
		}
		along, err := plotter.NewYErrorBars(set.xys)
		if err != nil {
			return fmt.Errorf("figure: %w", err)
		}
		across.Color, along.Color, across.CapWidth, along.CapWidth = marks.Color, marks.Color, 0, 0
		p.Add(across, along, marks)
		p.Legend.Add(set.label, marks)
	}
	return writePlot(name, p, 12*vg.Centimeter, 12*vg.Centimeter)
}

// checkedNetworks are the points of the figure, with bars of two standard errors.
type checkedNetworks []verifiedNetwork

func (c checkedNetworks) Len() int { return len(c) }

func (c checkedNetworks) XY(i int) (x, y float64) {
	return float64(c[i].PredictedMS), float64(c[i].MeasuredMS)
}

func (c checkedNetworks) XError(i int) (low, high float64) {
	e := 2 * float64(c[i].PredictedErrorMS)
	return e, e
}

func (c checkedNetworks) YError(i int) (low, high float64) {
	e := 2 * float64(c[i].MeasuredErrorMS)
	return e, e
}
