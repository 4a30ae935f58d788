package cli

import (
	"fmt"
	"image/color"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/published"
	"github.com/binas-tui/binas-tui/sanitize"
)

// figureFormat is the format that a file name asks for.
func figureFormat(name string) (string, error) {
	switch ext := strings.ToLower(filepath.Ext(name)); ext {
	case ".svg", ".png":
		return ext[1:], nil
	}
	return "", usagef("--figure %q: expected a name that ends in .svg or .png", name)
}

// Colours of figures; they differ in lightness too.
var (
	frontierColour  = color.RGBA{R: 0x1f, G: 0x5f, B: 0xa8, A: 0xff}
	publishedColour = color.RGBA{R: 0xd0, G: 0x6a, B: 0x10, A: 0xff}
	barColour       = color.RGBA{R: 0xa8, G: 0xc4, B: 0xe4, A: 0xff}
)

// saveFigure draws the frontier as the staircase it is, and the published
// networks of the space beside it: their latency by the table in use and
// their accuracy as published.
func saveFigure(name string, e *explore.Engine, points []explore.ParetoPoint) error {
	p := plot.New()
	p.Title.Text = "Best accuracy within a latency\n" +
		sanitize.Line(fmt.Sprintf("latency: %s, accuracy: %s", e.LUTName, e.AccuracySource()))
	p.Title.TextStyle.Font.Size = vg.Points(9)
	p.Title.Padding = vg.Points(6)
	p.X.Label.Text, p.Y.Label.Text = "latency (ms)", "top-1 accuracy (%)"
	p.Legend.Top, p.Legend.Left = false, false
	p.Legend.Padding = vg.Points(2)
	p.Add(plotter.NewGrid())

	xys := make(plotter.XYs, len(points))
	for i, q := range points {
		xys[i].X, xys[i].Y = q.LatencyMS, q.Accuracy
	}
	if len(xys) > 0 {
		line, err := plotter.NewLine(xys)
		if err != nil {
			return fmt.Errorf("figure: %w", err)
		}
		line.StepStyle, line.Color, line.Width = plotter.PostStep, frontierColour, vg.Points(1.5)
		p.Add(line)
		p.Legend.Add("best predicted", line)
	}
	if err := addPublished(p, e); err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	return writePlot(name, p, 16*vg.Centimeter, 10*vg.Centimeter)
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
		marks, err := plotter.NewScatter(labels.XYs)
		if err != nil {
			return err
		}
		marks.Shape, marks.Color, marks.Radius = shapes[family], publishedColour, vg.Points(2.5)
		letters, err := plotter.NewLabels(labels)
		if err != nil {
			return err
		}
		p.Add(marks, letters)
		p.Legend.Add(family+" (as published)", marks)
	}
	return nil
}
