package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/binas-tui/binas-tui/tui/cell"
)

// dialog is what is drawn over the panes and takes all keys while it is open.
type dialog interface {
	key(*App, tea.KeyPressMsg) tea.Cmd
	paste(*App, string) tea.Cmd
	mouse(*App, tea.MouseMsg) tea.Cmd
	draw(*App, *cell.Screen)
}

// keysOnly is a dialog that takes neither pasted text nor the mouse.
type keysOnly struct{}

func (keysOnly) paste(*App, string) tea.Cmd       { return nil }
func (keysOnly) mouse(*App, tea.MouseMsg) tea.Cmd { return nil }

// closeDialog takes the dialog off the screen.
func (a *App) closeDialog() { a.dialog = nil }

// openLater opens a dialog that nobody has asked for just now: what is open is not
// covered, nothing is lost.
func (a *App) openLater(d dialog) { a.waiting = append(a.waiting, d) }

// openWaiting opens what waits, where nothing is open.
func (a *App) openWaiting() {
	if a.dialog == nil && len(a.waiting) > 0 && !a.tour.on {
		a.dialog, a.waiting = a.waiting[0], a.waiting[1:]
	}
}

// item is one line of a menu.
type item struct {
	label  string
	detail string // dim, after the label
	keys   string // at the right end
	head   bool   // a heading: not selectable
	choose func(*App) tea.Cmd
}

// menu is a list to choose from, with a filter: pickers, palette and help.
type menu struct {
	title  string
	hint   string
	items  []item
	filter string
	typing bool // letters go to the filter
	row    int
}

// shown are the items that pass the filter; headings stay where they head
// something.
func (m *menu) shown() []item {
	if m.filter == "" {
		return m.items
	}
	var out []item
	for i, it := range m.items {
		if it.head {
			for _, below := range m.items[i+1:] {
				if below.head {
					break
				}
				if m.matches(below) {
					out = append(out, it)
					break
				}
			}
		} else if m.matches(it) {
			out = append(out, it)
		}
	}
	return out
}

func (m *menu) matches(it item) bool {
	text := strings.ToLower(it.label + " " + it.detail + " " + it.keys)
	for _, word := range strings.Fields(strings.ToLower(m.filter)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

func (m *menu) key(a *App, msg tea.KeyPressMsg) tea.Cmd {
	switch name := msg.String(); {
	case name == "esc":
		a.closeDialog()
	case name == "enter":
		return m.choose(a)
	case name == "up" || name == "ctrl+p" || (name == "k" && !m.typing):
		m.move(-1)
	case name == "down" || name == "ctrl+n" || (name == "j" && !m.typing):
		m.move(1)
	case name == "pgup":
		m.move(-10)
	case name == "pgdown":
		m.move(10)
	case name == "backspace":
		if n := len(m.filter); n > 0 {
			m.filter = trimLast(m.filter)
			m.settle()
		}
	case name == "/" && !m.typing:
		m.typing = true
	case (name == "q" || name == "?") && !m.typing:
		a.closeDialog()
	case m.typing && msg.Text != "":
		m.filter += msg.Text
		m.settle()
	}
	return nil
}

func trimLast(s string) string {
	r := []rune(s)
	return string(r[:len(r)-1])
}

func (m *menu) paste(_ *App, text string) tea.Cmd {
	if m.typing {
		m.filter += ansi.Strip(text)
		m.settle()
	}
	return nil
}

func (m *menu) mouse(a *App, msg tea.MouseMsg) tea.Cmd {
	switch e := msg.(type) {
	case tea.MouseWheelMsg:
		if e.Button == tea.MouseWheelUp {
			m.move(-1)
		} else {
			m.move(1)
		}
	case tea.MouseClickMsg:
		box, _ := m.box(a.width, a.height)
		list := m.list(box.Inside())
		if !list.At.Contains(e.X, e.Y) {
			a.closeDialog()
			return nil
		}
		if i := list.Top(m.row) + e.Y - list.At.Y; i < list.N && !m.shown()[i].head {
			m.row = i
			return m.choose(a)
		}
	}
	return nil
}

func (m *menu) choose(a *App) tea.Cmd {
	items := m.shown()
	if m.row >= len(items) || items[m.row].choose == nil {
		a.closeDialog()
		return nil
	}
	a.closeDialog()
	return items[m.row].choose(a)
}

// move changes the row by n, past headings.
func (m *menu) move(n int) {
	items := m.shown()
	row := min(max(m.row+n, 0), max(len(items)-1, 0))
	step := 1
	if n < 0 {
		step = -1
	}
	for row >= 0 && row < len(items) && items[row].head {
		row += step
	}
	if row >= 0 && row < len(items) {
		m.row = row
	}
}

// settle puts the row on the first item that can be chosen.
func (m *menu) settle() {
	m.row = 0
	for i, it := range m.shown() {
		if !it.head {
			m.row = i
			return
		}
	}
}

// box is the frame of the menu on a screen, and how wide labels are: the details
// stand behind them.
func (m *menu) box(w, h int) (box cell.Rect, column int) {
	width := 30
	for _, it := range m.items {
		if w := ansi.StringWidth(it.label); it.detail != "" && w <= sourceWidth {
			column = max(column, w)
		}
	}
	for _, it := range m.items {
		label := ansi.StringWidth(it.label)
		if it.detail != "" {
			label = max(label, column)
		}
		width = max(width, label+ansi.StringWidth(it.detail)+ansi.StringWidth(it.keys)+9)
	}
	return cell.Centred(w, h, min(width, w-2), min(len(m.items)+4, h-2)), column
}

// list are the lines of the menu, below the hint.
func (m *menu) list(inside cell.Rect) cell.Rows {
	return cell.Rows{N: len(m.shown()), At: inside.Below(1)}
}

func (m *menu) draw(_ *App, s *cell.Screen) {
	t := s.Theme
	items := m.shown()
	box, column := m.box(s.W, s.H)
	r := s.Panel(box, m.title)
	line := m.hint
	if m.typing || m.filter != "" {
		line = "/ " + m.filter + "_"
	}
	s.Text(r.X+1, r.Y, r.W-2, t.Dim, line)
	if len(items) == 0 {
		s.Text(r.X+1, r.Y+1, r.W-2, t.Warn, "nothing matches")
	}
	m.list(r).Draw(s, m.row, m.row, func(i int, l cell.Row) {
		it := items[i]
		if it.head {
			l.Text(1, r.W-2, t.TitleFocus, it.label)
			return
		}
		room := r.W - 3 - ansi.StringWidth(it.keys)
		x := 2 + max(column, l.Text(2, room, t.Text, it.label))
		l.Text(x+2, room-x-1, t.Dim, it.detail)
		l.Right(0, r.W-1, t.Key, it.keys)
	})
}
