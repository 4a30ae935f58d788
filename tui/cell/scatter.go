package cell

import (
	"math"

	uv "github.com/charmbracelet/ultraviolet"
)

// Mark draws one character at a data point, if it is in the plot.
func (s *Screen) Mark(area Rect, p *Plot, x, y float64, st uv.Style, glyph string) {
	column := min(p.Column(x), p.W*p.Cols-1)
	row := p.Row(y)
	if column < 0 || row < 0 || row >= p.h*p.Rows || x > p.x1*1.000001 {
		return
	}
	s.Set(area.X+column/p.Cols, area.Y+row/p.Rows, st, glyph)
}

// Axes draws the axes of a plot, with seven cells left of it and two lines below; the
// topmost value of the left one has its unit.
func (s *Screen) Axes(area Rect, p *Plot, xName, yUnit string) {
	t := s.Theme
	for y := range area.H {
		s.Set(area.X-1, area.Y+y, t.Border, s.Glyphs.Border.Left)
	}
	ticks := niceTicks(p.y0, p.y1, max(2, area.H/2+1))
	for i, v := range ticks {
		label := tickLabel(v)
		if i == len(ticks)-1 && yUnit != "" {
			if len(label) < 5 {
				label += " "
			}
			label += yUnit
		}
		if row := p.Row(v); row >= 0 && row < p.h*p.Rows {
			s.Right(area.X-8, area.Y+row/p.Rows, 7, t.Dim, label)
		}
	}
	s.Set(area.X-1, area.Y+area.H, t.Border, s.Glyphs.Border.BottomLeft)
	s.XAxis(Rect{area.X, area.Y + area.H, area.W, 2}, p.x0, p.x1, xName)
}

// XAxis draws an axis with its ticks, and on the line below their values and what
// it measures.
func (s *Screen) XAxis(r Rect, lo, hi float64, name string) {
	t := s.Theme
	for x := range r.W {
		s.Set(r.X+x, r.Y, t.Border, s.Glyphs.Border.Bottom)
	}
	end := r.X - 1
	for _, v := range niceTicks(lo, hi, max(2, r.W/5)) {
		x := min(int((v-lo)/(hi-lo)*float64(r.W)), r.W-1)
		label := tickLabel(v)
		s.Set(r.X+x, r.Y, t.Dim, "+")
		if start := r.X + x - len(label)/2; start > end && start+len(label) <= r.X+r.W-len(name)-1 {
			s.Text(start, r.Y+1, len(label), t.Dim, label)
			end = start + len(label)
		}
	}
	s.Right(r.X, r.Y+1, r.W, t.Dim, name)
}

// Label writes a value among those of an axis; one that it would cut goes.
func (s *Screen) Label(x, y int, st uv.Style, text string) {
	filled := func(x int) bool {
		c := s.Canvas.CellAt(x, y)
		return c != nil && c.Content != " " && c.Content != ""
	}
	for left := x; filled(left); left-- {
		s.Set(left, y, s.Theme.Text, " ")
	}
	for right := x + len(text) - 1; filled(right); right++ {
		s.Set(right, y, s.Theme.Text, " ")
	}
	s.Text(x, y, len(text), st, text)
}

// ScatterPoint is a point and how it is marked.
type ScatterPoint struct {
	X, Y       float64
	XBar, YBar float64 // what error bars reach on each side; 0 is none
	Mark       string
}

// Scatter draws points around the diagonal, on axes from the least to the most of
// them.
func Scatter(s *Screen, area Rect, xName, yName string, points []ScatterPoint) {
	t := s.Theme
	if area.W < 10 || area.H < 4 || len(points) == 0 {
		return
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, q := range points {
		lo, hi = min(lo, q.X, q.Y), max(hi, q.X, q.Y)
	}
	margin := max((hi-lo)*0.05, 1e-3)
	lo, hi = lo-margin, hi+margin
	p := NewPlot(area.W, area.H, s.Glyphs, lo, hi, lo, hi)
	for c := range p.W * p.Cols {
		if x := p.XAt(float64(c) + 0.5); x >= lo && x <= hi {
			p.Dot(c, p.Row(x))
		}
	}
	for _, q := range points {
		if q.XBar > 0 || q.YBar > 0 {
			p.Cross(q.X, q.Y, q.XBar, q.YBar)
		}
	}
	for y := range area.H {
		for x := range area.W {
			if g := p.Glyph(x, y); g != "" {
				s.Set(area.X+x, area.Y+y, t.Dim, g)
			}
		}
	}
	s.Axes(area, p, xName, "")
	s.Text(area.X-7, area.Y-1, min(40, area.W), t.Dim, yName)
	for _, q := range points {
		s.Mark(area, p, q.X, q.Y, t.Chosen, q.Mark)
	}
}
