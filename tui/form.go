package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// form is a dialog of settings to change and actions to start.
type form struct {
	title  string
	row    int
	top    int  // the first row shown
	area   rect // of the rows shown
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
	if i := f.top + e.Y - f.area.y; f.area.contains(e.X, e.Y) && i < len(f.fields(a)) {
		if f.row == i {
			return f.key(a, tea.KeyPressMsg{Code: tea.KeyEnter})
		}
		f.row = i
	}
	return nil
}

func (f *form) draw(a *App, s *screen) {
	t := s.theme
	rows := f.fields(a)
	f.row = min(f.row, len(rows)-1)
	r := s.centred(76, len(rows)+5, f.title)
	shown := max(1, min(len(rows), r.h-3))
	f.top = scrollTop(f.row, len(rows), shown)
	f.area = rect{r.x, r.y, r.w, shown}
	for i, row := range rows[f.top : f.top+shown] {
		y := r.y + i
		selected := f.top+i == f.row
		s.row(r, y, selected, t.text, "  "+row.label)
		st := t.accent
		if row.step == nil && row.edit == nil {
			st = t.dim
		}
		s.text(r.x+19, y, r.w-20, over(selected, st, t), row.value)
	}
	text, bad := f.status()
	st := t.dim
	if bad {
		st = t.warn
	}
	if lines := wrap(text, r.w-2); len(lines) > 1 { // the line above is free
		s.text(r.x+1, r.y+r.h-3, r.w-2, st, lines[0])
		text = strings.Join(lines[1:], " ")
	}
	s.text(r.x+1, r.y+r.h-2, r.w-2, st, text)
	hint := "enter: next"
	switch row := rows[f.row]; {
	case row.step != nil && row.edit != nil:
		hint = s.glyphs.arrows + ": change   enter: edit"
	case row.step != nil:
		hint = s.glyphs.arrows + ": change"
	case row.edit != nil:
		hint = "enter: edit"
	case row.start != nil:
		hint = "enter: start"
	}
	s.text(r.x+1, r.y+r.h-1, r.w-2, t.dim, hint+"   up, down: other rows   esc: close")
}
