package cell

import (
	"math"

	uv "github.com/charmbracelet/ultraviolet"
)

// Curve is values over positions that rise. A smooth one is drawn as its moving
// average, over its values, which are drawn faintly.
type Curve struct {
	Name   string
	X, Y   []float64
	Smooth bool
}

// Graph draws curves over one axis, with a caption and a legend above, and returns the
// lines it took; 0 where there is no room or nothing to draw. Curves are told apart by
// the letter at their end too.
func (s *Screen) Graph(r Rect, caption, xName string, curves ...Curve) int {
	area := At(r.X+9, r.Y+1, r.W-11, r.H-3)
	x0, x1, y0, y1 := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	var drawn []Curve
	for _, c := range curves {
		if len(c.Y) < 2 || len(c.X) != len(c.Y) {
			continue
		}
		drawn = append(drawn, c)
		x0, x1 = min(x0, c.X[0]), max(x1, c.X[len(c.X)-1])
		for _, y := range c.Y {
			if !math.IsNaN(y) && !math.IsInf(y, 0) {
				y0, y1 = min(y0, y), max(y1, y)
			}
		}
	}
	if area.W < 10 || area.H < 2 || len(drawn) == 0 || !(x1 > x0) || y1 < y0 {
		return 0
	}
	if y1 == y0 {
		y0, y1 = y0-0.5, y1+0.5
	}
	margin := (y1 - y0) * 0.04
	y0, y1 = y0-margin, y1+margin
	plot := func() *Plot { return NewPlot(area.W, area.H, s.Glyphs, x0, x1, y0, y1) }
	under := plot()
	for _, c := range drawn {
		if c.Smooth {
			under.trace(c.X, c.Y)
		}
	}
	s.cells(area, under, s.Theme.Dim)
	s.Axes(area, under, xName, "")
	at := 1 + s.Text(r.X+1, r.Y, r.W-2, s.Theme.Dim, caption)
	styles := []uv.Style{s.Theme.Frontier, s.Theme.Chosen, s.Theme.Warn, s.Theme.Good}
	for i, c := range drawn {
		y, st := c.Y, styles[i%len(styles)]
		if c.Smooth {
			y = smoothed(y)
		}
		p := plot()
		p.trace(c.X, y)
		s.cells(area, p, st)
		if len(drawn) > 1 {
			letter := string(rune('a' + i%26))
			s.Mark(area, p, c.X[len(c.X)-1], y[len(y)-1], st, letter)
			at += s.Text(r.X+at, r.Y, r.W-1-at, st, "  "+letter+" "+c.Name)
		}
	}
	return area.H + 3
}

// cells draws the dots of a plot.
func (s *Screen) cells(area Rect, p *Plot, st uv.Style) {
	for y := range area.H {
		for x := range area.W {
			if g := p.Glyph(x, y); g != "" {
				s.Set(area.X+x, area.Y+y, st, g)
			}
		}
	}
}

// trace draws straight lines from point to point.
func (p *Plot) trace(xs, ys []float64) {
	lastC, lastR := -1, 0
	for i, x := range xs {
		if math.IsNaN(ys[i]) || math.IsInf(ys[i], 0) {
			lastC = -1
			continue
		}
		c, r := min(max(p.Column(x), 0), p.W*p.Cols-1), p.Row(ys[i])
		n := 1
		if lastC >= 0 {
			n = max(1, c-lastC, r-lastR, lastR-r)
		} else {
			lastC, lastR = c, r
		}
		for k := 1; k <= n; k++ {
			p.Dot(lastC+(c-lastC)*k/n, lastR+(r-lastR)*k/n)
		}
		lastC, lastR = c, r
	}
}

// smoothed is the moving average of values, each of less weight the longer it is ago,
// corrected for its beginning.
func smoothed(ys []float64) []float64 {
	keep := 1 - 1/math.Max(1, float64(len(ys))/25)
	out, sum, weight := make([]float64, len(ys)), 0.0, 0.0
	for i, y := range ys {
		if !math.IsNaN(y) && !math.IsInf(y, 0) {
			sum, weight = keep*sum+(1-keep)*y, keep*weight+(1-keep)
		}
		out[i] = sum / weight
	}
	return out
}
