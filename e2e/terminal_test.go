//go:build unix

package e2e

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// patience is how long a test waits for the program before it fails, also on a
// machine that others have overloaded. It is no pause: what is waited for is
// taken up at once.
const patience = 3 * time.Minute

// Size is a terminal's, in cells.
type Size struct{ Width, Height int }

// Terminal is the program in a pseudo-terminal, with an emulator that shows
// what a person would see. Actions return at once; WaitFor waits until the
// program has handled them, told by its own idle signal.
type Terminal struct {
	t       *testing.T
	program *exec.Cmd
	master  *os.File
	slave   *os.File
	before  *term.State   // of the line discipline
	ended   chan struct{} // closed when all output has arrived
	changed chan struct{} // has room for one: something below changed

	mu        sync.Mutex
	screen    *vt.Emulator
	modes     map[string]bool // set or reset by the program
	initial   map[string]bool // the same modes before it did
	keyboard  int             // kitty keyboard levels pushed
	clipboard []string        // texts sent with OSC 52
	idle      int             // idle signals so far
	acted     int             // idle when the last action was sent
}

// Start runs the program with the given arguments and environment additions
// (NAME=value) in a terminal. The user's settings and data are empty folders.
func Start(t *testing.T, size Size, args []string, environment ...string) *Terminal {
	t.Helper()
	return start(t, size, exec.Command(binary, args...), environment...)
}

// start is Start for any command.
func start(t *testing.T, size Size, command *exec.Cmd, environment ...string) *Terminal {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	w := &Terminal{
		t: t, master: master, slave: slave,
		ended: make(chan struct{}), changed: make(chan struct{}, 1),
		screen: vt.NewEmulator(size.Width, size.Height),
		modes:  map[string]bool{}, initial: map[string]bool{},
	}
	w.observe()
	if w.before, err = term.GetState(slave.Fd()); err != nil {
		t.Fatal(err)
	}
	w.resizePTY(size)

	idle := filepath.Join(t.TempDir(), "idle")
	if err := syscall.Mkfifo(idle, 0o600); err != nil {
		t.Fatal(err)
	}
	signals, err := os.OpenFile(idle, os.O_RDWR, 0) // both, so that neither side waits for the other
	if err != nil {
		t.Fatal(err)
	}
	w.program = command
	w.program.Stdin, w.program.Stdout, w.program.Stderr = slave, slave, slave
	w.program.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	home := t.TempDir()
	seen := filepath.Join(home, "binas-tui", "explorer.json") // not the first start: no tour
	if err := os.MkdirAll(filepath.Dir(seen), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(seen, []byte(`{"tour_seen": true}`), 0o644); err != nil {
		t.Fatal(err)
	}
	w.program.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_DATA_HOME=" + home, "XDG_CONFIG_HOME=" + home,
		"XDG_STATE_HOME=" + home, "XDG_CACHE_HOME=" + home,
		"TERM=xterm-256color", "COLORTERM=truecolor", "LANG=C.UTF-8", "SSH_TTY=/dev/pts/0",
		"BINAS_TUI_IDLE=" + idle,
		"GORACE=log_path=" + filepath.Join(home, "race"),
	}, environment...)
	t.Cleanup(func() { // what the race detector found, not into the terminal
		reports, _ := filepath.Glob(filepath.Join(home, "race.*"))
		for _, name := range reports {
			report, err := os.ReadFile(name)
			t.Errorf("%s (%v)", report, err)
		}
	})
	if err := w.program.Start(); err != nil {
		t.Fatal(err)
	}

	go w.receive()
	go w.answer()
	go w.countIdle(signals)
	t.Cleanup(func() {
		if w.program.ProcessState == nil {
			w.program.Process.Kill()
			w.Exit()
		}
		signals.Close()
		master.Close()
	})
	return w
}

// observe notes what the program does to the terminal beside text.
func (w *Terminal) observe() {
	note := func(set bool) func(ansi.Mode) {
		return func(m ansi.Mode) {
			name := fmt.Sprint(m)
			if _, known := w.initial[name]; !known {
				// The first change tells the state before. Auto-wrap and
				// the cursor are on in a fresh terminal.
				w.initial[name] = m == ansi.ModeTextCursorEnable || m == ansi.ModeAutoWrap
			}
			w.modes[name] = set
		}
	}
	w.screen.SetCallbacks(vt.Callbacks{EnableMode: note(true), DisableMode: note(false)})
	w.screen.RegisterOscHandler(52, func(data []byte) bool {
		fields := strings.SplitN(string(data), ";", 3)
		if text, err := base64.StdEncoding.DecodeString(fields[len(fields)-1]); err == nil {
			w.clipboard = append(w.clipboard, string(text))
		}
		return true
	})
	for prefix, step := range map[byte]int{'>': 1, '<': -1} {
		w.screen.RegisterCsiHandler(ansi.Command(prefix, 0, 'u'), func(ansi.Params) bool {
			w.keyboard += step
			return true
		})
	}
}

// receive shows the program's output on the emulator.
func (w *Terminal) receive() {
	defer close(w.ended)
	buffer := make([]byte, 1<<16)
	for {
		n, err := w.master.Read(buffer)
		w.mu.Lock()
		w.screen.Write(buffer[:n])
		w.mu.Unlock()
		w.signal()
		if err != nil {
			return
		}
	}
}

// answer sends the emulator's replies to the program's questions.
func (w *Terminal) answer() {
	buffer := make([]byte, 1<<12)
	for {
		n, err := w.screen.Read(buffer)
		if err != nil {
			return
		}
		w.master.Write(buffer[:n])
	}
}

func (w *Terminal) countIdle(signals *os.File) {
	for lines := bufio.NewScanner(signals); lines.Scan(); {
		w.mu.Lock()
		w.idle++
		w.mu.Unlock()
		w.signal()
	}
}

func (w *Terminal) signal() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

func (w *Terminal) send(text string) {
	w.t.Helper()
	w.mu.Lock()
	w.acted = w.idle
	w.mu.Unlock()
	if _, err := w.master.WriteString(text); err != nil {
		w.t.Fatal(err)
	}
}

// keys are what a terminal sends for the keys that are no character.
var keys = map[string]string{
	"up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D",
	"shift+right": "\x1b[1;2C", "shift+left": "\x1b[1;2D",
	"home": "\x1b[H", "end": "\x1b[F", "tab": "\t", "shift+tab": "\x1b[Z",
	"enter": "\r", "esc": "\x1b", "space": " ", "backspace": "\x7f",
	"ctrl+c": "\x03", "ctrl+z": "\x1a", "ctrl+r": "\x12", "ctrl+\\": "\x1c",
}

// Press sends keys by name, or a single character.
func (w *Terminal) Press(names ...string) {
	w.t.Helper()
	for _, name := range names {
		text, ok := keys[name]
		if !ok && len([]rune(name)) != 1 {
			w.t.Fatalf("no key %q", name)
		}
		if !ok {
			text = name
		}
		w.send(text)
	}
}

// Type sends text, a character a key.
func (w *Terminal) Type(text string) { w.t.Helper(); w.send(text) }

// Buttons of the mouse, as the SGR protocol numbers them.
const (
	leftButton = 0
	dragging   = 32
	wheelUp    = 64
	wheelDown  = 65
)

// mouse sends one report; cells count from 0.
func (w *Terminal) mouse(button, x, y int, release bool) {
	w.t.Helper()
	final := 'M'
	if release {
		final = 'm'
	}
	w.send(fmt.Sprintf("\x1b[<%d;%d;%d%c", button, x+1, y+1, final))
}

// Click presses and releases the left button.
func (w *Terminal) Click(x, y int) {
	w.t.Helper()
	w.mouse(leftButton, x, y, false)
	w.mouse(leftButton, x, y, true)
}

// Drag moves from one cell to another with the left button held, and lets go.
func (w *Terminal) Drag(fromX, fromY, toX, toY int) {
	w.t.Helper()
	w.mouse(leftButton, fromX, fromY, false)
	w.mouse(leftButton+dragging, (fromX+toX)/2, (fromY+toY)/2, false)
	w.mouse(leftButton+dragging, toX, toY, false)
	w.mouse(leftButton, toX, toY, true)
}

// Wheel turns the wheel one notch over a cell.
func (w *Terminal) Wheel(button, x, y int) { w.t.Helper(); w.mouse(button, x, y, false) }

// Resize changes the terminal's size; the program is told.
func (w *Terminal) Resize(size Size) {
	w.t.Helper()
	w.mu.Lock()
	w.acted = w.idle
	w.screen.Resize(size.Width, size.Height)
	w.mu.Unlock()
	w.resizePTY(size)
}

func (w *Terminal) resizePTY(size Size) {
	w.t.Helper()
	if err := pty.Setsize(w.master, &pty.Winsize{Rows: uint16(size.Height), Cols: uint16(size.Width)}); err != nil {
		w.t.Fatal(err)
	}
}

// Signal sends a signal to the program.
func (w *Terminal) Signal(s os.Signal) {
	w.t.Helper()
	if err := w.program.Process.Signal(s); err != nil {
		w.t.Fatal(err)
	}
}

// Screen is the text shown, a line a row, without trailing spaces.
func (w *Terminal) Screen() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text()
}

func (w *Terminal) text() string {
	lines := strings.Split(w.screen.String(), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \r")
	}
	return strings.Join(lines, "\n")
}

// WaitUntil waits until the program has handled the last action and the screen
// fulfils the condition, and returns the screen.
func (w *Terminal) WaitUntil(what string, holds func(screen string) bool) string {
	w.t.Helper()
	return w.wait(what, true, holds)
}

// WaitForShell waits for a text of the shell that the program was started from:
// while the program is stopped it says nothing about being idle.
func (w *Terminal) WaitForShell(text string) string {
	w.t.Helper()
	return w.wait(fmt.Sprintf("%q", text), false, func(s string) bool { return strings.Contains(s, text) })
}

func (w *Terminal) wait(what string, untilHandled bool, holds func(screen string) bool) string {
	w.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		w.mu.Lock()
		text, handled := w.text(), w.idle > w.acted || !untilHandled
		w.mu.Unlock()
		if handled && holds(text) {
			return text
		}
		select {
		case <-w.changed:
		case <-w.ended:
			w.t.Fatalf("the program ended while waiting for %s; the screen:\n%s", what, w.Screen())
		case <-deadline.C:
			w.t.Fatalf("waited %v for %s (idle %v); the screen:\n%s", patience, what, handled, text)
		}
	}
}

// WaitFor waits for a text.
func (w *Terminal) WaitFor(text string) string {
	w.t.Helper()
	return w.WaitUntil(fmt.Sprintf("%q", text), func(s string) bool { return strings.Contains(s, text) })
}

// WaitGone waits until a text is no longer shown.
func (w *Terminal) WaitGone(text string) string {
	w.t.Helper()
	return w.WaitUntil(fmt.Sprintf("%q to go", text), func(s string) bool { return !strings.Contains(s, text) })
}

// Modes reports whether the alternate screen is shown, and the modes that the
// program has set (true) or reset, by number: 1006 is the mouse, 25 the cursor.
func (w *Terminal) Modes() (alternate bool, modes map[string]bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.screen.IsAltScreen(), maps.Clone(w.modes)
}

// Clipboard is the last text that was sent with OSC 52.
func (w *Terminal) Clipboard() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.clipboard) == 0 {
		return ""
	}
	return w.clipboard[len(w.clipboard)-1]
}

// Exit waits for the program to end and returns its exit code. Afterwards the
// terminal must be as it was: that is checked here.
func (w *Terminal) Exit() int {
	w.t.Helper()
	killer := time.AfterFunc(patience, func() { w.program.Process.Kill() })
	w.program.Wait()
	if !killer.Stop() {
		w.t.Errorf("the program did not end; the screen:\n%s", w.Screen())
	}
	after, err := term.GetState(w.slave.Fd())
	if err != nil {
		w.t.Fatal(err)
	}
	w.slave.Close() // the last one: what is left of the output arrives, then the end
	<-w.ended
	code := w.program.ProcessState.ExitCode()
	if code == -1 { // killed
		return code
	}
	if *after != *w.before {
		w.t.Errorf("the terminal is left in another mode: %+v, was %+v", after, w.before)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !maps.Equal(w.modes, w.initial) {
		w.t.Errorf("modes left: %v, were %v", w.modes, w.initial)
	}
	if w.screen.IsAltScreen() || w.keyboard != 0 {
		w.t.Errorf("alternate screen %v, keyboard levels %d", w.screen.IsAltScreen(), w.keyboard)
	}
	return code
}
