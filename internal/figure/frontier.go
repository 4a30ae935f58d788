package figure

import (
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit/published"
	"github.com/binas-tui/binas-tui/internal/sanitize"
)

// Colours of figures; they differ in lightness too.
var (
	FrontierColour  = color.RGBA{R: 0x1f, G: 0x5f, B: 0xa8, A: 0xff}
	PublishedColour = color.RGBA{R: 0xd0, G: 0x6a, B: 0x10, A: 0xff}
)

// Mark is a network to point out on the frontier.
type Mark struct {
	Label     string
	LatencyMS float64
	Accuracy  float64 // percent
}

// Frontier draws the frontier as the staircase it is, the marks on it, and the
// published networks of the space: their latency by the table in use and their
// accuracy as published. Format is svg or png.
func Frontier(e *explore.Engine, points []explore.ParetoPoint, marks []Mark, format string) (io.WriterTo, error) {
	title := "Best accuracy within a latency"
	if len(e.Limits) > 0 {
		title += sanitize.Line(" and " + e.LimitsText())
	}
	p := NewPlot(title+"\n"+sanitize.Line(fmt.Sprintf("latency: %s, accuracy: %s", e.LUTName, e.AccuracySource())),
		"latency (ms)", "top-1 accuracy (%)")
	xys := make(plotter.XYs, len(points))
	for i, q := range points {
		xys[i].X, xys[i].Y = q.LatencyMS, q.Accuracy
	}
	if len(xys) > 0 {
		line, err := plotter.NewLine(xys)
		if err != nil {
			return nil, fmt.Errorf("figure: %w", err)
		}
		line.StepStyle, line.Color, line.Width = plotter.PostStep, FrontierColour, vg.Points(1.5)
		p.Add(line)
		p.Legend.Add("best predicted", line)
	}
	if err := addPublished(p, e); err != nil {
		return nil, fmt.Errorf("figure: %w", err)
	}
	if err := addMarks(p, marks); err != nil {
		return nil, fmt.Errorf("figure: %w", err)
	}
	w, err := p.WriterTo(16*vg.Centimeter, 10*vg.Centimeter, format)
	if err != nil {
		return nil, fmt.Errorf("figure: %w", err)
	}
	return w, nil
}

func addMarks(p *plot.Plot, marks []Mark) error {
	if len(marks) == 0 {
		return nil
	}
	labels := plotter.XYLabels{}
	for _, m := range marks {
		labels.XYs = append(labels.XYs, plotter.XY{X: m.LatencyMS, Y: m.Accuracy})
		labels.Labels = append(labels.Labels, " "+sanitize.Line(m.Label))
	}
	return addLabelled(p, labels, draw.BoxGlyph{}, FrontierColour, "chosen")
}

// addPublished marks the published networks that belong to the space at its
// published image size.
func addPublished(p *plot.Plot, e *explore.Engine) error {
	if e.Space.ImageSize != published.ImageSize {
		return nil
	}
	shapes := map[string]draw.GlyphDrawer{published.BINAS: draw.CircleGlyph{}, published.HardCoReNAS: draw.TriangleGlyph{}}
	for _, family := range []string{published.BINAS, published.HardCoReNAS} {
		var labels plotter.XYLabels
		for _, n := range published.Networks() {
			path, err := e.Space.Path(n.Architecture)
			if err != nil || n.Family != family {
				continue
			}
			labels.XYs = append(labels.XYs, plotter.XY{X: e.LatencyMS(path), Y: n.Top1})
			labels.Labels = append(labels.Labels, " "+n.Letter)
		}
		if len(labels.XYs) == 0 {
			continue
		}
		if err := addLabelled(p, labels, shapes[family], PublishedColour, family+" (as published)"); err != nil {
			return err
		}
	}
	return nil
}

// addLabelled adds points with a text beside each and a line of the legend.
func addLabelled(p *plot.Plot, labels plotter.XYLabels, shape draw.GlyphDrawer, c color.Color, legend string) error {
	marks, err := plotter.NewScatter(labels.XYs)
	if err != nil {
		return err
	}
	marks.Shape, marks.Color, marks.Radius = shape, c, vg.Points(2.5)
	texts, err := plotter.NewLabels(labels)
	if err != nil {
		return err
	}
	p.Add(marks, texts)
	p.Legend.Add(legend, marks)
	return nil
}
