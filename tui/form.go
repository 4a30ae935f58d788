package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/tui/cell"
)

// form is a dialog of settings to change and actions to start.
type form struct {
	title  string
	row    int
	top    int       // the first row shown
	area   cell.Rect // of the rows shown
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
	f.row = min(f.row, len(rows)-1)
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
	if i := f.top + e.Y - f.area.Y; f.area.Contains(e.X, e.Y) && i < len(f.fields(a)) {
		if f.row == i {
			return f.key(a, tea.KeyPressMsg{Code: tea.KeyEnter})
		}
		f.row = i
	}
	return nil
}

func (f *form) draw(a *App, s *cell.Screen) {
	t := s.Theme
	rows := f.fields(a)
	f.row = min(f.row, len(rows)-1)
	r := s.Centred(76, len(rows)+5, f.title)
	shown := max(1, min(len(rows), r.H-3))
	f.top = cell.ScrollTop(f.row, len(rows), shown)
	f.area = cell.At(r.X, r.Y, r.W, shown)
	for i, row := range rows[f.top : f.top+shown] {
		y := r.Y + i
		selected := f.top+i == f.row
		s.Row(r, y, selected, t.Text, "  "+row.label)
		st := t.Accent
		if row.step == nil && row.edit == nil {
			st = t.Dim
		}
		s.Text(r.X+19, y, r.W-20, cell.Over(selected, st, t), row.value)
	}
	text, bad := f.status()
	st := t.Dim
	if bad {
		st = t.Warn
	}
	if lines := cell.Wrap(text, r.W-2); len(lines) > 1 { // the line above is free
		s.Text(r.X+1, r.Y+r.H-3, r.W-2, st, lines[0])
		text = strings.Join(lines[1:], " ")
	}
	s.Text(r.X+1, r.Y+r.H-2, r.W-2, st, text)
	hint := "enter: next"
	switch row := rows[f.row]; {
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
