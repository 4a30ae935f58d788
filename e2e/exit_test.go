//go:build unix

package e2e

import (
	"strings"
	"syscall"
	"testing"
)

// However the explorer ends, Exit finds the terminal as it was.
func TestTerminalIsRestored(t *testing.T) {
	key := func(names ...string) func(*Terminal) { return func(w *Terminal) { w.Press(names...) } }
	signal := func(s syscall.Signal) func(*Terminal) { return func(w *Terminal) { w.Signal(s) } }
	for _, c := range []struct {
		name string
		end  func(*Terminal)
		code int
	}{
		{"q", key("q"), 0},
		{"ctrl+c", key("ctrl+c"), 0},
		{"ctrl+c in help", key("?", "ctrl+c"), 0},
		{"SIGINT", signal(syscall.SIGINT), 130},
		{"SIGTERM", signal(syscall.SIGTERM), 143},
		{"SIGHUP", signal(syscall.SIGHUP), 129},
		{"panic", key("ctrl+\\"), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := explore(t, medium, "BINAS_TUI_TEST_PANIC=1")
			if alternate, modes := w.Modes(); !alternate || !modes["1006"] || modes["25"] {
				t.Errorf("before: alternate screen %v, modes %v: the test would show nothing", alternate, modes)
			}
			c.end(w)
			if code := w.Exit(); code != c.code {
				t.Errorf("exit code %d, want %d; the screen:\n%s", code, c.code, w.Screen())
			}
			if strings.Contains(w.Screen(), "Architecture") {
				t.Errorf("the explorer is still on the screen:\n%s", w.Screen())
			}
		})
	}
}

// Without the test's variable the key does not panic.
func TestNoPanicKey(t *testing.T) {
	w := explore(t, medium)
	w.Press("ctrl+\\")
	w.Press("?")
	w.WaitFor("every action and its keys")
}

// A terminal that cannot move the cursor, and --plain, get a report and no
// escape sequences.
func TestPlainReport(t *testing.T) {
	for _, c := range []struct{ args, environment []string }{
		{[]string{"--plain"}, nil},
		{nil, []string{"TERM=dumb"}},
		{nil, []string{"TERM="}},
	} {
		w := Start(t, Size{100, 60}, c.args, c.environment...)
		if code := w.Exit(); code != 0 {
			t.Errorf("%v: exit code %d", c, code)
		}
		screen := w.Screen()
		if _, modes := w.Modes(); !strings.Contains(screen, "networks, proved") || len(modes) != 0 {
			t.Errorf("%v: modes %v, screen:\n%s", c, modes, screen)
		}
	}
}
