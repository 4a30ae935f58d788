package tui

import (
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
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
func (a *App) drawHints(s *screen, r rect) {
	t := s.theme
	x, end := r.x+1, r.x+r.w-1
	right := a.activity()
	if width := ansi.StringWidth(right); right != "" && x+ansi.StringWidth(a.message)+width+2 <= end { // else the message alone
		end -= width + 2
		s.right(r.x, r.y, r.w-1, t.warn, right)
	}
	if a.message != "" {
		st := t.good
		if a.warning {
			st = t.bad
		}
		text, y := a.message, r.y
		if lines := wrap(text, end-x); len(lines) > 1 && !a.play.on { // what does not fit takes the line above too
			y--
			s.fill(rect{r.x, y, r.w, 1}, t.text, " ")
			s.text(x, y, end-x, st, lines[0])
			text, y = strings.Join(lines[1:], " "), r.y
		}
		s.text(x, y, end-x, st, text)
		return
	}
	for _, b := range a.hintItems() {
		key := keyLabel(b.keys[:1], s.glyphs)
		if b.id == "budget-down" {
			key = s.glyphs.arrows
		}
		if x+ansi.StringWidth(key)+1+len(b.hint) > end {
			continue
		}
		x += s.text(x, r.y, end-x, t.key, key)
		x += 2 + s.text(x, r.y, end-x, t.dim, " "+b.hint)
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
		add(formatNumber(float64(n), 0) + " pins")
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
		add("working" + a.glyphSet().ellipsis)
	}
	return text
}
