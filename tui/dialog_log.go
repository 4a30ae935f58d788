package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/tui/cell"
	"github.com/binas-tui/binas-tui/tui/form"
)

// jobLog is all that a job has said: its error whole, and its log.
type jobLog struct {
	keysOnly
	id  int
	top int // the first line shown
}

// logLine is a line of it, an error's or of the log.
type logLine struct {
	text string
	bad  bool
}

// lines are those of a job in w cells.
func (l *jobLog) lines(a *App, w int) (out []logLine) {
	j, _ := a.jobOf(l.id)
	if j.Err != nil {
		for _, line := range cell.Wrap(j.Err.Error(), w) {
			out = append(out, logLine{line, true})
		}
		out = append(out, logLine{})
	}
	for _, text := range j.Log {
		for line := range strings.Lines(text) {
			for _, part := range cell.Wrap(line, w) {
				out = append(out, logLine{part, false})
			}
		}
	}
	if len(j.Log) == 0 {
		out = append(out, logLine{text: "it has logged nothing"})
	}
	return out
}

// place is the frame and the rows in it: as many as there are lines that the view can begin with.
func (l *jobLog) place(a *App, w, h int) (box cell.Rect, at cell.Rect, lines []logLine) {
	box = cell.Centred(w, h, min(w-4, 110), h-2)
	at = box.Inside()
	at.X, at.W, at.H = at.X+1, max(1, at.W-2), max(1, at.H-1)
	return box, at, l.lines(a, at.W)
}

func (l *jobLog) Key(a *App, msg tea.KeyPressMsg) tea.Cmd {
	_, at, lines := l.place(a, a.width, a.height)
	if n := form.RowKey(msg.String(), len(lines), at.H, true); n != 0 {
		l.top = min(max(l.top+n, 0), max(0, len(lines)-at.H))
		return nil
	}
	switch msg.String() {
	case "esc", "q", "enter":
		a.Leave()
	case "y":
		j, _ := a.jobOf(l.id)
		text := j.Name + "\n"
		if j.Err != nil {
			text += j.Err.Error() + "\n"
		}
		return a.services.copy(text+strings.Join(j.Log, "\n"), "the log")
	}
	return nil
}

func (l *jobLog) Mouse(a *App, msg tea.MouseMsg) tea.Cmd {
	if e, ok := msg.(tea.MouseWheelMsg); ok {
		_, at, lines := l.place(a, a.width, a.height)
		l.top = min(max(l.top+3*form.WheelStep(e), 0), max(0, len(lines)-at.H))
	}
	return nil
}

func (l *jobLog) Hints(a *App) []hint {
	return []hint{{Key: "up, down", Label: "scroll"}, {Key: "y", Label: "copy it all"}, {Key: "esc", Label: "close"}}
}

func (l *jobLog) Draw(a *App, s *cell.Screen) {
	t := s.Theme
	j, _ := a.jobOf(l.id)
	box, at, lines := l.place(a, s.W, s.H)
	r := s.Panel(box, j.Name+": "+j.State.String())
	top := min(l.top, max(0, len(lines)-at.H))
	for i, line := range lines[top:min(len(lines), top+at.H)] {
		st := t.Text
		if line.bad {
			st = t.Bad
		}
		s.Text(at.X, at.Y+i, at.W, st, line.text)
	}
	s.Position(box, cell.Rows{N: len(lines), At: at}, top+at.H/2)
	s.Text(at.X, r.Y+r.H-1, at.W, t.Dim, form.HintLine(l.Hints(a)))
}
