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
	helps  bool // its rows have help
}

// formRow is a line of a form: a value to step through or to type, one that is
// only shown, or an action to start.
type formRow struct {
	label, value string
	help         string // said below the rows while the cursor is on it
	step         func(n int) tea.Cmd
	start        func(*App) tea.Cmd
	edit         func(*App) tea.Cmd
	verb         string // what enter does, where it does not edit
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
	_, list, _ := f.place(a.width, a.height, len(rows))
	name := msg.String()
	if n := rowKey(name, len(rows), list.At.H, true); n != 0 {
		f.row = min(max(f.row+n, 0), len(rows)-1)
		return nil
	}
	switch name {
	case "esc", "q":
		a.leaveDialog()
	case "tab":
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
	default: // a value is typed
		if strings.ContainsAny(msg.Text, "0123456789./~") {
			return f.paste(a, msg.Text)
		}
	}
	return nil
}

// paste edits the value under the cursor, in whose place the text is.
func (f *form) paste(a *App, text string) tea.Cmd {
	rows := f.fields(a)
	row := rows[f.cursor(rows)]
	if row.edit == nil {
		return nil
	}
	cmd := row.edit(a)
	if e, ok := a.dialog.(*entry); ok {
		cmd = tea.Batch(cmd, e.paste(a, text))
	}
	return cmd
}

func (f *form) mouse(a *App, msg tea.MouseMsg) tea.Cmd {
	rows := f.fields(a)
	box, list, _ := f.place(a.width, a.height, len(rows))
	f.row = f.cursor(rows)
	switch e := msg.(type) {
	case tea.MouseWheelMsg:
		f.row = min(max(f.row+wheelStep(e), 0), len(rows)-1)
	case tea.MouseClickMsg:
		if !list.At.Contains(e.X, e.Y) {
			if !box.Contains(e.X, e.Y) {
				a.leaveDialog()
			}
			return nil
		}
		i := list.Top(f.row) + e.Y - list.At.Y
		if i == f.row {
			return f.key(a, tea.KeyPressMsg{Code: tea.KeyEnter})
		}
		f.row = i
	}
	return nil
}

func (f *form) hints(a *App) []hint {
	rows := f.fields(a)
	out := []hint{}
	row := rows[f.cursor(rows)]
	if row.step != nil {
		out = append(out, hint{a.glyphSet().Arrows, "change"})
	}
	switch {
	case row.start != nil:
		out = append(out, hint{"enter", "start"})
	case row.verb != "":
		out = append(out, hint{"enter", row.verb})
	case row.edit != nil:
		out = append(out, hint{"enter", "edit"})
	case row.step == nil:
		out = append(out, hint{"enter", "next"})
	}
	return append(out, hint{"esc", "back"})
}

func (f *form) cursor(rows []formRow) int { return min(f.row, len(rows)-1) }

// helpLines is the room for the help of the row under the cursor.
const helpLines = 2

// place is the frame of a form of n rows on a screen, where its rows are in it, and
// where its status is, below them: it has two lines, or as many as it needs, and above
// it two more where rows have help. The hint has the last line.
func (f *form) place(w, h, n int) (box cell.Rect, list cell.Rows, status cell.Rect) {
	const width, most = 76, 4
	text, _ := f.status()
	lines := min(max(2, len(cell.Wrap(text, min(width, w)-4))), most)
	if f.helps {
		lines += helpLines
	}
	box = cell.Centred(w, h, width, min(n+lines+3, h-2)) // the hints stay
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
	s.Position(box, list, f.cursor(rows))
	list.Draw(s, f.cursor(rows), f.cursor(rows), func(i int, l cell.Row) {
		row, st := rows[i], t.Accent
		if row.step == nil && row.edit == nil {
			st = t.Dim
		}
		l.Text(2, r.W, t.Text, row.label)
		l.Text(19, r.W-20, st, row.value)
	})
	if f.helps {
		for i, line := range cell.Wrap(rows[f.cursor(rows)].help, r.W-2) {
			if i < helpLines {
				s.Text(r.X+1, status.Y+i, r.W-2, t.Text, line)
			}
		}
		status = status.Below(helpLines)
	}
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
	s.Text(r.X+1, r.Y+r.H-1, r.W-2, t.Dim, hintLine(f.hints(a))+"   up, down: other rows")
}
