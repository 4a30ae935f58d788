package tui

import (
	"math"
	"strings"
)

// plot maps data to dots and dots to cells: a canvas of plotCols x plotRows
// dots per cell, drawn with braille, quadrants or ASCII.
type plot struct {
	w, h       int // cells
	cols, rows int // dots per cell
	x0, x1     float64
	y0, y1     float64
	bits       []uint8 // per cell: braille bits, quadrant bits or 1
}

func newPlot(w, h int, g *glyphs, x0, x1, y0, y1 float64) *plot {
	return &plot{w: w, h: h, cols: g.plotCols, rows: g.plotRows, x0: x0, x1: x1, y0: y0, y1: y1, bits: make([]uint8, w*h)}
}

// column is the dot column of x, unclipped.
func (p *plot) column(x float64) int {
	return int(math.Floor((x - p.x0) / (p.x1 - p.x0) * float64(p.w*p.cols)))
}

// row is the dot row of y, counted from the top, unclipped.
func (p *plot) row(y float64) int {
	n := p.h * p.rows
	return n - 1 - int(math.Round((y-p.y0)/(p.y1-p.y0)*float64(n-1)))
}

// xAt is the data value at the left edge of a dot column.
func (p *plot) xAt(column float64) float64 {
	return p.x0 + (p.x1-p.x0)*column/float64(p.w*p.cols)
}

func (p *plot) dot(column, row int) {
	if column < 0 || row < 0 || column >= p.w*p.cols || row >= p.h*p.rows {
		return
	}
	cell := row/p.rows*p.w + column/p.cols
	c, r := column%p.cols, row%p.rows
	switch {
	case p.rows == 4:
		p.bits[cell] |= brailleBit[c][r]
	case p.rows == 2:
		p.bits[cell] |= 1 << (r*2 + c)
	default:
		p.bits[cell] = 1
	}
}

// cross draws error bars: from x-dx to x+dx at y, and from y-dy to y+dy at x.
func (p *plot) cross(x, y, dx, dy float64) {
	if dx > 0 {
		for c := max(p.column(x-dx), 0); c <= min(p.column(x+dx), p.w*p.cols-1); c++ {
			p.dot(c, p.row(y))
		}
	}
	if dy > 0 {
		for r := max(p.row(y+dy), 0); r <= min(p.row(y-dy), p.h*p.rows-1); r++ {
			p.dot(p.column(x), r)
		}
	}
}

// glyph is the character of a cell, "" where it is empty.
func (p *plot) glyph(x, y int) string {
	b := p.bits[y*p.w+x]
	switch {
	case b == 0:
		return ""
	case p.rows == 4:
		return braille[b]
	case p.rows == 2:
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
	s := formatNumber(v, 2)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
