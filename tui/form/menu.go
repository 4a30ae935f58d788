package form

import (
	"fmt"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/sahilm/fuzzy"

	"github.com/binas-tui/binas-tui/tui/cell"
)

// LabelWidth is the most cells of a label whose detail stands in the column of details.
const LabelWidth = 32

// Item is one line of a menu.
type Item[H any] struct {
	Label  string
	Detail string // dim, after the label
	Keys   string // at the right end
	Also   string // found by it too
	Head   bool   // a heading: not selectable
	Choose func(H) tea.Cmd
}

// Menu is a list to choose from, with a filter: pickers, palette and help.
type Menu[H Host[H]] struct {
	Title   string
	Hint    string // above the items; "" is what keys do
	Items   []Item[H]
	Filter  string
	Typing  bool // letters go to the filter
	Palette bool // they always do
	Row     int
}

// Shown are the items that pass the filter: those with all its words, under their
// headings; where none has them, those that are spelt alike, the most alike first.
func (m *Menu[H]) Shown() []Item[H] {
	if m.Filter == "" {
		return m.Items
	}
	var out, all []Item[H]
	var names, texts []string
	head := -1 // of the items that follow, not taken yet
	for i, it := range m.Items {
		switch {
		case it.Head:
			head = i
			continue
		case m.matches(it):
			if head >= 0 {
				out = append(out, m.Items[head])
				head = -1
			}
			out = append(out, it)
		}
		all, names, texts = append(all, it), append(names, it.Also), append(texts, it.Also+" "+it.Label)
	}
	if len(out) == 0 {
		taken := map[int]bool{}
		for _, spelt := range [][]string{names, texts} { // what an action is called before what it says
			for _, match := range fuzzy.Find(m.Filter, spelt) {
				if !taken[match.Index] {
					taken[match.Index] = true
					out = append(out, all[match.Index])
				}
			}
		}
	}
	return out
}

func (m *Menu[H]) matches(it Item[H]) bool {
	text := strings.ToLower(it.Label + " " + it.Detail + " " + it.Keys + " " + it.Also)
	for _, word := range strings.Fields(strings.ToLower(m.Filter)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

func (m *Menu[H]) Key(a H, msg tea.KeyPressMsg) tea.Cmd {
	box, _ := m.box(a.Size())
	name := msg.String()
	if n := RowKey(name, len(m.Items), m.list(box.Inside()).At.H, !m.Typing); n != 0 {
		m.move(n)
		return nil
	}
	switch {
	case name == "esc" && m.Filter != "":
		m.Filter, m.Typing = "", m.Palette
		m.Settle()
	case name == "esc" && m.Typing && !m.Palette:
		m.Typing = false
	case name == "esc" || (name == "q" || name == "?") && !m.Typing:
		a.Leave()
	case name == "enter":
		return m.Choose(a)
	case name == "ctrl+p":
		m.move(-1)
	case name == "ctrl+n":
		m.move(1)
	case name == "backspace":
		if n := len(m.Filter); n > 0 {
			m.Filter = trimLast(m.Filter)
			m.Settle()
		}
	case name == "/" && !m.Typing:
		m.Typing = true
	case m.Typing && msg.Text != "":
		m.Filter += msg.Text
		m.Settle()
	}
	return nil
}

func (m *Menu[H]) Hints(H) []Hint {
	back := "cancel"
	if m.Filter != "" {
		back = "clear"
	}
	if m.Typing {
		return []Hint{{"enter", "choose"}, {"esc", back}}
	}
	return []Hint{{"enter", "choose"}, {"/", "search"}, {"esc", back}}
}

func trimLast(s string) string {
	r := []rune(s)
	return string(r[:len(r)-1])
}

func (m *Menu[H]) Paste(_ H, text string) tea.Cmd {
	if m.Typing {
		m.Filter += ansi.Strip(text)
		m.Settle()
	}
	return nil
}

func (m *Menu[H]) Mouse(a H, msg tea.MouseMsg) tea.Cmd {
	switch e := msg.(type) {
	case tea.MouseWheelMsg:
		m.move(WheelStep(e))
	case tea.MouseClickMsg:
		box, _ := m.box(a.Size())
		list := m.list(box.Inside())
		if !list.At.Contains(e.X, e.Y) {
			a.Leave()
			return nil
		}
		if i := list.Top(m.Row) + e.Y - list.At.Y; i < list.N && !m.Shown()[i].Head {
			m.Row = i
			return m.Choose(a)
		}
	}
	return nil
}

// Choose does what the item under the cursor stands for. A dialog that this opens
// goes back to the menu.
func (m *Menu[H]) Choose(a H) tea.Cmd {
	items := m.Shown()
	a.Close()
	if m.Row >= len(items) || items[m.Row].Choose == nil {
		return nil
	}
	cmd := items[m.Row].Choose(a)
	a.Nest(m)
	return cmd
}

// move changes the row by n, past headings.
func (m *Menu[H]) move(n int) {
	items := m.Shown()
	row := min(max(m.Row+n, 0), max(len(items)-1, 0))
	step := 1
	if n < 0 {
		step = -1
	}
	for range 2 { // where there is none that way, the other way
		for at := row; at >= 0 && at < len(items); at += step {
			if !items[at].Head {
				m.Row = at
				return
			}
		}
		step = -step
	}
}

// Settle puts the row on the first item that can be chosen.
func (m *Menu[H]) Settle() {
	m.Row = 0
	for i, it := range m.Shown() {
		if !it.Head {
			m.Row = i
			return
		}
	}
}

// box is the frame of the menu on a screen, and how wide labels are: the details
// stand behind them.
func (m *Menu[H]) box(w, h int) (box cell.Rect, column int) {
	var none H
	line := m.Hint
	if line == "" {
		line = HintLine((&Menu[H]{}).Hints(none)) // not those of now: the box keeps its size
	}
	width := max(30, ansi.StringWidth(line)+4)
	for _, it := range m.Items {
		if w := ansi.StringWidth(it.Label); it.Detail != "" && w <= LabelWidth {
			column = max(column, w)
		}
	}
	for _, it := range m.Items {
		label := ansi.StringWidth(it.Label)
		if it.Detail != "" {
			label = max(label, column)
		}
		width = max(width, label+ansi.StringWidth(it.Detail)+ansi.StringWidth(it.Keys)+9)
	}
	return cell.Centred(w, h, min(width, w-2), min(len(m.Items)+4, h-2)), column
}

// list are the lines of the menu, below the hint.
func (m *Menu[H]) list(inside cell.Rect) cell.Rows {
	return cell.Rows{N: len(m.Shown()), At: inside.Below(1)}
}

func (m *Menu[H]) Draw(a H, s *cell.Screen) {
	t := s.Theme
	items := m.Shown()
	box, column := m.box(s.W, s.H)
	r := s.Panel(box, m.Title)
	line := m.Hint
	if line == "" {
		line = HintLine(m.Hints(a))
	}
	if m.Typing || m.Filter != "" {
		line = "/ " + m.Filter + "_"
	}
	s.Text(r.X+1, r.Y, r.W-2, t.Dim, line)
	if len(items) == 0 {
		s.Text(r.X+1, r.Y+1, r.W-2, t.Warn, "nothing matches")
	}
	list := m.list(r)
	s.Position(box, list, m.Row)
	list.Draw(s, m.Row, m.Row, func(i int, l cell.Row) {
		it := items[i]
		if it.Head {
			l.Text(1, r.W-2, t.TitleFocus, it.Label)
			return
		}
		room := r.W - 3 - ansi.StringWidth(it.Keys)
		x := 2 + max(column, l.Text(2, room, t.Text, it.Label))
		l.Text(x+2, room-x-1, t.Dim, it.Detail)
		l.Right(0, r.W-1, t.Key, it.Keys)
	})
}

// Named is the item with this number, name, or beginning of one name alone.
func (m *Menu[H]) Named(text string) (Item[H], error) {
	var items, found []Item[H]
	for _, it := range m.Items {
		if !it.Head && it.Choose != nil {
			items = append(items, it)
		}
	}
	if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(items) {
		return items[n-1], nil
	}
	for _, it := range items {
		if strings.EqualFold(it.Label, text) {
			return it, nil
		}
		if strings.Contains(strings.ToLower(it.Label), strings.ToLower(text)) {
			found = append(found, it)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Item[H]{}, fmt.Errorf("%q: none has this name", text)
	}
	var names []string
	for _, it := range found {
		names = append(names, it.Label)
	}
	return Item[H]{}, fmt.Errorf("%q: could be %s", text, strings.Join(names, ", "))
}
