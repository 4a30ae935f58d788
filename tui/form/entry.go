package form

import (
	"strings"

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
	width := min(s.W-2, max(50, len(e.Err)+4, len(hint)+4))
	r := s.Centred(width, 5, e.Title)
	x := r.X + 1 + s.Text(r.X+1, r.Y, r.W-2, t.Dim, e.Prompt)
	value, cursor := []rune(e.Input.Value()), e.Input.Position()
	room := r.X + r.W - 2 - x
	start := max(0, cursor-room+1)
	for i := start; i <= len(value) && i-start < room; i++ {
		c, st := " ", t.Text
		if i < len(value) {
			c = string(value[i])
		}
		if i == cursor || e.selected && i < len(value) {
			st = t.Selected
			st.Attrs |= cell.MonoTheme().Selected.Attrs
		}
		s.Text(x+i-start, r.Y, 1, st, c)
	}
	if e.Err != "" {
		s.Text(r.X+1, r.Y+1, r.W-2, t.Bad, e.Err)
	} else {
		s.Text(r.X+1, r.Y+1, r.W-2, t.Dim, hint)
	}
}
