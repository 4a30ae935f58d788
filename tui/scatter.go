package tui

import uv "github.com/charmbracelet/ultraviolet"

// mark draws one character at a data point, if it is in the plot.
func (s *screen) mark(area rect, p *plot, x, y float64, st uv.Style, glyph string) {
	column := min(p.column(x), p.w*p.cols-1)
	row := p.row(y)
	if column < 0 || row < 0 || row >= p.h*p.rows || x > p.x1*1.000001 {
		return
	}
	s.set(area.x+column/p.cols, area.y+row/p.rows, st, glyph)
}

// axes draws the axes of a plot, with seven cells left of it and two lines below.
func (s *screen) axes(area rect, p *plot, xName string) {
	t := s.theme
	for y := range area.h {
		s.set(area.x-1, area.y+y, t.border, s.glyphs.border.Left)
	}
	for _, v := range niceTicks(p.y0, p.y1, max(2, area.h/3)) {
		if row := p.row(v); row >= 0 && row < p.h*p.rows {
			s.right(area.x-8, area.y+row/p.rows, 7, t.dim, tickLabel(v))
		}
	}
	s.set(area.x-1, area.y+area.h, t.border, s.glyphs.border.BottomLeft)
	s.xAxis(rect{area.x, area.y + area.h, area.w, 2}, p.x0, p.x1, xName)
}

// xAxis draws an axis with its ticks, and on the line below their values and what
// it measures.
func (s *screen) xAxis(r rect, lo, hi float64, name string) {
	t := s.theme
	for x := range r.w {
		s.set(r.x+x, r.y, t.border, s.glyphs.border.Bottom)
	}
	end := r.x - 1
	for _, v := range niceTicks(lo, hi, max(2, r.w/10)) {
		x := min(int((v-lo)/(hi-lo)*float64(r.w)), r.w-1)
		label := tickLabel(v)
		s.set(r.x+x, r.y, t.dim, "+")
		if start := r.x + x - len(label)/2; start > end && start+len(label) <= r.x+r.w-len(name)-1 {
			s.text(start, r.y+1, len(label), t.dim, label)
			end = start + len(label)
		}
	}
	s.right(r.x, r.y+1, r.w, t.dim, name)
}

// scatter draws points around the diagonal with axes; under, which may be nil,
// draws what lies under the points.
func scatter(s *screen, area rect, x0, x1, y0, y1 float64, xName, yName string, under func(*plot), points func(func(x, y float64, glyph string))) {
	t := s.theme
	if area.w < 10 || area.h < 4 || !(x1 > x0) || !(y1 > y0) {
		return
	}
	p := newPlot(area.w, area.h, s.glyphs, x0, x1, y0, y1)
	for c := range p.w * p.cols {
		if x := p.xAt(float64(c) + 0.5); x >= y0 && x <= y1 {
			p.dot(c, p.row(x))
		}
	}
	if under != nil {
		under(p)
	}
	for y := range area.h {
		for x := range area.w {
			if g := p.glyph(x, y); g != "" {
				s.set(area.x+x, area.y+y, t.dim, g)
			}
		}
	}
	s.axes(area, p, xName)
	s.text(area.x-7, area.y-1, min(40, area.w), t.dim, yName)
	points(func(x, y float64, glyph string) { s.mark(area, p, x, y, t.chosen, glyph) })
}
