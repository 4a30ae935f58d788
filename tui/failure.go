package tui

import (
	"fmt"
	"path/filepath"
	"runtime/debug"
	"sync"

	tea "charm.land/bubbletea/v2"
	"github.com/adrg/xdg"

	"github.com/binas-tui/binas-tui/internal/safefile"
)

// recovering wraps the App for the terminal: a panic anywhere in it ends the
// program as quitting does, with the screen restored and one line that says
// what happened. The stack goes to a file.
type recovering struct {
	tea.Model
	quit func()

	mu    sync.Mutex
	value any // of the panic; nil while there was none
	stack []byte
}

// recovered notes a panic; it is called by deferred functions with what
// recover returned.
func (r *recovering) recovered(v any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.value != nil {
		return // the first one is the cause
	}
	if r.value, r.stack = v, debug.Stack(); r.value == nil {
		r.value = "nil"
	}
	if c, ok := v.(panicMsg); ok { // of a command, in its own goroutine
		r.value, r.stack = c.value, c.stack
	}
}

func (r *recovering) failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.value != nil
}

func (r *recovering) Update(msg tea.Msg) (m tea.Model, cmd tea.Cmd) {
	m = r
	defer func() {
		if v := recover(); v != nil {
			r.recovered(v)
			cmd = tea.Quit
		}
	}()
	if r.failed() {
		return r, tea.Quit
	}
	_, cmd = r.Model.Update(msg)
	return r, cmd
}

func (r *recovering) View() (v tea.View) {
	defer func() {
		if p := recover(); p != nil {
			r.recovered(p)
			go r.quit() // not from here: the loop that would take the message waits for the view
			v = emptyView()
		}
	}()
	if r.failed() {
		return emptyView()
	}
	return r.Model.View()
}

func emptyView() tea.View {
	v := tea.NewView("")
	v.AltScreen = true
	return v
}

// err is the panic as an error, with the file that has the stack; nil where
// there was none.
func (r *recovering) err() error {
	if !r.failed() {
		return nil
	}
	file := filepath.Join(xdg.StateHome, "binas-tui", "crash.txt")
	text := fmt.Sprintf("%v\n\n%s", r.value, r.stack)
	if err := safefile.Write(file, []byte(text)); err != nil {
		return fmt.Errorf("the explorer failed: %v", r.value)
	}
	return fmt.Errorf("the explorer failed: %v: the stack is in %s", r.value, file)
}
