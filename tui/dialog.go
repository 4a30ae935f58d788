package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/sahilm/fuzzy"

	"github.com/binas-tui/binas-tui/tui/cell"
)

// dialog is what is drawn over the panes and takes all keys while it is open.
type dialog interface {
	key(*App, tea.KeyPressMsg) tea.Cmd
	paste(*App, string) tea.Cmd
	mouse(*App, tea.MouseMsg) tea.Cmd
	hints(*App) []hint
	draw(*App, *cell.Screen)
}

// keysOnly is a dialog that takes no pasted text, and the mouse on its hints alone.
type keysOnly struct{}

func (keysOnly) paste(*App, string) tea.Cmd       { return nil }
func (keysOnly) mouse(*App, tea.MouseMsg) tea.Cmd { return nil }

// open shows a dialog, which an action can end with.
func (a *App) open(d dialog) tea.Cmd {
	a.dialog = d
	return nil
}

func (a *App) closeDialog() { a.dialog = nil }

// leaveDialog goes back to the dialog that this one was opened from, where there is
// one.
func (a *App) leaveDialog() {
	a.closeDialog()
	if n := len(a.parents); n > 0 {
		a.dialog, a.parents = a.parents[n-1], a.parents[:n-1]
	}
}

// rowKey is how far a key moves in a list of n rows of which page are shown; 0 is
// not at all. Letters move where they are not typed.
func rowKey(name string, n, page int, letters bool) int {
	switch name {
	case "up":
		return -1
	case "down":
		return 1
	case "pgup":
		return -max(1, page-1)
	case "pgdown":
		return max(1, page-1)
	case "home":
		return -n
	case "end":
		return n
	}
	if at := strings.Index("kjgG", name); letters && len(name) == 1 && at >= 0 {
		return rowKey([]string{"up", "down", "home", "end"}[at], n, page, false)
	}
	return 0
}

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
	also   string // found by it too
	head   bool   // a heading: not selectable
	choose func(*App) tea.Cmd
}

// menu is a list to choose from, with a filter: pickers, palette and help.
type menu struct {
	title   string
	hint    string
	items   []item
	filter  string
	typing  bool // letters go to the filter
	palette bool // they always do
	row     int
}

// shown are the items that pass the filter: those with all its words, under their
// headings; where none has them, those that are spelt alike, the most alike first.
func (m *menu) shown() []item {
	if m.filter == "" {
		return m.items
	}
	var out, all []item
	var names, texts []string
	head := -1 // of the items that follow, not taken yet
	for i, it := range m.items {
		switch {
		case it.head:
			head = i
			continue
		case m.matches(it):
			if head >= 0 {
				out = append(out, m.items[head])
				head = -1
			}
			out = append(out, it)
		}
		all, names, texts = append(all, it), append(names, it.also), append(texts, it.also+" "+it.label)
	}
	if len(out) == 0 {
		taken := map[int]bool{}
		for _, spelt := range [][]string{names, texts} { // what an action is called before what it says
			for _, match := range fuzzy.Find(m.filter, spelt) {
				if !taken[match.Index] {
					taken[match.Index] = true
					out = append(out, all[match.Index])
				}
			}
		}
	}
	return out
}

func (m *menu) matches(it item) bool {
	text := strings.ToLower(it.label + " " + it.detail + " " + it.keys + " " + it.also)
	for _, word := range strings.Fields(strings.ToLower(m.filter)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

func (m *menu) key(a *App, msg tea.KeyPressMsg) tea.Cmd {
	box, _ := m.box(a.width, a.height)
	name := msg.String()
	if n := rowKey(name, len(m.items), m.list(box.Inside()).At.H, !m.typing); n != 0 {
		m.move(n)
		return nil
	}
	switch {
	case name == "esc" && m.filter != "":
		m.filter, m.typing = "", m.palette
		m.settle()
	case name == "esc" && m.typing && !m.palette:
		m.typing = false
	case name == "esc" || (name == "q" || name == "?") && !m.typing:
		a.leaveDialog()
	case name == "enter":
		return m.choose(a)
	case name == "ctrl+p":
		m.move(-1)
	case name == "ctrl+n":
		m.move(1)
	case name == "backspace":
		if n := len(m.filter); n > 0 {
			m.filter = trimLast(m.filter)
			m.settle()
		}
	case name == "/" && !m.typing:
		m.typing = true
	case m.typing && msg.Text != "":
		m.filter += msg.Text
		m.settle()
	}
	return nil
}

func (m *menu) hints(*App) []hint {
	back := "cancel"
	if m.filter != "" {
		back = "clear"
	}
	if m.typing {
		return []hint{{"enter", "choose"}, {"esc", back}}
	}
	return []hint{{"enter", "choose"}, {"/", "search"}, {"esc", back}}
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
		m.move(wheelStep(e))
	case tea.MouseClickMsg:
		box, _ := m.box(a.width, a.height)
		list := m.list(box.Inside())
		if !list.At.Contains(e.X, e.Y) {
			a.leaveDialog()
			return nil
		}
		if i := list.Top(m.row) + e.Y - list.At.Y; i < list.N && !m.shown()[i].head {
			m.row = i
			return m.choose(a)
		}
	}
	return nil
}

// choose does what the item under the cursor stands for. A dialog that this opens
// goes back to the menu.
func (m *menu) choose(a *App) tea.Cmd {
	items := m.shown()
	a.closeDialog()
	if m.row >= len(items) || items[m.row].choose == nil {
		return nil
	}
	cmd := items[m.row].choose(a)
	if a.dialog != nil {
		a.parents = append(a.parents, m)
	}
	return cmd
}

// move changes the row by n, past headings.
func (m *menu) move(n int) {
	items := m.shown()
	row := min(max(m.row+n, 0), max(len(items)-1, 0))
	step := 1
	if n < 0 {
		step = -1
	}
	for range 2 { // where there is none that way, the other way
		for at := row; at >= 0 && at < len(items); at += step {
			if !items[at].head {
				m.row = at
				return
			}
		}
		step = -step
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
	line := m.hint
	if line == "" {
		line = hintLine((&menu{}).hints(nil)) // not those of now: the box keeps its size
	}
	width := max(30, ansi.StringWidth(line)+4)
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

func (m *menu) draw(a *App, s *cell.Screen) {
	t := s.Theme
	items := m.shown()
	box, column := m.box(s.W, s.H)
	r := s.Panel(box, m.title)
	line := m.hint
	if line == "" {
		line = hintLine(m.hints(a))
	}
	if m.typing || m.filter != "" {
		line = "/ " + m.filter + "_"
	}
	s.Text(r.X+1, r.Y, r.W-2, t.Dim, line)
	if len(items) == 0 {
		s.Text(r.X+1, r.Y+1, r.W-2, t.Warn, "nothing matches")
	}
	list := m.list(r)
	s.Position(box, list, m.row)
	list.Draw(s, m.row, m.row, func(i int, l cell.Row) {
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
