package figure

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/binas-tui/binas-tui/internal/sanitize"
)

// Chart is a figure of points and lines over two axes. Texts are sanitised when
// it is drawn.
type Chart struct {
	Title  string // a line break separates a subtitle
	X, Y   string
	Series []Series
	// Diagonal adds the line on which X and Y, predicted and measured, are equal;
	// the figure is square then.
	Diagonal bool
	// LogX makes the axis of X logarithmic, with a tick at every point.
	LogX bool
}

// Series is points that look alike.
type Series struct {
	Label string // in the legend; "": not there
	Style Style
	X, Y  []float64
	// XError and YError are half the lengths of bars; nil: none.
	XError, YError []float64
	Texts          []string // beside the points; nil: none
	Line           Line
}

// Line says how the points of a series are joined.
type Line int

// Lines. A Staircase has no marks on its points.
const (
	NoLine Line = iota
	Straight
	Staircase
)

// Style is the colour and mark of a series. Colours differ in lightness too.
type Style struct {
	colour color.RGBA
	mark   draw.GlyphDrawer
}

var (
	blue   = color.RGBA{R: 0x1f, G: 0x5f, B: 0xa8, A: 0xff}
	orange = color.RGBA{R: 0xd0, G: 0x6a, B: 0x10, A: 0xff}
	green  = color.RGBA{R: 0x3a, G: 0x8f, B: 0x4d, A: 0xff}
)

// Styles of series: Blue is what this program found, Orange what it is compared
// with.
var (
	Blue           = Style{blue, draw.CircleGlyph{}}
	BlueRing       = Style{blue, draw.RingGlyph{}}
	BlueBox        = Style{blue, draw.BoxGlyph{}}
	Orange         = Style{orange, draw.CircleGlyph{}}
	OrangeTriangle = Style{orange, draw.TriangleGlyph{}}
	GreenSquare    = Style{green, draw.SquareGlyph{}}
)

// manyPoints is from how many points on marks are small.
const manyPoints = 100

// Draw draws the chart. Values that are not finite are an error.
func (c Chart) Draw() (*Drawing, error) {
	p := newPlot(lines(c.Title), sanitize.Line(c.X), sanitize.Line(c.Y))
	d := &Drawing{p, 16, 10}
	if c.Diagonal {
		d.width, d.height = 12, 12
		p.Legend.Top, p.Legend.Left = true, true
		if err := c.addDiagonal(p); err != nil {
			return nil, fmt.Errorf("figure: %w", err)
		}
	}
	if c.LogX {
		p.X.Scale = plot.LogScale{}
		var ticks plot.ConstantTicks
		for _, s := range c.Series {
			for _, x := range s.X {
				ticks = append(ticks, plot.Tick{Value: x, Label: fmt.Sprint(x)})
			}
		}
		p.X.Tick.Marker = ticks
	}
	for _, s := range c.Series {
		if len(s.X) == 0 {
			continue
		}
		if err := s.add(p); err != nil {
			return nil, fmt.Errorf("figure: %s: %w", s.Label, err)
		}
	}
	return d, nil
}

// addDiagonal adds the line on which predictions are right, over all points.
func (c Chart) addDiagonal(p *plot.Plot) error {
	low, high := math.Inf(1), math.Inf(-1)
	for _, s := range c.Series {
		for _, v := range slices.Concat(s.X, s.Y) {
			low, high = min(low, v), max(high, v)
		}
	}
	l, err := plotter.NewLine(plotter.XYs{{X: low, Y: low}, {X: high, Y: high}})
	if err != nil {
		return err
	}
	l.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
	p.Add(l)
	p.Legend.Add("predicted = measured", l)
	return nil
}

// add adds bars, then the line, marks and texts of a series.
func (s Series) add(p *plot.Plot) error {
	points := make(plotter.XYs, len(s.X))
	for i := range points {
		points[i] = plotter.XY{X: s.X[i], Y: s.Y[i]}
	}
	if err := s.addBars(p, points); err != nil {
		return err
	}
	var shown []plot.Thumbnailer
	if s.Line != NoLine {
		line, err := plotter.NewLine(points)
		if err != nil {
			return err
		}
		line.Color, line.Width = s.Style.colour, vg.Points(1.5)
		if s.Line == Staircase {
			line.StepStyle = plotter.PostStep
		}
		p.Add(line)
		shown = append(shown, line)
	}
	if s.Line != Staircase {
		marks, err := plotter.NewScatter(points)
		if err != nil {
			return err
		}
		marks.Shape, marks.Color, marks.Radius = s.Style.mark, s.Style.colour, vg.Points(2.5)
		if len(points) >= manyPoints {
			marks.Radius = vg.Points(1.8)
		}
		p.Add(marks)
		shown = append(shown, marks)
	}
	if s.Texts != nil {
		labels := plotter.XYLabels{XYs: points}
		for _, text := range s.Texts {
			labels.Labels = append(labels.Labels, " "+sanitize.Line(text))
		}
		texts, err := plotter.NewLabels(labels)
		if err != nil {
			return err
		}
		p.Add(texts)
	}
	if s.Label != "" {
		p.Legend.Add(sanitize.Line(s.Label), shown...)
	}
	return nil
}

// bars are points with what is known of their errors.
type bars struct {
	plotter.XYs
	plotter.XErrors
	plotter.YErrors
}

// addBars adds the errors of the points, paler than these.
func (s Series) addBars(p *plot.Plot, points plotter.XYs) error {
	half := func(errors []float64) plotter.Errors {
		out := make(plotter.Errors, len(errors))
		for i, e := range errors {
			out[i].Low, out[i].High = e, e
		}
		return out
	}
	with := bars{points, plotter.XErrors(half(s.XError)), plotter.YErrors(half(s.YError))}
	c := s.Style.colour
	pale := draw.LineStyle{Color: color.RGBA{R: 128 + c.R/2, G: 128 + c.G/2, B: 128 + c.B/2, A: 0xff}, Width: vg.Points(0.5)}
	add := func(b plot.Plotter, line *draw.LineStyle, cap *vg.Length) {
		*line, *cap = pale, 0
		p.Add(b)
	}
	if s.XError != nil {
		across, err := plotter.NewXErrorBars(with)
		if err != nil {
			return err
		}
		add(across, &across.LineStyle, &across.CapWidth)
	}
	if s.YError != nil {
		up, err := plotter.NewYErrorBars(with)
		if err != nil {
			return err
		}
		add(up, &up.LineStyle, &up.CapWidth)
	}
	return nil
}
