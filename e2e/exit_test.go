//go:build unix

package e2e

import (
	"os"
	ossignal "os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
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
		{"SIGQUIT", signal(syscall.SIGQUIT), 131},
		{"SIGABRT", signal(syscall.SIGABRT), 134},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.code == 129 {
				needHangup(t)
			}
			w := explore(t, medium)
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

// The explorer starts whatever stands where it keeps its files, and says so.
func TestOwnFilesThatBlock(t *testing.T) {
	home := t.TempDir()
	name := filepath.Join(home, "binas-tui", "keys.json")
	if err := os.Mkdir(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	w := explore(t, Size{200, 40}, "XDG_CONFIG_HOME="+home)
	w.WaitFor("not a regular file but a pipe; set aside as keys.json.damaged-")
	w.Press("q")
	w.Exit()
}

// Where the locale is not UTF-8, nothing but ASCII reaches the terminal.
func TestASCIITerminal(t *testing.T) {
	w := explore(t, medium, "LC_ALL=C")
	w.Press("W", "?")
	screen := w.WaitFor("next pane")
	w.Press("q")
	w.WaitGone("next pane")
	w.Press("q")
	w.Exit()
	for _, c := range screen {
		if c > 127 {
			t.Fatalf("%q is on the screen:\n%s", c, screen)
		}
	}
}

// A panic, wherever it is, ends the explorer with one line that says so, and the
// stack in a file.
func TestPanics(t *testing.T) {
	for _, where := range []string{"update", "view", "command"} {
		t.Run(where, func(t *testing.T) {
			state := t.TempDir()
			w := explore(t, medium, "BINAS_TUI_TEST_PANIC="+where, "XDG_STATE_HOME="+state)
			w.Press("ctrl+\\")
			if code := w.Exit(); code != 1 {
				t.Errorf("exit code %d", code)
			}
			screen := strings.TrimSpace(w.Screen())
			if !strings.HasPrefix(screen, "binas-tui: the explorer failed: asked to by a test") || strings.Contains(screen, "goroutine") {
				t.Errorf("the screen:\n%s", screen)
			}
			stack, err := os.ReadFile(filepath.Join(state, "binas-tui", "crash.txt"))
			if err != nil || !strings.Contains(string(stack), "tui/") {
				t.Errorf("stack: %v\n%s", err, stack)
			}
		})
	}
}

// A job that panics fails; the explorer goes on.
func TestAPanicOfAJobIsAFailedJob(t *testing.T) {
	w := explore(t, medium, "BINAS_TUI_TEST_PANIC=job")
	w.Press("ctrl+\\")
	w.WaitFor("asked to by a test")
	w.Press("right")
	w.Press("q")
	if code := w.Exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// When the terminal goes away the explorer ends and keeps its state.
func TestClosedTerminal(t *testing.T) {
	needHangup(t)
	state := t.TempDir()
	w := explore(t, medium, "XDG_STATE_HOME="+state)
	w.Type("4")
	w.WaitFor("limit: ")
	w.Press("enter")
	w.waitLimit("4 ms", func(l float64) bool { return l == 4 })
	w.master.Close() // takes effect once the read under way returns, so have something drawn
	if err := pty.Setsize(w.slave, &pty.Winsize{Rows: 50, Cols: 150}); err != nil {
		t.Fatal(err)
	}
	w.slave.Close()
	killer := time.AfterFunc(patience, func() { w.program.Process.Kill() })
	defer killer.Stop()
	if err := w.program.Wait(); err == nil {
		t.Error("exit code 0")
	}
	if code := w.program.ProcessState.ExitCode(); code != 129 && code != 1 {
		t.Errorf("exit code %d", code)
	}
	kept, err := os.ReadFile(filepath.Join(state, "binas-tui", "explorer.json"))
	if err != nil || !strings.Contains(string(kept), `"limit_ms": 4`) {
		t.Errorf("state: %v\n%s", err, kept)
	}
}

// Without the test's variable the key does not panic.
func TestNoPanicKey(t *testing.T) {
	w := explore(t, medium)
	w.Press("ctrl+\\")
	w.Press("?")
	w.WaitFor("every action and its keys")
}

// A terminal that cannot move the cursor, and --plain, get a report, a prompt
// and no escape sequences.
func TestPlainReport(t *testing.T) {
	for _, c := range []struct{ args, environment []string }{
		{[]string{"--plain"}, nil},
		{nil, []string{"TERM=dumb"}},
		{nil, []string{"TERM="}},
	} {
		w := Start(t, Size{100, 60}, c.args, c.environment...)
		w.WaitForShell("\n>")
		w.Type("quit\r")
		if code := w.Exit(); code != 0 {
			t.Errorf("%v: exit code %d", c, code)
		}
		screen := w.Screen()
		if _, modes := w.Modes(); !strings.Contains(screen, "networks, proved") || len(modes) != 0 {
			t.Errorf("%v: modes %v, screen:\n%s", c, modes, screen)
		}
	}
}

// needHangup skips a test where hangups are ignored, as under nohup: the program
// that is tested inherits that.
func needHangup(t *testing.T) {
	t.Helper()
	if ossignal.Ignored(syscall.SIGHUP) {
		t.Skip("SIGHUP is ignored here")
	}
}
