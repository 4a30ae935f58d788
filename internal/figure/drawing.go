package figure

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// Drawing is a finished figure.
type Drawing struct {
	plot          *plot.Plot
	width, height float64 // centimetres
}

// Write writes the figure as svg or png.
func (d *Drawing) Write(w io.Writer, format string) error {
	to, err := d.plot.WriterTo(vg.Length(d.width)*vg.Centimeter, vg.Length(d.height)*vg.Centimeter, format)
	if err == nil {
		_, err = to.WriteTo(w)
	}
	if err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	return nil
}

// Format is the format that a file name asks for, svg or png.
func Format(name string) (string, error) {
	switch ext := strings.ToLower(filepath.Ext(name)); ext {
	case ".svg", ".png":
		return ext[1:], nil
	}
	return "", errors.New("expected a name that ends in .svg or .png")
}

// newPlot is an empty plot in the manner of all figures: a small title, a grid,
// the legend in the lower right corner.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.TextStyle.Font.Size, p.Title.Padding = vg.Points(9), vg.Points(6)
	p.Legend.Padding = vg.Points(2)
	p.Add(plotter.NewGrid())
	return p
}
