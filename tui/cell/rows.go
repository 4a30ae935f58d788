package cell

import (
	"fmt"

	uv "github.com/charmbracelet/ultraviolet"
)

// Rows are the lines that a cursor moves over: those of a pane or of a menu.
type Rows struct {
	N     int  // lines that the cursor can be on
	Below int  // lines after them that scroll with them
	At    Rect // where they are shown
}

// Top is the first line shown so that the cursor is in view.
func (r Rows) Top(cursor int) int { return ScrollTop(cursor, r.N+r.Below, r.At.H) }

// Draw draws the rows that there is room for, so that the cursor is among them; the
// selected one is set off, -1 is none.
func (r Rows) Draw(s *Screen, cursor, selected int, row func(i int, l Row)) {
	top := r.Top(cursor)
	for i := range min(r.At.H, r.N+r.Below-top) {
		l := Row{s, Rect{r.At.X, r.At.Y + i, r.At.W, 1}, top+i == selected}
		s.Row(l.R, l.R.Y, l.selected, s.Theme.Text, "")
		row(top+i, l)
	}
}

// Position says on the border of a box where its rows are and that they go on, where
// not all are shown.
func (s *Screen) Position(box Rect, r Rows, cursor int) {
	lines, shown := r.N+r.Below, r.At.H
	if lines <= shown || shown < 1 || r.N < 1 {
		return
	}
	t, top, x := s.Theme, r.Top(cursor), box.X+box.W-1
	if top > 0 {
		s.Set(x, r.At.Y, t.Key, s.Glyphs.Up)
	}
	if top+shown < lines {
		s.Set(x, r.At.Y+shown-1, t.Key, s.Glyphs.Down)
	}
	if box.W >= 24 {
		s.Right(box.X, box.Y+box.H-1, box.W-2, t.Dim, fmt.Sprintf(" %d-%d of %d ", top+1, top+shown, lines))
	}
}

// Row is a row while it is drawn. Columns count from its left end, where the mark
// of the cursor is.
type Row struct {
	S        *Screen
	R        Rect
	selected bool
}

// Style is a style as the row has it: set off under the cursor.
func (l Row) Style(st uv.Style) uv.Style { return Over(l.selected, st, l.S.Theme) }

// Text writes from column x on, in at most w cells, and returns the cells used.
func (l Row) Text(x, w int, st uv.Style, text string) int {
	return l.S.Text(l.R.X+x, l.R.Y, min(w, l.R.W-x), l.Style(st), text)
}

// Right writes so that the text ends before column x+w.
func (l Row) Right(x, w int, st uv.Style, text string) {
	l.S.Right(l.R.X+x, l.R.Y, w, l.Style(st), text)
}

// Bar draws a bar of value out of full in w cells.
func (l Row) Bar(x, w int, st uv.Style, value, full float64) {
	l.S.Bar(l.R.X+x, l.R.Y, min(w, l.R.W-x), l.Style(st), value, full)
}

// SignedBar draws such a bar in w cells.
func (l Row) SignedBar(x, w int, st uv.Style, value, full float64) {
	l.S.SignedBar(l.R.X+x, l.R.Y, min(w, l.R.W-x), l.Style(st), value, full)
}

// Over is a style under the cursor.
func Over(selected bool, st uv.Style, t *Theme) uv.Style {
	if selected {
		if t.Selected.Bg != nil {
			st.Bg = t.Selected.Bg
		}
		if st.Fg == nil { // the terminal's own may not be readable on it
			st.Fg = t.Selected.Fg
		}
		st.Attrs |= t.Selected.Attrs
	}
	return st
}

// ScrollTop is the first line shown so that the cursor is in view.
func ScrollTop(cursor, lines, height int) int {
	if lines <= height {
		return 0
	}
	return min(max(0, cursor-height/2), lines-height)
}
