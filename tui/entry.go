package tui

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/binas-tui/binas-tui/latency"
)

// entry asks for one line of text.
type entry struct {
	title  string
	prompt string
	input  textinput.Model
	accept func(*App, string) (tea.Cmd, error)
	err    string
	back   dialog // that comes back afterwards; may be nil
}

func newEntry(title, prompt, value string, accept func(*App, string) (tea.Cmd, error)) *entry {
	in := textinput.New()
	in.Prompt = ""
	in.CharLimit = 4096
	in.SetValue(value)
	in.Focus()
	return &entry{title: title, prompt: prompt, input: in, accept: accept}
}

// openEntry asks for a budget. The field starts with the unit in place.
func (a *App) openEntry() tea.Cmd { return a.openEntryWith("") }

func (a *App) openEntryWith(digits string) tea.Cmd {
	e := newEntry("Budget", "limit: ", digits+" ms", func(a *App, text string) (tea.Cmd, error) {
		limit, err := latency.ParseLimit(text)
		if err != nil {
			return nil, err
		}
		lo, hi := a.engine.MinLatencyMS(), a.engine.MaxLatencyMS()
		if limit < lo {
			return nil, fmt.Errorf("no network fits %s ms: the least reachable is %s ms", a.ms(limit), a.ms(lo))
		}
		if limit > hi {
			a.say("beyond " + a.ms(hi) + " ms nothing improves: budget set there")
		}
		a.record(true)
		a.history.moving = false
		return a.setLimit(limit), nil
	})
	e.input.SetCursor(len(digits))
	a.dialog = e
	return nil
}

// openFilter filters the published networks by name.
func (a *App) openFilter() tea.Cmd {
	a.dialog = newEntry("Filter", "name contains: ", a.filter, func(a *App, text string) (tea.Cmd, error) {
		a.filter = ansi.Strip(text)
		a.pubRow = 0
		return nil, nil
	})
	return nil
}

func (e *entry) key(a *App, msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "esc":
		a.dialog = e.back
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
	e.input, _ = e.input.Update(msg)
	return nil
}

func (e *entry) paste(_ *App, text string) tea.Cmd {
	e.input, _ = e.input.Update(tea.PasteMsg{Content: ansi.Strip(text)})
	return nil
}

func (e *entry) mouse(*App, tea.MouseMsg) tea.Cmd { return nil }

func (e *entry) draw(a *App, s *screen) {
	t := s.theme
	width := min(s.w-2, max(50, len(e.err)+4))
	r := s.centred(width, 5, e.title)
	x := r.x + 1 + s.text(r.x+1, r.y, r.w-2, t.dim, e.prompt)
	value, cursor := []rune(e.input.Value()), e.input.Position()
	room := r.x + r.w - 2 - x
	start := max(0, cursor-room+1)
	for i := start; i <= len(value) && i-start < room; i++ {
		c, st := " ", t.text
		if i < len(value) {
			c = string(value[i])
		}
		if i == cursor {
			st = t.selected
			st.Attrs |= monoTheme().selected.Attrs
		}
		s.text(x+i-start, r.y, 1, st, c)
	}
	if e.err != "" {
		s.text(r.x+1, r.y+1, r.w-2, t.bad, e.err)
	} else {
		s.text(r.x+1, r.y+1, r.w-2, t.dim, "enter to accept, esc to leave")
	}
}

// expandHome replaces a leading ~ by the user's home folder.
func expandHome(path string) string {
	if rest, ok := strings.CutPrefix(path, "~"+string(filepath.Separator)); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return path
}
