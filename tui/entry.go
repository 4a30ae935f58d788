package tui

import (
	"fmt"
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// entry asks for one line of text.
type entry struct {
	title  string
	prompt string
	hint   string // before what the keys do
	input  textinput.Model
	accept func(*App, string) (tea.Cmd, error)
	err    string
	back   dialog // that comes back afterwards; may be nil

	selected bool // the text is as it was opened: typing replaces it
}

func newEntry(title, prompt, value string, accept func(*App, string) (tea.Cmd, error)) *entry {
	in := textinput.New()
	in.Prompt = ""
	in.CharLimit = 4096
	in.SetValue(value)
	in.Focus()
	return &entry{title: title, prompt: prompt, input: in, accept: accept, selected: value != ""}
}

// openEntry asks for a budget.
func (a *App) openEntry() tea.Cmd {
	e := newEntry("Budget", "limit: ", a.ms(a.limitMS)+" ms", (*App).typedBudget)
	e.hint = "in ms, or with a unit: us, ms, s   "
	return a.open(e)
}

// openEntryWith asks for it where its first digit is typed already.
func (a *App) openEntryWith(digit string) tea.Cmd {
	a.openEntry()
	return a.dialog.paste(a, digit)
}

// typedBudget moves the budget to a limit as it is typed.
func (a *App) typedBudget(text string) (tea.Cmd, error) {
	if text == a.ms(a.limitMS)+" ms" {
		return nil, nil // as it was opened: the limit may have more decimals
	}
	limit, err := typedAmount(explore.LimitLatency, text)
	if err != nil {
		return nil, err
	}
	lo, hi := a.engine.MinLatencyMS(), a.engine.MaxLatencyMS()
	if limit < lo {
		return nil, fmt.Errorf("no network within %s ms: at least %s ms are needed", a.ms(limit), a.ms(lo))
	}
	if limit > hi {
		a.say("no improvement above " + a.ms(hi) + " ms: budget set there")
	}
	a.record(true)
	a.history.moving = false
	return a.setLimit(limit), nil
}

// typedAmount reads an amount of a resource. The explorer shows every latency in
// milliseconds, so that a number alone is one.
func typedAmount(kind explore.LimitKind, text string) (float64, error) {
	if text != "" && strings.Trim(text, "0123456789.eE+-") == "" && kind == explore.LimitLatency {
		text += "ms"
	}
	return explore.ParseAmount(kind, text)
}

func (e *entry) key(a *App, msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "esc":
		if a.dialog = e.back; e.back == nil {
			a.leaveDialog()
		}
		return nil
	case "enter":
		a.dialog = e.back
		cmd, err := e.accept(a, strings.TrimSpace(e.input.Value()))
		if err != nil {
			e.err = err.Error()
			a.dialog = e
		}
		return cmd
	}
	e.err = ""
	e.replace(msg.Text != "" || msg.String() == "backspace" || msg.String() == "delete")
	e.input, _ = e.input.Update(msg)
	return nil
}

// replace ends the selection of the text, which goes where something is written.
func (e *entry) replace(written bool) {
	if e.selected && written {
		e.input.SetValue("")
	}
	e.selected = false
}

func (e *entry) paste(_ *App, text string) tea.Cmd {
	e.replace(true)
	e.input, _ = e.input.Update(tea.PasteMsg{Content: ansi.Strip(text)})
	return nil
}

func (e *entry) mouse(*App, tea.MouseMsg) tea.Cmd { return nil }

func (e *entry) hints(*App) []hint { return []hint{{"enter", "accept"}, {"esc", "cancel"}} }

func (e *entry) draw(a *App, s *cell.Screen) {
	t := s.Theme
	hint := e.hint + hintLine(e.hints(a))
	width := min(s.W-2, max(50, len(e.err)+4, len(hint)+4))
	r := s.Centred(width, 5, e.title)
	x := r.X + 1 + s.Text(r.X+1, r.Y, r.W-2, t.Dim, e.prompt)
	value, cursor := []rune(e.input.Value()), e.input.Position()
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
	if e.err != "" {
		s.Text(r.X+1, r.Y+1, r.W-2, t.Bad, e.err)
	} else {
		s.Text(r.X+1, r.Y+1, r.W-2, t.Dim, hint)
	}
}
