package form

import (
	"cmp"
	"strings"
	"unicode/utf8"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/binas-tui/binas-tui/tui/cell"
)

// Entry asks for one line of text.
type Entry[H Host[H]] struct {
	Title  string
	Prompt string
	Hint   string // before what the keys do
	Input  textinput.Model
	Accept func(H, string) (tea.Cmd, error)
	Err    string    // why the text was refused, until it changes
	Back   Dialog[H] // that comes back afterwards; may be nil

	selected bool // the text is as it was opened: typing replaces it
}

// NewEntry asks for a text, which is a value to begin with; typing replaces that.
func NewEntry[H Host[H]](title, prompt, value string, accept func(H, string) (tea.Cmd, error)) *Entry[H] {
	in := textinput.New()
	in.Prompt = ""
	in.CharLimit = 4096
	in.SetValue(value)
	in.Focus()
	return &Entry[H]{Title: title, Prompt: prompt, Input: in, Accept: accept, selected: value != ""}
}

func (e *Entry[H]) Key(a H, msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "esc":
		if e.Back == nil {
			a.Leave()
			return nil
		}
		return a.Open(e.Back)
	case "enter":
		a.Open(e.Back)
		cmd, err := e.Accept(a, strings.TrimSpace(e.Input.Value()))
		if err != nil {
			e.Err = err.Error()
			a.Open(e)
		}
		return cmd
	}
	e.Err = ""
	e.replace(msg.Text != "" || msg.String() == "backspace" || msg.String() == "delete")
	e.Input, _ = e.Input.Update(msg)
	return nil
}

// replace ends the selection of the text, which goes where something is written.
func (e *Entry[H]) replace(written bool) {
	if e.selected && written {
		e.Input.SetValue("")
	}
	e.selected = false
}

func (e *Entry[H]) Paste(_ H, text string) tea.Cmd {
	e.replace(true)
	e.Input, _ = e.Input.Update(tea.PasteMsg{Content: ansi.Strip(text)})
	return nil
}

func (e *Entry[H]) Mouse(H, tea.MouseMsg) tea.Cmd { return nil }

func (e *Entry[H]) Hints(H) []Hint { return []Hint{{"enter", "accept"}, {"esc", "cancel"}} }

func (e *Entry[H]) Draw(a H, s *cell.Screen) {
	t := s.Theme
	hint := e.Hint + HintLine(e.Hints(a))
	width := min(s.W-2, max(50, ansi.StringWidth(e.Err)+4, ansi.StringWidth(hint)+4))
	below, st := []string{hint}, t.Dim
	if e.Err != "" {
		below, st = cell.Wrap(e.Err, width-4), t.Bad
	}
	r := s.Centred(width, min(s.H, max(5, len(below)+3)), e.Title)
	x := r.X + 1 + s.Text(r.X+1, r.Y, r.W-2, t.Dim, e.Prompt)
	e.drawValue(s, x, r.Y, r.X+r.W-2-x)
	for i, line := range below {
		s.Text(r.X+1, r.Y+1+i, r.W-2, st, line)
	}
}

// drawValue draws what of the text is around the cursor, in so many cells.
func (e *Entry[H]) drawValue(s *cell.Screen, x, y, room int) {
	value, cursor := []rune(e.Input.Value()), e.Input.Position()
	next := func(i int) string { // the sign there, of one rune or more
		c, _ := ansi.FirstGraphemeCluster(string(value[i:]), ansi.GraphemeWidth)
		return cmp.Or(c, " ")
	}
	start, used := cursor, ansi.StringWidth(next(cursor))
	for ; start > 0; start-- {
		if used += ansi.StringWidth(string(value[start-1])); used > room {
			break
		}
	}
	for i, at := start, 0; i <= len(value) && at < room; {
		c, st := next(i), s.Theme.Text
		n := utf8.RuneCountInString(c)
		if i <= cursor && cursor < i+n || e.selected && i < len(value) {
			st = s.Theme.Selected
			st.Attrs |= cell.MonoTheme().Selected.Attrs
		}
		at += s.Text(x+at, y, room-at, st, c)
		i += n
	}
}
