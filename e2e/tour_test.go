//go:build unix

package e2e

import (
	"testing"
)

// The first start begins with the tour, which stands in nobody's way; the second
// does not, and ? brings it back.
func TestTourOfTheFirstStart(t *testing.T) {
	state := "XDG_STATE_HOME=" + t.TempDir()
	w := explore(t, narrow, state)
	w.WaitFor("Tour 1 of 6")
	w.Press("right") // what it suggests
	w.WaitFor("Tour 2 of 6")
	w.Press("enter")
	w.WaitFor("Tour 3 of 6")
	w.Press("esc")
	w.WaitGone("Tour 3 of 6")
	w.Press("q")
	if code := w.Exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	w = explore(t, narrow, state)
	w.WaitGone("Tour 1 of 6")
	w.Press("?")
	w.WaitFor("take the guided tour")
	w.Press("enter")
	w.WaitFor("Tour 1 of 6")
	w.Press("esc")
	w.WaitGone("Tour 1 of 6")
	w.Press("q")
	w.Exit()
}

// The demo plays to its end and hands the explorer over; a key ends it sooner.
func TestDemo(t *testing.T) {
	w := Start(t, medium, []string{"demo", "--speed", "50"})
	w.WaitFor("the explorer is yours: ? lists every key")
	w.Press("right")
	w.Press("q")
	if code := w.Exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	w = Start(t, medium, []string{"demo"})
	w.WaitFor("any key ends the demo")
	w.Press("right")
	w.WaitFor("the demo has ended")
	w.Press("q")
	w.Exit()
}
