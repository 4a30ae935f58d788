package cell

import (
	"math"
	"strings"
)

// Plot maps data to dots and dots to cells: a canvas of plotCols x plotRows
// dots per cell, drawn with braille, quadrants or ASCII.
type Plot struct {
	W, h       int // cells
	Cols, Rows int // dots per cell
	x0, x1     float64
	y0, y1     float64
	bits       []uint8 // per cell: braille bits, quadrant bits or 1
}

func NewPlot(w, h int, g *Glyphs, x0, x1, y0, y1 float64) *Plot {
	return &Plot{W: w, h: h, Cols: g.PlotCols, Rows: g.PlotRows, x0: x0, x1: x1, y0: y0, y1: y1, bits: make([]uint8, w*h)}
}

// Height is how high y is in the plot: from 0 at its foot to 1.
func (p *Plot) Height(y float64) float64 { return (y - p.y0) / (p.y1 - p.y0) }

// Column is the dot column of x, unclipped.
func (p *Plot) Column(x float64) int {
	return int(math.Floor((x - p.x0) / (p.x1 - p.x0) * float64(p.W*p.Cols)))
}

// Row is the dot row of y, counted from the top, unclipped.
func (p *Plot) Row(y float64) int {
	n := p.h * p.Rows
	return n - 1 - int(math.Round((y-p.y0)/(p.y1-p.y0)*float64(n-1)))
}

// XAt is the data value at the left edge of a dot column.
func (p *Plot) XAt(column float64) float64 {
	return p.x0 + (p.x1-p.x0)*column/float64(p.W*p.Cols)
}

func (p *Plot) Dot(column, row int) {
	if column < 0 || row < 0 || column >= p.W*p.Cols || row >= p.h*p.Rows {
		return
	}
	cell := row/p.Rows*p.W + column/p.Cols
	c, r := column%p.Cols, row%p.Rows
	switch {
	case p.Rows == 4:
		p.bits[cell] |= brailleBit[c][r]
	case p.Rows == 2:
		p.bits[cell] |= 1 << (r*2 + c)
	default:
		p.bits[cell] = 1
	}
}

// Cross draws error bars: from x-dx to x+dx at y, and from y-dy to y+dy at x.
func (p *Plot) Cross(x, y, dx, dy float64) {
	if dx > 0 {
		for c := max(p.Column(x-dx), 0); c <= min(p.Column(x+dx), p.W*p.Cols-1); c++ {
			p.Dot(c, p.Row(y))
		}
	}
	if dy > 0 {
		for r := max(p.Row(y+dy), 0); r <= min(p.Row(y-dy), p.h*p.Rows-1); r++ {
			p.Dot(p.Column(x), r)
		}
	}
}

// Glyph is the character of a cell, "" where it is empty.
func (p *Plot) Glyph(x, y int) string {
	b := p.bits[y*p.W+x]
	switch {
	case b == 0:
		return ""
	case p.Rows == 4:
		return braille[b]
	case p.Rows == 2:
		return quadrants[b]
	}
	return "*"
}

// niceTicks are round values that divide [lo, hi] into at most n parts.
func niceTicks(lo, hi float64, n int) []float64 {
	if !(hi > lo) || n < 1 {
		return nil
	}
	raw := (hi - lo) / float64(n)
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*step >= raw {
			step *= m
			break
		}
	}
	var out []float64
	for v := math.Ceil(lo/step) * step; v <= hi+step*1e-9; v += step {
		out = append(out, v)
	}
	return out
}

// tickLabel writes a tick value without needless zeros.
func tickLabel(v float64) string {
	s := Number(v, 4)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
