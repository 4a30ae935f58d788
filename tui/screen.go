package tui

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// rect is a rectangle of cells; the zero rect is not shown.
type rect struct{ x, y, w, h int }

func (r rect) shown() bool { return r.w > 0 && r.h > 0 }

func (r rect) contains(x, y int) bool { return x >= r.x && x < r.x+r.w && y >= r.y && y < r.y+r.h }

// below is what is left of a rectangle under its first n lines.
func (r rect) below(n int) rect { return rect{r.x, r.y + n, r.w, max(0, r.h-n)} }

// inside is the part of a box within its border.
func (r rect) inside() rect { return rect{r.x + 1, r.y + 1, max(0, r.w-2), max(0, r.h-2)} }

// screen is what panes draw on: a grid of styled cells. Nothing drawn on it
// can leave the grid, so every line of a frame fits the terminal.
type screen struct {
	canvas *lipgloss.Canvas
	w, h   int
	theme  *theme
	glyphs *glyphs
	cell   uv.Cell // the one being drawn: the canvas copies it

	frame     bytes.Buffer
	sequences map[uv.Style]string
}

func newScreen(w, h int, t *theme, g *glyphs) *screen {
	return &screen{canvas: lipgloss.NewCanvas(w, h), w: w, h: h, theme: t, glyphs: g}
}

// set draws one cell; content is one character of width 1.
func (s *screen) set(x, y int, st uv.Style, content string) {
	if x >= 0 && y >= 0 && x < s.w && y < s.h {
		s.put(x, y, content, 1, st)
	}
}

func (s *screen) put(x, y int, content string, width int, st uv.Style) {
	s.cell = uv.Cell{Content: content, Width: width, Style: st}
	s.canvas.SetCell(x, y, &s.cell)
}

// text draws str from (x, y) in at most w cells and returns the cells used. A
// text that does not fit ends in an ellipsis. Whatever the text is, what is
// drawn is clean: this is the one way of names from outside to the screen.
func (s *screen) text(x, y, w int, st uv.Style, str string) int {
	if w <= 0 || y < 0 || y >= s.h {
		return 0
	}
	str = s.glyphs.written(str)
	if len(str) > w && ansi.StringWidth(str) > w {
		str = ansi.Truncate(str, w, s.glyphs.ellipsis)
	}
	used := 0
	for len(str) > 0 {
		if c := str[0]; c < utf8.RuneSelf {
			s.set(x+used, y, st, str[:1])
			used++
			str = str[1:]
			continue
		}
		cluster, width := ansi.FirstGraphemeCluster(str, ansi.GraphemeWidth)
		if cluster == "" {
			break
		}
		if width > 0 && used+width <= w && x+used >= 0 && x+used+width <= s.w {
			s.put(x+used, y, cluster, width, st)
			used += width
		}
		str = str[len(cluster):]
	}
	return used
}

// row draws one line of a pane's list and returns the cells used. The line under
// the cursor is set off, and marked in the cell before its text, which is free.
func (s *screen) row(r rect, y int, selected bool, st uv.Style, line string) int {
	if selected {
		s.fill(rect{r.x, y, r.w, 1}, s.theme.selected, " ")
	}
	used := s.text(r.x, y, r.w, over(selected, st, s.theme), line)
	if selected {
		s.set(r.x, y, over(true, s.theme.accent, s.theme), s.glyphs.cursor)
	}
	return used
}

// over is a style under the cursor.
func over(selected bool, st uv.Style, t *theme) uv.Style {
	if selected {
		st.Bg = t.selected.Bg
		st.Attrs |= t.selected.Attrs
	}
	return st
}

// scrollTop is the first line shown so that the cursor is in view.
func scrollTop(cursor, lines, height int) int {
	if lines <= height {
		return 0
	}
	return min(max(0, cursor-height/2), lines-height)
}

// lines writes lines of words, each wrapped, as far as there is room.
func (s *screen) lines(r rect, lines []string) {
	y := r.y
	for _, line := range lines {
		for _, part := range wrap(line, r.w-2) {
			if y < r.y+r.h {
				s.text(r.x+1, y, r.w-2, s.theme.dim, part)
			}
			y++
		}
	}
}

// right draws str so that it ends before column x+w.
func (s *screen) right(x, y, w int, st uv.Style, str string) {
	width := ansi.StringWidth(s.glyphs.written(str))
	if width > w {
		s.text(x, y, w, st, str)
		return
	}
	s.text(x+w-width, y, width, st, str)
}

// fill draws one character over a rectangle.
func (s *screen) fill(r rect, st uv.Style, content string) {
	for y := r.y; y < r.y+r.h; y++ {
		for x := r.x; x < r.x+r.w; x++ {
			s.set(x, y, st, content)
		}
	}
}

// box draws a border with a title and returns the inside.
func (s *screen) box(r rect, title string, focused bool) rect {
	if r.w < 2 || r.h < 2 {
		return rect{}
	}
	st, titleStyle := s.theme.border, s.theme.title
	if focused {
		st, titleStyle = s.theme.borderFocus, s.theme.titleFocus
	}
	b := s.glyphs.border
	for x := r.x + 1; x < r.x+r.w-1; x++ {
		s.set(x, r.y, st, b.Top)
		s.set(x, r.y+r.h-1, st, b.Bottom)
	}
	for y := r.y + 1; y < r.y+r.h-1; y++ {
		s.set(r.x, y, st, b.Left)
		s.set(r.x+r.w-1, y, st, b.Right)
	}
	s.set(r.x, r.y, st, b.TopLeft)
	s.set(r.x+r.w-1, r.y, st, b.TopRight)
	s.set(r.x, r.y+r.h-1, st, b.BottomLeft)
	s.set(r.x+r.w-1, r.y+r.h-1, st, b.BottomRight)
	if title != "" && r.w > 6 {
		mark := " "
		if focused {
			mark = s.glyphs.cursor // without colours the border says little
		}
		s.text(r.x+2, r.y, r.w-4, titleStyle, mark+title+" ")
	}
	return r.inside()
}

// bar draws a horizontal bar of value out of full in w cells.
func (s *screen) bar(x, y, w int, st uv.Style, value, full float64) {
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
		s.set(x+i, y, st, s.glyphs.bar[part-1])
	}
}

// String renders the grid. It does what the canvas's own method does, with the
// escape sequence of each style made once.
func (s *screen) String() string {
	s.frame.Reset()
	for y := range s.h {
		if y > 0 {
			s.frame.WriteByte('\n')
		}
		s.renderLine(y)
	}
	return s.frame.String()
}

func (s *screen) renderLine(y int) {
	end := s.w
	for end > 0 && blank(s.canvas.CellAt(end-1, y)) {
		end--
	}
	var pen uv.Style
	for x := range end {
		c := s.canvas.CellAt(x, y)
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
func (s *screen) sequence(st uv.Style) string {
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

// plain renders the grid as text without styles, one line a row.
func (s *screen) plain() string { return ansi.Strip(s.canvas.Render()) }

// wrap breaks a text of words into lines of at most w characters.
func wrap(text string, w int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		for r := []rune(word); w > 0 && len(r) > w; r = []rune(word) { // a path that no line takes whole
			if line != "" {
				lines, line = append(lines, line), ""
			}
			lines, word = append(lines, string(r[:w])), string(r[w:])
		}
		if line != "" && len([]rune(line))+1+len([]rune(word)) > w {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// pad extends str to w cells.
func pad(str string, w int) string {
	if n := w - ansi.StringWidth(str); n > 0 {
		return str + strings.Repeat(" ", n)
	}
	return str
}
