//go:build unix

package e2e

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/binas-tui/binas-tui/internal/needed"
)

// Stopped by ctrl+z or by SIGTSTP the explorer leaves the screen to the shell,
// and comes back where it was.
func TestSuspend(t *testing.T) {
	shell := needed.Program(t, "bash") // for its job control
	w := start(t, medium, exec.Command(shell, "--norc", "--noprofile", "-i"), "PS1=shell> ")
	w.WaitForShell("shell>")
	w.Type("clear; " + binary + "\r")
	w.waitLimit("a first network", func(float64) bool { return true })
	for _, stop := range []struct {
		name string
		do   func()
	}{
		{"ctrl+z", func() { w.Press("ctrl+z") }},
		{"SIGTSTP", func() { w.signalExplorer(syscall.SIGTSTP) }},
		{"ctrl+z again", func() { w.Press("ctrl+z") }},
	} {
		before := w.waitLimit("the explorer", func(float64) bool { return true })
		stop.do()
		if screen := w.WaitForShell("Stopped"); strings.Contains(screen, "Architecture") {
			t.Errorf("%s: the explorer is still on the screen:\n%s", stop.name, screen)
		}
		w.Type("clear; fg\r")
		w.WaitForShell("Architecture")
		w.Press("right")
		after := w.waitLimit("a higher budget", func(l float64) bool { return l > before.limit })
		if after.latency > after.limit {
			t.Errorf("%s: %+v", stop.name, after)
		}
	}
	w.Press("q")
	w.WaitForShell("shell>")
	w.Type("exit\r")
	if code := w.Exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// signalExplorer sends a signal to the program that the shell runs in front.
func (w *Terminal) signalExplorer(s syscall.Signal) {
	w.t.Helper()
	group, err := foreground(w.master)
	if err == nil {
		err = syscall.Kill(-group, s)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}
