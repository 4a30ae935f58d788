package form

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/tui/cell"
)

// Form is a dialog of settings to change and actions to start.
type Form[H Host[H]] struct {
	Title  string
	Row    int // under the cursor; the form may have fewer rows by now
	Fields func(H) []Row[H]
	Status func() (text string, bad bool)
	Helps  bool // its rows have help
}

// Row is a line of a form: a value to step through or to type, one that is
// only shown, or an action to start.
type Row[H any] struct {
	Label, Value string
	Help         string // said below the rows while the cursor is on it
	Step         func(n int) tea.Cmd
	Start        func(H) tea.Cmd
	Edit         func(H) tea.Cmd
	Verb         string // what enter does, where it does not edit
}

// Base is the form itself, where another dialog has it in it.
func (f *Form[H]) Base() *Form[H] { return f }

func (f *Form[H]) Key(a H, msg tea.KeyPressMsg) tea.Cmd {
	rows := f.Fields(a)
	f.Row = f.cursor(rows)
	row := rows[f.Row]
	w, h := a.Size()
	_, list, _ := f.place(w, h, len(rows))
	name := msg.String()
	if n := RowKey(name, len(rows), list.At.H, true); n != 0 {
		f.Row = min(max(f.Row+n, 0), len(rows)-1)
		return nil
	}
	switch name {
	case "esc", "q":
		a.Leave()
	case "tab":
		f.Row = min(len(rows)-1, f.Row+1)
	case "left", "h":
		if row.Step != nil {
			return row.Step(-1)
		}
	case "right", "l":
		if row.Step != nil {
			return row.Step(1)
		}
	case "enter":
		switch {
		case row.Start != nil:
			a.Close()
			return row.Start(a)
		case row.Edit != nil:
			return row.Edit(a)
		}
		f.Row = min(len(rows)-1, f.Row+1)
	default: // a value is typed
		if strings.ContainsAny(msg.Text, "0123456789./~") {
			return f.Paste(a, msg.Text)
		}
	}
	return nil
}

// Paste edits the value under the cursor, in whose place the text is.
func (f *Form[H]) Paste(a H, text string) tea.Cmd {
	rows := f.Fields(a)
	row := rows[f.cursor(rows)]
	if row.Edit == nil {
		return nil
	}
	cmd := row.Edit(a)
	if e, ok := a.Opened().(*Entry[H]); ok {
		cmd = tea.Batch(cmd, e.Paste(a, text))
	}
	return cmd
}

func (f *Form[H]) Mouse(a H, msg tea.MouseMsg) tea.Cmd {
	rows := f.Fields(a)
	w, h := a.Size()
	box, list, _ := f.place(w, h, len(rows))
	f.Row = f.cursor(rows)
	switch e := msg.(type) {
	case tea.MouseWheelMsg:
		f.Row = min(max(f.Row+WheelStep(e), 0), len(rows)-1)
	case tea.MouseClickMsg:
		if !list.At.Contains(e.X, e.Y) {
			if !box.Contains(e.X, e.Y) {
				a.Leave()
			}
			return nil
		}
		i := list.Top(f.Row) + e.Y - list.At.Y
		if i == f.Row {
			return f.Key(a, tea.KeyPressMsg{Code: tea.KeyEnter})
		}
		f.Row = i
	}
	return nil
}

func (f *Form[H]) Hints(a H) []Hint {
	rows := f.Fields(a)
	out := []Hint{}
	row := rows[f.cursor(rows)]
	if row.Step != nil {
		out = append(out, Hint{a.Arrows(), "change"})
	}
	switch {
	case row.Start != nil:
		out = append(out, Hint{"enter", "start"})
	case row.Verb != "":
		out = append(out, Hint{"enter", row.Verb})
	case row.Edit != nil:
		out = append(out, Hint{"enter", "edit"})
	case row.Step == nil:
		out = append(out, Hint{"enter", "next"})
	}
	return append(out, Hint{"esc", "back"})
}

func (f *Form[H]) cursor(rows []Row[H]) int { return min(f.Row, len(rows)-1) }

// helpLines is the room for the help of the row under the cursor.
const helpLines = 2

// place is the frame of a form of n rows on a screen, where its rows are in it, and
// where its status is, below them: it has two lines, or as many as it needs, and above
// it two more where rows have help. The hint has the last line.
func (f *Form[H]) place(w, h, n int) (box cell.Rect, list cell.Rows, status cell.Rect) {
	const width, most = 76, 4
	text, _ := f.Status()
	lines := min(max(2, len(cell.Wrap(text, min(width, w)-4))), most)
	if f.Helps {
		lines += helpLines
	}
	box = cell.Centred(w, h, width, min(n+lines+3, h-2)) // the hints stay
	at := box.Inside()
	below := at.Below(at.H - 1 - lines)
	at.H = max(1, min(n, at.H-1-lines))
	below.H = lines
	return box, cell.Rows{N: n, At: at}, below
}

func (f *Form[H]) Draw(a H, s *cell.Screen) {
	t := s.Theme
	rows := f.Fields(a)
	box, list, status := f.place(s.W, s.H, len(rows))
	r := s.Panel(box, f.Title)
	s.Position(box, list, f.cursor(rows))
	list.Draw(s, f.cursor(rows), f.cursor(rows), func(i int, l cell.Row) {
		row, st := rows[i], t.Accent
		if row.Step == nil && row.Edit == nil {
			st = t.Dim
		}
		l.Text(2, r.W, t.Text, row.Label)
		l.Text(19, r.W-20, st, row.Value)
	})
	if f.Helps {
		for i, line := range cell.Wrap(rows[f.cursor(rows)].Help, r.W-2) {
			if i < helpLines {
				s.Text(r.X+1, status.Y+i, r.W-2, t.Text, line)
			}
		}
		status = status.Below(helpLines)
	}
	text, bad := f.Status()
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
	s.Text(r.X+1, r.Y+r.H-1, r.W-2, t.Dim, HintLine(f.Hints(a))+"   up, down: other rows")
}
