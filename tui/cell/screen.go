package cell

import (
	"bytes"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// Rect is a rectangle of cells; the zero rect is not shown.
type Rect struct{ X, Y, W, H int }

// Point is a cell of some rectangle.
type Point struct{ X, Y int }

// Nowhere is outside every rectangle.
var Nowhere = Point{-1, -1}

// At is the rectangle of w by h cells with its upper left corner at (x, y).
func At(x, y, w, h int) Rect { return Rect{x, y, w, h} }

// Shown reports that there is something of it.
func (r Rect) Shown() bool { return r.W > 0 && r.H > 0 }

// Contains reports that a cell is in it.
func (r Rect) Contains(x, y int) bool { return x >= r.X && x < r.X+r.W && y >= r.Y && y < r.Y+r.H }

// Below is what is left of a rectangle under its first n lines.
func (r Rect) Below(n int) Rect { return Rect{r.X, r.Y + n, r.W, max(0, r.H-n)} }

// Inside is the part of a box within its border.
func (r Rect) Inside() Rect { return Rect{r.X + 1, r.Y + 1, max(0, r.W-2), max(0, r.H-2)} }

// Screen is what panes draw on: a grid of styled cells. Nothing drawn on it
// can leave the grid, so every line of a frame fits the terminal.
type Screen struct {
	Canvas *lipgloss.Canvas // the cells
	W, H   int
	Theme  *Theme
	Glyphs *Glyphs
	cell   uv.Cell // the one being drawn: the canvas copies it

	frame     bytes.Buffer
	sequences map[uv.Style]string
}

// NewScreen makes an empty screen of w by h cells.
func NewScreen(w, h int, t *Theme, g *Glyphs) *Screen {
	return &Screen{Canvas: lipgloss.NewCanvas(w, h), W: w, H: h, Theme: t, Glyphs: g}
}

// Set draws one cell; content is one character of width 1.
func (s *Screen) Set(x, y int, st uv.Style, content string) {
	if x >= 0 && y >= 0 && x < s.W && y < s.H {
		s.put(x, y, content, 1, st)
	}
}

func (s *Screen) put(x, y int, content string, width int, st uv.Style) {
	s.cell = uv.Cell{Content: content, Width: width, Style: st}
	s.Canvas.SetCell(x, y, &s.cell)
}

// Text draws str from (x, y) in at most w cells and returns the cells used. A
// text that does not fit ends in an ellipsis. Whatever the text is, what is
// drawn is clean: this is the one way of names from outside to the screen.
func (s *Screen) Text(x, y, w int, st uv.Style, str string) int {
	if w <= 0 || y < 0 || y >= s.H {
		return 0
	}
	str = s.Glyphs.Written(str)
	if len(str) > w && ansi.StringWidth(str) > w {
		str = ansi.Truncate(str, w, s.Glyphs.Ellipsis)
	}
	used := 0
	for len(str) > 0 {
		if str[0] < utf8.RuneSelf && (len(str) == 1 || str[1] < utf8.RuneSelf) { // what follows may be a mark on it
			s.Set(x+used, y, st, str[:1])
			used++
			str = str[1:]
			continue
		}
		cluster, width := ansi.FirstGraphemeCluster(str, ansi.GraphemeWidth)
		if cluster == "" {
			break
		}
		if width > 0 && used+width <= w && x+used >= 0 && x+used+width <= s.W {
			s.put(x+used, y, cluster, width, st)
			used += width
		}
		str = str[len(cluster):]
	}
	return used
}

// Row draws one line of a pane's list and returns the cells used. The line under
// the cursor is set off, and marked in the cell before its text, which is free.
func (s *Screen) Row(r Rect, y int, selected bool, st uv.Style, line string) int {
	if selected {
		s.Fill(Rect{r.X, y, r.W, 1}, s.Theme.Selected, " ")
	}
	used := s.Text(r.X, y, r.W, Over(selected, st, s.Theme), line)
	if selected {
		s.Set(r.X, y, Over(true, s.Theme.Accent, s.Theme), s.Glyphs.Cursor)
	}
	return used
}

// Right draws str so that it ends before column x+w.
func (s *Screen) Right(x, y, w int, st uv.Style, str string) {
	width := ansi.StringWidth(s.Glyphs.Written(str))
	if width > w {
		s.Text(x, y, w, st, str)
		return
	}
	s.Text(x+w-width, y, width, st, str)
}

// Fill draws one character over a rectangle.
func (s *Screen) Fill(r Rect, st uv.Style, content string) {
	for y := r.Y; y < r.Y+r.H; y++ {
		for x := r.X; x < r.X+r.W; x++ {
			s.Set(x, y, st, content)
		}
	}
}

// Box draws a border with a title and returns the inside.
func (s *Screen) Box(r Rect, title string, focused bool) Rect {
	if r.W < 2 || r.H < 2 {
		return Rect{}
	}
	st, titleStyle := s.Theme.Border, s.Theme.Title
	if focused {
		st, titleStyle = s.Theme.BorderFocus, s.Theme.TitleFocus
	}
	b := s.Glyphs.Border
	for x := r.X + 1; x < r.X+r.W-1; x++ {
		s.Set(x, r.Y, st, b.Top)
		s.Set(x, r.Y+r.H-1, st, b.Bottom)
	}
	for y := r.Y + 1; y < r.Y+r.H-1; y++ {
		s.Set(r.X, y, st, b.Left)
		s.Set(r.X+r.W-1, y, st, b.Right)
	}
	s.Set(r.X, r.Y, st, b.TopLeft)
	s.Set(r.X+r.W-1, r.Y, st, b.TopRight)
	s.Set(r.X, r.Y+r.H-1, st, b.BottomLeft)
	s.Set(r.X+r.W-1, r.Y+r.H-1, st, b.BottomRight)
	if title != "" && r.W > 6 {
		mark := " "
		if focused {
			mark = s.Glyphs.Cursor // without colours the border says little
		}
		s.Text(r.X+2, r.Y, r.W-4, titleStyle, mark+title+" ")
	}
	return r.Inside()
}

// Bar draws a horizontal bar of value out of full in w cells.
func (s *Screen) Bar(x, y, w int, st uv.Style, value, full float64) {
	if w <= 0 || full <= 0 || value <= 0 {
		return
	}
	eighths := int(value/full*float64(w)*8 + 0.5)
	eighths = min(max(eighths, 1), w*8)
	for i := range w {
		part := min(8, eighths-8*i)
		if part <= 0 {
			return
		}
		s.Set(x+i, y, st, s.Glyphs.Bar[part-1])
	}
}

// SignedBar draws a bar of value from a zero line in the middle of w cells: to the
// right, or where it is negative to the left. An end stands for full.
func (s *Screen) SignedBar(x, y, w int, st uv.Style, value, full float64) {
	half := (w - 1) / 2
	if half <= 0 {
		return
	}
	zero := x + half
	s.Set(zero, y, s.Theme.Border, s.Glyphs.Border.Left)
	if value >= 0 || full <= 0 {
		s.Bar(zero+1, y, half, st, value, full)
		return
	}
	halves := min(max(int(-value/full*float64(2*half)+0.5), 1), 2*half)
	for i := range halves / 2 {
		s.Set(zero-1-i, y, st, s.Glyphs.Bar[7])
	}
	if halves%2 == 1 {
		s.Set(zero-1-halves/2, y, st, s.Glyphs.RightHalf)
	}
}

// String renders the grid. It does what the canvas's own method does, with the
// escape sequence of each style made once.
func (s *Screen) String() string {
	s.frame.Reset()
	for y := range s.H {
		if y > 0 {
			s.frame.WriteByte('\n')
		}
		s.renderLine(y)
	}
	return s.frame.String()
}

func (s *Screen) renderLine(y int) {
	end := s.W
	for end > 0 && blank(s.Canvas.CellAt(end-1, y)) {
		end--
	}
	var pen uv.Style
	for x := range end {
		c := s.Canvas.CellAt(x, y)
		if c == nil || c.Width == 0 {
			continue // the rest of a wide character
		}
		if c.Style != pen {
			if !pen.IsZero() {
				s.frame.WriteString(ansi.ResetStyle)
			}
			s.frame.WriteString(s.sequence(c.Style))
			pen = c.Style
		}
		s.frame.WriteString(c.Content)
	}
	if !pen.IsZero() {
		s.frame.WriteString(ansi.ResetStyle)
	}
}

// sequence is the escape sequence that sets a style.
func (s *Screen) sequence(st uv.Style) string {
	if st.IsZero() {
		return ""
	}
	text, ok := s.sequences[st]
	if !ok {
		if s.sequences == nil {
			s.sequences = map[uv.Style]string{}
		}
		text = st.String()
		s.sequences[st] = text
	}
	return text
}

func blank(c *uv.Cell) bool {
	return c == nil || c.Width != 0 && (c.Content == " " || c.Content == "") && c.Style.IsZero()
}

// Plain renders the grid as text without styles, one line a row.
func (s *Screen) Plain() string { return ansi.Strip(s.Canvas.Render()) }

// Centred is a box of w by h cells in the middle of a screen.
func Centred(screenW, screenH, w, h int) Rect {
	w, h = min(w, screenW), min(h, screenH)
	return Rect{(screenW - w) / 2, (screenH - h) / 2, w, h}
}

// Panel draws an empty box over the panes and returns its inside.
func (s *Screen) Panel(r Rect, title string) Rect {
	s.Fill(r, s.Theme.Text, " ")
	return s.Box(r, title, true)
}

// Centred draws such a box in the middle.
func (s *Screen) Centred(w, h int, title string) Rect {
	return s.Panel(Centred(s.W, s.H, w, h), title)
}
