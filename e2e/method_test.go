//go:build unix

package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/datatest"
)

// set is a row of a form, by how far it is below the one before, and what is
// typed there.
type set struct {
	down  int
	value string
}

// step chooses a step of the method, types into its form and starts it.
func (w *Terminal) step(item int, rows ...set) {
	w.t.Helper()
	w.Press("M")
	w.WaitFor("Train and fit")
	for range item {
		w.Press("down")
	}
	w.Press("enter")
	w.WaitFor("run folder")
	for _, row := range rows {
		for range row.down {
			w.Press("down")
		}
		w.Press("enter")
		w.WaitFor("enter: accept")
		w.Type("\x15" + row.value) // ctrl+u: nothing is left of what was there
		w.Press("enter")
		w.WaitGone("enter: accept")
	}
	for range 20 {
		w.Press("down")
	}
	w.WaitFor("enter: start")
	w.Press("enter")
}

// done waits for what a job says at its end: training takes longer than
// anything else that is waited for.
func (w *Terminal) done(text string) {
	w.t.Helper()
	deadline := time.Now().Add(5 * time.Minute)
	failed := false
	for !failed && time.Now().Before(deadline) && !strings.Contains(w.Screen(), text) {
		select {
		case <-w.changed:
		case <-w.ended:
			failed = true
		case <-time.After(time.Until(deadline)):
		}
		failed = failed || strings.Contains(w.Screen(), "failed ")
	}
	if !strings.Contains(w.Screen(), text) {
		w.t.Fatalf("waited for %q; the screen:\n%s", text, w.Screen())
	}
}

// From a data set to a predictor that is explored with, all from the menus: both
// trainings, sampling and the fit are jobs.
func TestTheMethodFromTheExplorer(t *testing.T) {
	if testing.Short() {
		t.Skip("trains")
	}
	lib, data := library(t), t.TempDir()
	datatest.Patches(t, data, "train", 240)
	datatest.Patches(t, data, "t10k", 40)
	w := Start(t, Size{120, 40}, []string{"--profile", "digits", "--onnxruntime", lib})
	w.WaitFor("Architecture")
	w.step(1, set{0, "tiny"}, set{1, data}, set{2, "1"}) // heaviest: run folder, data set, epochs
	w.done("heaviest tiny is done")
	w.step(2, set{3, "1"}) // oneshot: epochs
	w.done("oneshot tiny is done")
	w.step(3, set{3, "12"}) // sample: networks
	w.done("12 networks sampled")
	w.step(5) // fit
	w.done("bilinear of tiny is fitted")
	w.Press("U")
	w.WaitFor("exploring ort-cpu-32-1t with")
	if header, _, _ := strings.Cut(w.Screen(), "\n"); !strings.Contains(header, "fitted on 12 sampled networks") {
		t.Errorf("explored with another predictor: %s", header)
	}
	w.Press("p")
	w.WaitUntil("the predictor in use", func(s string) bool {
		for line := range strings.Lines(s) {
			if strings.Contains(line, "bilinear of tiny") && strings.Contains(line, "(in use)") {
				return true
			}
		}
		return false
	})
	w.Press("esc")
	w.WaitGone("enter to choose") // before another key: both at once are alt and that key
	w.Press("F")
	w.WaitFor("fitted on 12 networks")
	w.Press("q")
	if code := w.Exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
