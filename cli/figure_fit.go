package cli

import (
	"fmt"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/binas-tui/binas-tui/internal/figure"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/sanitize"
)

func newFitPlot(title, x, y string, r *fitReport) *plot.Plot {
	return figure.NewPlot(title+"\n"+sanitize.Line(fmt.Sprintf("%s, fitted on %d networks of %s: Kendall %.3f (%.3f to %.3f), MSE %.4f",
		r.PredictorType, r.Samples, r.Space, float64(r.Kendall), float64(r.KendallCI[0]), float64(r.KendallCI[1]), float64(r.MSE))), x, y)
}

// scatter is the points of a figure with ± in both directions.
type scatter struct {
	plotter.XYs
	plotter.XErrors
}

// saveFitFigure draws measured over predicted accuracy, one mark a network
// with ± one standard deviation, and the diagonal on which predictions are right.
func saveFitFigure(name string, r *fitReport) error {
	p := newFitPlot("Accuracy: measured against predicted ("+r.TestedOn+")", "predicted accuracy (%)", "measured accuracy (%)", r)
	p.Legend.Top, p.Legend.Left = true, true
	var s scatter
	lo, hi := float64(r.Scatter[0].Measured), float64(r.Scatter[0].Measured)
	for _, q := range r.Scatter {
		xy := plotter.XY{X: float64(q.Predicted), Y: float64(q.Measured)}
		lo, hi = min(lo, xy.X, xy.Y), max(hi, xy.X, xy.Y)
		s.XYs = append(s.XYs, xy)
		if q.Deviation != nil {
			s.XErrors = append(s.XErrors, struct{ Low, High float64 }{float64(*q.Deviation), float64(*q.Deviation)})
		}
	}
	if err := figure.AddDiagonal(p, lo, hi); err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	if len(s.XErrors) == len(s.XYs) {
		bars, err := plotter.NewXErrorBars(s)
		if err != nil {
			return fmt.Errorf("figure: %w", err)
		}
		bars.LineStyle.Color, bars.LineStyle.Width, bars.CapWidth = barColour, vg.Points(0.5), 0
		p.Add(bars)
	}
	marks, err := plotter.NewScatter(s.XYs)
	if err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	marks.Shape, marks.Color, marks.Radius = draw.CircleGlyph{}, frontierColour, vg.Points(1.8)
	p.Add(marks)
	label := "networks"
	if len(s.XErrors) == len(s.XYs) {
		label += ", ± one standard deviation"
	}
	p.Legend.Add(label, marks)
	return writePlot(name, p, 12*vg.Centimeter, 12*vg.Centimeter)
}

// saveCurveFigure draws Kendall's tau over the number of samples.
func saveCurveFigure(name string, r *fitReport) error {
	p := newFitPlot("Learning curve", "networks fitted on", "Kendall's tau on the test", r)
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.ConstantTicks(nil)
	var xys plotter.XYs
	var ticks plot.ConstantTicks
	var spread plotter.YErrors
	for _, q := range r.LearningCurve {
		xys = append(xys, plotter.XY{X: float64(q.Samples), Y: float64(q.Kendall)})
		ticks = append(ticks, plot.Tick{Value: float64(q.Samples), Label: fmt.Sprint(q.Samples)})
		spread = append(spread, struct{ Low, High float64 }{float64(q.KendallSpread), float64(q.KendallSpread)})
	}
	p.X.Tick.Marker = ticks
	line, points, err := plotter.NewLinePoints(xys)
	if err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	line.Color, line.Width, points.Shape, points.Color = frontierColour, vg.Points(1.5), draw.CircleGlyph{}, frontierColour
	bars, err := plotter.NewYErrorBars(struct {
		plotter.XYs
		plotter.YErrors
	}{xys, spread})
	if err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	p.Add(line, points, bars)
	p.Legend.Add("mean over fits, ± standard deviation", line, points)
	return writePlot(name, p, 14*vg.Centimeter, 9*vg.Centimeter)
}

// writePlot draws a plot to a file whose name tells the format.
func writePlot(name string, p *plot.Plot, width, height vg.Length) error {
	format, err := figureFormat(name)
	if err != nil {
		return err
	}
	w, err := p.WriterTo(width, height, format)
	if err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	return safefile.Replace(name, true, func(f io.Writer) error {
		_, err := w.WriteTo(f)
		return err
	})
}
