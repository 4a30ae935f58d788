package tui

import (
	"slices"
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/binas-tui/binas-tui/tui/cell"
)

// hinter is a pane whose actions do not all make sense all the time.
type hinter interface{ offers(a *App, id string) bool }

// hints are the keys that do something now: those of the dialog; or that which goes
// back, those of the focused pane and general ones. The last three, how to get the
// network, help and out, have their place.
func (a *App) hints(g *cell.Glyphs) []hint {
	if a.dialog != nil {
		return a.dialog.Hints(a)
	}
	var back, own, general, last []hint
	switch {
	case a.tour.on: // whose keys these are before the pane's
		back = []hint{{Key: "enter", Label: "next"}, {Key: "esc", Label: "skip the tour"}}
		if a.tour.step == len(tourSteps())-1 {
			back = []hint{{Key: "enter", Label: "end the tour"}}
		}
	case a.play.on:
		back = []hint{{Key: a.keyOf("back"), Label: "stop"}}
	case a.zoomed:
		back = []hint{{Key: a.keyOf("back"), Label: "back"}}
	}
	pane, choosy := a.panes.of(a.focus).(hinter)
	for i := range a.keys.bindings {
		b := &a.keys.bindings[i]
		if b.hint == "" || len(b.keys) == 0 || !b.worksIn(a.focus) {
			continue
		}
		h := hint{Key: keyLabel(b.keys[:1], g), Label: b.hint}
		switch {
		case b.id == "copy" || b.id == "help" || b.id == "quit":
			last = append(last, h)
		case b.id == "zoom" && a.zoomed, a.tour.on && b.keys[0] == "enter":
		case b.id == "budget-down":
			general = append(general, hint{Key: g.Arrows, Label: b.hint})
		case b.pane == "":
			general = append(general, h)
		case !choosy || pane.offers(a, b.id):
			own = append(own, h)
		}
	}
	return slices.Concat(back, own, general, last)
}

// placedHint is a hint and where it is.
type placedHint struct {
	hint
	x, w int
}

// placedHints are those that there is room for from x to end, the last ones before the
// others; beside a message help and quit alone.
func (a *App) placedHints(g *cell.Glyphs, x, end int) []placedHint {
	var out []placedHint
	all, kept := a.hints(g), 0
	if a.dialog == nil {
		kept = 3
	}
	width := func(h hint) int { return ansi.StringWidth(h.Key) + 1 + ansi.StringWidth(h.Label) }
	if a.message != "" {
		kept = min(kept, 2)
	}
	first := max(0, len(all)-kept)
	for _, h := range all[first:] {
		end -= width(h) + 2
	}
	if a.message != "" {
		if x += ansi.StringWidth(a.message) + 2; x > end+2 {
			return nil
		}
		all, first, x = all[first:], 0, end+2
	}
	for i, h := range all {
		if i == first {
			end = x + 1<<10 // they have their room
		}
		if w := width(h); x+w <= end {
			out = append(out, placedHint{h, x, w})
			x += w + 2
		}
	}
	return out
}

// clickHint presses the key of the hint at a column.
func (a *App) clickHint(x int) tea.Cmd {
	start, end := a.hintSpan()
	for _, h := range a.placedHints(a.glyphSet(), start, end) {
		if x < h.x || x >= h.x+h.w {
			continue
		}
		k := tea.Key{}
		switch h.Key {
		case "enter":
			k.Code = tea.KeyEnter
		case "esc":
			k.Code = tea.KeyEscape
		case "space":
			k.Code = tea.KeySpace
		case "tab":
			k.Code = tea.KeyTab
		default:
			r, size := utf8.DecodeRuneInString(h.Key)
			if size != len(h.Key) {
				return nil // of several keys
			}
			k.Code, k.Text = r, h.Key
		}
		return a.key(tea.KeyPressMsg(k))
	}
	return nil
}

// hintSpan is where hints may be: what goes on is to the right of them.
func (a *App) hintSpan() (x, end int) {
	r := a.layout.hints
	x, end = r.X+1, r.X+r.W-1
	if width := ansi.StringWidth(a.activity()); width > 0 && x+ansi.StringWidth(a.message)+width+2 <= end { // else the message alone
		end -= width + 2
	}
	return x, end
}

func (a *App) drawHints(s *cell.Screen, r cell.Rect) {
	t := s.Theme
	x, end := a.hintSpan()
	if end < r.X+r.W-1 {
		s.Right(r.X, r.Y, r.W-1, t.Warn, a.activity())
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
	}
	for _, h := range a.placedHints(s.Glyphs, x, end) {
		used := s.Text(h.x, r.Y, h.w, t.Key, h.Key)
		s.Text(h.x+used, r.Y, h.w-used, t.Dim, " "+h.Label)
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
