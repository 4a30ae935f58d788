package tui

import (
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/binas-tui/binas-tui/tui/cell"
)

// hintItems are the key table's hints for the focused pane, its own first.
func (a *App) hintItems() []*binding {
	var own, general []*binding
	for i := range a.keys.bindings {
		b := &a.keys.bindings[i]
		switch {
		case b.hint == "" || len(b.keys) == 0 || !b.worksIn(a.focus):
		case b.pane != "":
			own = append(own, b)
		default:
			general = append(general, b)
		}
	}
	return slices.Concat(own, general)
}

// drawHints shows the last message, or the keys that work here.
func (a *App) drawHints(s *cell.Screen, r cell.Rect) {
	t := s.Theme
	x, end := r.X+1, r.X+r.W-1
	right := a.activity()
	if width := ansi.StringWidth(right); right != "" && x+ansi.StringWidth(a.message)+width+2 <= end { // else the message alone
		end -= width + 2
		s.Right(r.X, r.Y, r.W-1, t.Warn, right)
	}
	if a.message != "" {
		st := t.Good
		if a.warning {
			st = t.Bad
		}
		text, y := a.message, r.Y
		if lines := cell.Wrap(text, end-x); len(lines) > 1 && !a.play.on { // what does not fit takes the line above too
			y--
			s.Fill(cell.At(r.X, y, r.W, 1), t.Text, " ")
			s.Text(x, y, end-x, st, lines[0])
			text, y = strings.Join(lines[1:], " "), r.Y
		}
		s.Text(x, y, end-x, st, text)
		return
	}
	var always []*binding // help and quit end the bar
	rest := end
	draw := func(b *binding, end int) {
		key := keyLabel(b.keys[:1], s.Glyphs)
		if b.id == "budget-down" {
			key = s.Glyphs.Arrows
		}
		if x+ansi.StringWidth(key)+1+len(b.hint) > end {
			return
		}
		x += s.Text(x, r.Y, end-x, t.Key, key)
		x += 2 + s.Text(x, r.Y, end-x, t.Dim, " "+b.hint)
	}
	for _, b := range a.hintItems() {
		if b.id == "help" || b.id == "quit" {
			always = append(always, b)
			rest -= ansi.StringWidth(keyLabel(b.keys[:1], s.Glyphs)) + 3 + len(b.hint)
		}
	}
	for _, b := range a.hintItems() {
		if !slices.Contains(always, b) {
			draw(b, rest)
		}
	}
	for _, b := range always {
		draw(b, end)
	}
}

// activity says what goes on: the optimiser where it is not the default one,
// pins, the treatment of inactive blocks, background work.
func (a *App) activity() string {
	text := ""
	add := func(part string) {
		if text != "" {
			text += ", "
		}
		text += part
	}
	if text := a.jobActivity(); text != "" {
		add(text)
	}
	if n := a.pinCount(); n == 1 {
		add("1 pin")
	} else if n > 1 {
		add(cell.Number(float64(n), 0) + " pins")
	}
	if a.mode != modeCertified {
		add(modeNames[a.mode])
	}
	if a.engine.Inactive != 0 {
		add("inactive " + a.engine.Inactive.String())
	}
	if a.mouseOff {
		add("mouse off")
	}
	if a.working > 0 {
		add("working" + a.glyphSet().Ellipsis)
	}
	return text
}
