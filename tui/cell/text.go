package cell

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/binas-tui/binas-tui/internal/sanitize"
)

// Number writes a number with the given decimals; -0.00 becomes 0.00, and what is
// no number a dash.
func Number(v float64, decimals int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return sanitize.Unknown
	}
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.HasPrefix(s, "-") && strings.Trim(s, "-0.") == "" {
		return s[1:]
	}
	return s
}

// Signed is Number with a sign.
func Signed(v float64, decimals int, g *Glyphs) string {
	s := Number(v, decimals)
	if n, ok := strings.CutPrefix(s, "-"); ok {
		return g.Minus + n
	}
	if s == sanitize.Unknown {
		return s
	}
	return "+" + s
}

// Clock writes a duration as minutes and seconds.
func Clock(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// Lines writes lines of words, each wrapped, as far as there is room.
func (s *Screen) Lines(r Rect, lines []string) {
	y := r.Y
	for _, line := range lines {
		for _, part := range Wrap(line, r.W-2) {
			if y < r.Y+r.H {
				s.Text(r.X+1, y, r.W-2, s.Theme.Dim, part)
			}
			y++
		}
	}
}

// Wrap breaks a text of words into lines of at most w cells.
func Wrap(text string, w int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		for w > 1 && ansi.StringWidth(word) > w { // a path that no line takes whole
			if line != "" {
				lines, line = append(lines, line), ""
			}
			head := ansi.Truncate(word, w, "")
			lines, word = append(lines, head), word[len(head):]
		}
		if line != "" && ansi.StringWidth(line)+1+ansi.StringWidth(word) > w {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// Pad extends str to w cells.
func Pad(str string, w int) string {
	if n := w - ansi.StringWidth(str); n > 0 {
		return str + strings.Repeat(" ", n)
	}
	return str
}
