package cli

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/sanitize"
)

// heatGrid is a table of values, NaN for none; row 0 is on top.
type heatGrid struct {
	rows, columns []string
	values        [][]float64
	chosen        map[[2]int]bool
}

func (g heatGrid) Dims() (c, r int)   { return len(g.columns), len(g.rows) }
func (g heatGrid) Z(c, r int) float64 { return g.values[len(g.rows)-1-r][c] }
func (g heatGrid) X(c int) float64    { return float64(c) }
func (g heatGrid) Y(r int) float64    { return float64(r) }

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

// saveHeatMap draws what pays in which stage, in points per millisecond, or
// with a limit the reduced cost of every option of every block.
func saveHeatMap(name string, e *explore.Engine, x *explanation) error {
	format, err := figureFormat(name)
	if err != nil {
		return err
	}
	g, title := x.stageGrid(), "Accuracy points for a millisecond spent"
	if x.ofNetwork() {
		g = x.decisionGrid(e)
		var at []string
		if x.LimitMS.Finite() {
			at = append(at, formatMS(float64(*x.LimitMS), 4)+" ms")
		}
		if len(e.Limits) > 0 {
			at = append(at, e.LimitsText())
		}
		title = sanitize.Line(fmt.Sprintf("What another option would cost at %s, in accuracy points (□ chosen)", strings.Join(at, ", ")))
	}
	p := plot.New()
	p.Title.Text = title + "\n" + sanitize.Line(fmt.Sprintf("latency: %s, accuracy: %s", e.LUTName, e.AccuracySource()))
	p.Title.TextStyle.Font.Size, p.Title.Padding = vg.Points(9), vg.Points(6)
	most := 0.0
	for _, row := range g.values {
		for _, v := range row {
			if !math.IsNaN(v) {
				most = max(most, math.Abs(v))
			}
		}
	}
	h := plotter.NewHeatMap(g, scale{})
	h.Min, h.Max, h.NaN = -max(most, 1e-9), max(most, 1e-9), color.White
	p.Add(h)
	if err := g.label(p); err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	p.NominalX(g.columns...)
	var rows []string
	for i := range g.rows {
		rows = append(rows, "  "+g.rows[len(g.rows)-1-i])
	}
	p.NominalY(rows...)
	if len(g.columns) > 6 {
		p.X.Tick.Label.Rotation, p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = math.Pi/5, text.XRight, text.YTop
	}
	w, err := p.WriterTo(18*vg.Centimeter, vg.Length(4+0.75*float64(len(g.rows)))*vg.Centimeter, format)
	if err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	return safefile.Replace(name, true, func(f io.Writer) error {
		_, err := w.WriteTo(f)
		return err
	})
}

// label writes the values into the cells.
func (g heatGrid) label(p *plot.Plot) error {
	var labels plotter.XYLabels
	for r, row := range g.values {
		for c, v := range row {
			if math.IsNaN(v) {
				continue
			}
			s := fmt.Sprintf("%+.2f", v)
			if g.chosen[[2]int{r, c}] {
				s = "□"
			}
			labels.XYs = append(labels.XYs, plotter.XY{X: float64(c), Y: float64(len(g.rows) - 1 - r)})
			labels.Labels = append(labels.Labels, s)
		}
	}
	l, err := plotter.NewLabels(labels)
	if err != nil {
		return err
	}
	for i := range l.TextStyle {
		l.TextStyle[i].Font.Size = vg.Points(7)
		l.TextStyle[i].XAlign, l.TextStyle[i].YAlign = text.XCenter, text.YCenter
	}
	p.Add(l)
	return nil
}

func (x *explanation) stageGrid() heatGrid {
	g := heatGrid{columns: []string{"one block more", "expansion", "kernel", "squeeze-excite"}}
	for _, s := range x.Stages {
		var row []float64
		for _, v := range s.all() {
			row = append(row, float64(v.PointsPerMS))
		}
		g.rows, g.values = append(g.rows, fmt.Sprintf("stage %d", s.Stage)), append(g.values, row)
	}
	return g
}

func (x *explanation) decisionGrid(e *explore.Engine) heatGrid {
	g := heatGrid{chosen: map[[2]int]bool{}}
	for _, o := range e.Space.Options {
		g.columns = append(g.columns, o.String())
	}
	for _, d := range x.Decisions {
		if d.Block == nil {
			continue
		}
		if d.option == 0 {
			row := make([]float64, len(g.columns))
			for i := range row {
				row[i] = math.NaN()
			}
			g.rows, g.values = append(g.rows, fmt.Sprintf("%d.%d", d.Stage, *d.Block)), append(g.values, row)
		}
		r := len(g.rows) - 1
		g.values[r][d.option] = float64(d.ReducedCost)
		if d.Chosen {
			g.chosen[[2]int{r, d.option}] = true
		}
	}
	return g
}
