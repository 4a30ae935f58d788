package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/tui/cell"
)

// form is a dialog of settings to change and actions to start.
type form struct {
	title  string
	row    int // under the cursor; the form may have fewer rows by now
	fields func(*App) []formRow
	status func() (text string, bad bool)
}

// formRow is a line of a form: a value to step through or to type, one that is
// only shown, or an action to start.
type formRow struct {
	label, value string
	step         func(n int) tea.Cmd
	start        func(*App) tea.Cmd
	edit         func(*App) tea.Cmd
}

// formed are the dialogs that are forms.
type formed interface {
	dialog
	formRows(*App) []formRow
	formTitle() string
	formStatus() (text string, bad bool)
}

func (f *form) formRows(a *App) []formRow  { return f.fields(a) }
func (f *form) formTitle() string          { return f.title }
func (f *form) formStatus() (string, bool) { return f.status() }

func (f *form) key(a *App, msg tea.KeyPressMsg) tea.Cmd {
	rows := f.fields(a)
	f.row = f.cursor(rows)
	row := rows[f.row]
	switch msg.String() {
	case "esc", "q":
		a.closeDialog()
	case "up", "k":
		f.row = max(0, f.row-1)
	case "down", "j", "tab":
		f.row = min(len(rows)-1, f.row+1)
	case "left", "h":
		if row.step != nil {
			return row.step(-1)
		}
	case "right", "l":
		if row.step != nil {
			return row.step(1)
		}
	case "enter":
		switch {
		case row.start != nil:
			a.closeDialog()
			return row.start(a)
		case row.edit != nil:
			return row.edit(a)
		}
		f.row = min(len(rows)-1, f.row+1)
	}
	return nil
}

func (f *form) paste(*App, string) tea.Cmd { return nil }

func (f *form) mouse(a *App, msg tea.MouseMsg) tea.Cmd {
	e, ok := msg.(tea.MouseClickMsg)
	if !ok {
		return nil
	}
	rows := f.fields(a)
	_, list, _ := f.place(a.width, a.height, len(rows))
	if !list.At.Contains(e.X, e.Y) {
		return nil
	}
	i := list.Top(f.cursor(rows)) + e.Y - list.At.Y
	if i == f.cursor(rows) {
		return f.key(a, tea.KeyPressMsg{Code: tea.KeyEnter})
	}
	f.row = i
	return nil
}

// cursor is the row under the cursor.
func (f *form) cursor(rows []formRow) int { return min(f.row, len(rows)-1) }

// place is the frame of a form of n rows on a screen, where its rows are in it, and
// where its status is, below them: it has two lines, or as many as it needs. The
// hint has the last line.
func (f *form) place(w, h, n int) (box cell.Rect, list cell.Rows, status cell.Rect) {
	const width, most = 76, 4
	text, _ := f.status()
	lines := min(max(2, len(cell.Wrap(text, min(width, w)-4))), most)
	box = cell.Centred(w, h, width, n+lines+3)
	at := box.Inside()
	below := at.Below(at.H - 1 - lines)
	at.H = max(1, min(n, at.H-1-lines))
	below.H = lines
	return box, cell.Rows{N: n, At: at}, below
}

func (f *form) draw(a *App, s *cell.Screen) {
	t := s.Theme
	rows := f.fields(a)
	box, list, status := f.place(s.W, s.H, len(rows))
	r := s.Panel(box, f.title)
	list.Draw(s, f.cursor(rows), f.cursor(rows), func(i int, l cell.Row) {
		row, st := rows[i], t.Accent
		if row.step == nil && row.edit == nil {
			st = t.Dim
		}
		l.Text(2, r.W, t.Text, row.label)
		l.Text(19, r.W-20, st, row.value)
	})
	text, bad := f.status()
	st := t.Dim
	if bad {
		st = t.Warn
	}
	lines := cell.Wrap(text, r.W-2)
	if len(lines) > status.H { // the last one ends in an ellipsis
		lines = append(lines[:status.H-1], strings.Join(lines[status.H-1:], " "))
	}
	for i, line := range lines {
		s.Text(r.X+1, status.Y+status.H-len(lines)+i, r.W-2, st, line)
	}
	hint := "enter: next"
	switch row := rows[f.cursor(rows)]; {
	case row.step != nil && row.edit != nil:
		hint = s.Glyphs.Arrows + ": change   enter: edit"
	case row.step != nil:
		hint = s.Glyphs.Arrows + ": change"
	case row.edit != nil:
		hint = "enter: edit"
	case row.start != nil:
		hint = "enter: start"
	}
	s.Text(r.X+1, r.Y+r.H-1, r.W-2, t.Dim, hint+"   up, down: other rows   esc: close")
}
