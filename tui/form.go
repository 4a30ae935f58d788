package tui

import (
	tea "charm.land/bubbletea/v2"
)

// form is a dialog of settings to change and actions to start.
type form struct {
	title  string
	row    int
	area   rect
	fields func(*App) []formRow
	status func() (text string, bad bool)
}

// formRow is a line of a form: a value to step through or to type, or an action
// to start.
type formRow struct {
	label, value string
	step         func(n int)
	start        func(*App) tea.Cmd
	edit         func(*App) tea.Cmd
}

// formed are the dialogs that are forms.
type formed interface {
	dialog
	formRows(*App) []formRow
	formTitle() string
}

func (f *form) formRows(a *App) []formRow { return f.fields(a) }
func (f *form) formTitle() string         { return f.title }

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
			row.step(-1)
		}
	case "right", "l":
		if row.step != nil {
			row.step(1)
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
	if i := e.Y - f.area.y; f.area.contains(e.X, e.Y) && i < len(f.fields(a)) {
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
	r := s.centred(66, len(rows)+5, f.title)
	f.area = rect{r.x, r.y, r.w, len(rows)}
	for i, row := range rows {
		y := r.y + i
		selected := i == f.row
		if selected {
			s.fill(rect{r.x, y, r.w, 1}, t.selected, " ")
			s.text(r.x, y, 1, over(true, t.accent, t), s.glyphs.cursor)
		}
		s.text(r.x+2, y, r.w-3, over(selected, t.text, t), row.label)
		if row.step != nil || row.edit != nil {
			s.text(r.x+16, y, r.w-17, over(selected, t.accent, t), row.value)
		}
	}
	text, bad := f.status()
	st := t.dim
	if bad {
		st = t.warn
	}
	s.text(r.x+1, r.y+len(rows)+1, r.w-2, st, text)
	s.text(r.x+1, r.y+r.h-1, r.w-2, t.dim, s.glyphs.arrows+" change   enter start   esc close")
}
