package steps

import (
	"bytes"
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/binas-tui/binas-tui/internal/figure"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// third is a colour beside those of package figure.
var third = color.RGBA{R: 0x3a, G: 0x8f, B: 0x4d, A: 0xff}

// figures draws the three figures of the report.
func (r *run) figures(res Results) error {
	for _, f := range []struct {
		name string
		draw func(Results) (*plot.Plot, error)
	}{{"training.svg", trainingFigure}, {"ranking.svg", rankingFigure}, {"networks.svg", networksFigure}} {
		p, err := f.draw(res)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		w, err := p.WriterTo(16*vg.Centimeter, 10*vg.Centimeter, "svg")
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		var b bytes.Buffer
		if _, err := w.WriteTo(&b); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if err := safefile.Write(r.path(f.name), b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// trainingFigure is the held-out accuracy of the networks that are validated
// while the supernet is trained.
func trainingFigure(res Results) (*plot.Plot, error) {
	p := figure.NewPlot("Held-out accuracy while the supernet is trained", "epoch", "top-1 accuracy (%)")
	points := map[string]plotter.XYs{}
	var order []string
	for _, m := range res.Trained {
		for _, v := range m.Validation {
			if m.Stage != training.OneShot {
				continue
			}
			if points[v.Network] == nil {
				order = append(order, v.Network)
			}
			points[v.Network] = append(points[v.Network], plotter.XY{X: float64(m.Epoch), Y: v.Top1})
		}
	}
	colours := []color.Color{figure.FrontierColour, figure.PublishedColour, third}
	for i, name := range order {
		l, marks, err := plotter.NewLinePoints(points[name])
		if err != nil {
			return nil, err
		}
		l.Color, marks.Color = colours[i%len(colours)], colours[i%len(colours)]
		marks.Shape = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.TriangleGlyph{}, draw.SquareGlyph{}}[i%3]
		p.Add(l, marks)
		p.Legend.Add(name, l, marks)
	}
	return p, nil
}

// rankingFigure is measured over predicted accuracy of the test networks.
func rankingFigure(res Results) (*plot.Plot, error) {
	k := res.searchedWith()
	p := figure.NewPlot(fmt.Sprintf("Supernet accuracy of %d networks not fitted on (%s, Kendall %.3f, data %s)", len(k.Predicted), k.Predictor, k.Metrics.Kendall, res.Data),
		"predicted accuracy (%)", "measured accuracy (%)")
	var xys plotter.XYs
	for i, v := range k.Predicted {
		xys = append(xys, plotter.XY{X: v, Y: res.Measured[i]})
	}
	s, err := plotter.NewScatter(xys)
	if err != nil {
		return nil, err
	}
	s.Color, s.Shape, s.Radius = figure.FrontierColour, draw.CircleGlyph{}, vg.Points(1.8)
	p.Add(s)
	return p, nil
}

// networksFigure is fine-tuned accuracy over measured latency.
func networksFigure(res Results) (*plot.Plot, error) {
	p := figure.NewPlot(fmt.Sprintf("Networks after fine-tuning (data %s)", res.Data), "measured latency (ms)", "top-1 accuracy (%)")
	for _, kind := range []string{Random, Searched} {
		var xys plotter.XYs
		for _, n := range res.Networks {
			if n.Kind == kind {
				xys = append(xys, plotter.XY{X: n.MeasuredMS, Y: n.FineTuned})
			}
		}
		if len(xys) == 0 {
			continue
		}
		s, err := plotter.NewScatter(xys)
		if err != nil {
			return nil, err
		}
		s.Color, s.Shape, s.Radius = figure.PublishedColour, draw.TriangleGlyph{}, vg.Points(2.5)
		if kind == Searched {
			s.Color, s.Shape, s.Radius = figure.FrontierColour, draw.CircleGlyph{}, vg.Points(3)
		}
		p.Add(s)
		p.Legend.Add(kind, s)
	}
	p.Legend.Top = false
	return p, nil
}
