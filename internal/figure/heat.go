package figure

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// Heat is a table of values as a heat map: orange below 0, white at 0, blue above.
type Heat struct {
	Title         string
	Rows, Columns []string    // the first row is on top
	Values        [][]float64 // [row][column]; NaN: none
	Chosen        [][]bool    // marked □ in place of their value; nil: none
}

// grid is the map as gonum counts: row 0 at the bottom.
type grid struct{ Heat }

func (g grid) Dims() (c, r int)   { return len(g.Columns), len(g.Rows) }
func (g grid) Z(c, r int) float64 { return g.Values[len(g.Rows)-1-r][c] }
func (g grid) X(c int) float64    { return float64(c) }
func (g grid) Y(r int) float64    { return float64(r) }

// scale is a palette from orange through white to blue, even in lightness on
// both sides of 0.
type scale struct{}

const scaleSteps = 101

func (scale) Colors() []color.Color {
	out := make([]color.Color, scaleSteps)
	for i := range out {
		t := float64(i)/(scaleSteps-1)*2 - 1
		end := color.RGBA{R: 0x2b, G: 0x6c, B: 0xb0, A: 0xff}
		if t < 0 {
			end = color.RGBA{R: 0xd9, G: 0x7a, B: 0x1a, A: 0xff}
		}
		mix := func(c uint8) uint8 { return uint8(255 + (float64(c)-255)*math.Abs(t)) }
		out[i] = color.RGBA{R: mix(end.R), G: mix(end.G), B: mix(end.B), A: 0xff}
	}
	return out
}

// Draw draws the map, as high as its rows need.
func (h Heat) Draw() (*Drawing, error) {
	p := plot.New()
	p.Title.Text = lines(h.Title)
	p.Title.TextStyle.Font.Size, p.Title.Padding = vg.Points(9), vg.Points(6)
	most := 1e-9
	for _, row := range h.Values {
		for _, v := range row {
			if !math.IsNaN(v) {
				most = max(most, math.Abs(v))
			}
		}
	}
	m := plotter.NewHeatMap(grid{h}, scale{})
	m.Min, m.Max, m.NaN = -most, most, color.White
	p.Add(m)
	labels, err := h.labels()
	if err != nil {
		return nil, fmt.Errorf("figure: %w", err)
	}
	p.Add(labels)
	p.NominalX(h.Columns...)
	rows := slices.Clone(h.Rows)
	slices.Reverse(rows)
	for i := range rows {
		rows[i] = "  " + rows[i]
	}
	p.NominalY(rows...)
	if len(h.Columns) > 6 {
		p.X.Tick.Label.Rotation, p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = math.Pi/5, text.XRight, text.YTop
	}
	return &Drawing{p, 18, 4 + 0.75*float64(len(h.Rows))}, nil
}

func (h Heat) labels() (*plotter.Labels, error) {
	var labels plotter.XYLabels
	for r, row := range h.Values {
		for c, v := range row {
			if math.IsNaN(v) {
				continue
			}
			s := fmt.Sprintf("%+.2f", v)
			if h.Chosen != nil && h.Chosen[r][c] {
				s = "□"
			}
			labels.XYs = append(labels.XYs, plotter.XY{X: float64(c), Y: float64(len(h.Rows) - 1 - r)})
			labels.Labels = append(labels.Labels, s)
		}
	}
	l, err := plotter.NewLabels(labels)
	if err != nil {
		return nil, err
	}
	for i := range l.TextStyle {
		l.TextStyle[i].Font.Size = vg.Points(7)
		l.TextStyle[i].XAlign, l.TextStyle[i].YAlign = text.XCenter, text.YCenter
	}
	return l, nil
}
