//go:build unix

package e2e

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	wide   = Size{200, 60}
	medium = Size{120, 40}
	narrow = Size{80, 24}
)

// status is what the explorer says that the budget buys; on a narrow screen it does
// not say the latency.
type status struct{ limit, latency, accuracy float64 }

var (
	sentencePattern = regexp.MustCompile(`([0-9.]+) %.* at ([0-9.]+) ms:`)
	latencyPattern  = regexp.MustCompile(`latency ([0-9.]+)(?: (?:±|\+/-)[0-9.]+)? ms`)
)

// statusOf reads the budget lines of a screen.
func statusOf(screen string) (s status, ok bool) {
	m := sentencePattern.FindStringSubmatch(screen)
	if m == nil {
		return s, false
	}
	s.accuracy, _ = strconv.ParseFloat(m[1], 64)
	s.limit, _ = strconv.ParseFloat(m[2], 64)
	if m := latencyPattern.FindStringSubmatch(screen); m != nil {
		s.latency, _ = strconv.ParseFloat(m[1], 64)
	}
	return s, true
}

// explore starts the explorer and waits until it shows a network and the
// frontier.
func explore(t *testing.T, size Size, environment ...string) *Terminal {
	t.Helper()
	w := Start(t, size, nil, environment...)
	w.waitLimit("a first network", func(float64) bool { return true })
	return w
}

// waitLimit waits until the limit fulfils a condition.
func (w *Terminal) waitLimit(what string, holds func(limit float64) bool) status {
	w.t.Helper()
	s, _ := statusOf(w.WaitUntil(what, func(screen string) bool {
		s, ok := statusOf(screen)
		return ok && holds(s.limit)
	}))
	return s
}

// search asks the command line the same question.
func search(t *testing.T, limit float64) (found struct {
	Architecture      string  `json:"architecture"`
	LatencyMS         float64 `json:"latency_ms"`
	PredictedAccuracy float64 `json:"predicted_accuracy"`
	MinLatencyMS      float64 `json:"min_latency_ms"`
	MaxLatencyMS      float64 `json:"max_latency_ms"`
}) {
	t.Helper()
	c := exec.Command(binary, "search", "--json", "--limit", fmt.Sprintf("%vms", limit))
	c.Env = append(os.Environ(), "XDG_DATA_HOME="+t.TempDir()) // as the explorer has it: a user may have measured on this device
	out, err := c.Output()
	if err == nil {
		err = json.Unmarshal(out, &found)
	}
	if err != nil {
		t.Fatalf("search within %v ms: %v", limit, err)
	}
	return found
}

func TestBudgetByKeys(t *testing.T) {
	w := explore(t, medium)
	start := w.waitLimit("a network", func(float64) bool { return true })
	first := w.pressLimit("right", func(l float64) bool { return l > start.limit }) // a whole step from here on
	up := w.pressLimit("right", func(l float64) bool { return l > first.limit })
	step := up.limit - first.limit
	back := func(l float64) bool { return math.Abs(l-first.limit) < 0.006 }
	w.pressLimit("left", back)
	far := w.pressLimit("shift+right", func(l float64) bool { return l > up.limit })
	if got := far.limit - first.limit; math.Abs(got-10*step) > 0.1 {
		t.Errorf("shift+right moved %.2f ms, ten steps of %.2f ms are expected", got, step)
	}
	w.pressLimit("shift+left", back)

	want := search(t, 1e6)
	least := w.pressLimit("home", func(l float64) bool { return l < first.limit })
	most := w.pressLimit("end", func(l float64) bool { return l > first.limit })
	if math.Abs(least.limit-want.MinLatencyMS) > 0.006 || math.Abs(most.limit-want.MaxLatencyMS) > 0.006 {
		t.Errorf("from %v to %v ms, the command line says %v to %v", least.limit, most.limit, want.MinLatencyMS, want.MaxLatencyMS)
	}
	if least.latency > least.limit || most.accuracy <= least.accuracy {
		t.Errorf("least %+v, most %+v", least, most)
	}
	w.pressLimit("u", func(l float64) bool { return l == start.limit }) // the whole run of moves
	w.pressLimit("ctrl+r", func(l float64) bool { return l == most.limit })
	w.Press("q")
	if code := w.Exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func (w *Terminal) pressLimit(key string, holds func(limit float64) bool) status {
	w.t.Helper()
	w.Press(key)
	return w.waitLimit("the budget after "+key, holds)
}

// The explorer and the command line give the same answers.
func TestTypedBudgetAgreesWithSearch(t *testing.T) {
	w := explore(t, medium)
	for _, limit := range []float64{4, 5.5, 8} {
		w.Type(fmt.Sprint(limit))
		w.WaitFor("limit: ")
		w.Press("enter")
		got := w.waitLimit("the typed budget", func(l float64) bool { return l == limit })
		want := search(t, limit)
		if math.Abs(got.latency-want.LatencyMS) > 0.006 || math.Abs(got.accuracy-want.PredictedAccuracy) > 0.006 {
			t.Errorf("within %v ms the explorer shows %+v, the command line %+v", limit, got, want)
		}
		w.Press("y")
		w.WaitFor("sent to the terminal")
		if w.Clipboard() != want.Architecture {
			t.Errorf("within %v ms the clipboard has %q, the command line prints %q", limit, w.Clipboard(), want.Architecture)
		}
	}
}

func TestTypedBudgetRefused(t *testing.T) {
	w := explore(t, medium)
	before := w.waitLimit("a network", func(float64) bool { return true })
	w.Press("=")
	w.WaitFor("limit: ")
	w.Type("0.01")
	w.Press("enter")
	w.WaitFor("are needed")
	w.Press("esc")
	w.WaitGone("limit: ")
	if after := w.waitLimit("a network", func(float64) bool { return true }); after != before {
		t.Errorf("a refused budget changed %+v to %+v", before, after)
	}
}

// handle finds the slider's handle on the screen.
func handle(t *testing.T, screen string) (x, y int) {
	t.Helper()
	for y, line := range strings.Split(screen, "\n") {
		if before, _, ok := strings.Cut(line, "●"); ok && strings.Contains(line, "━") {
			return len([]rune(before)), y
		}
	}
	t.Fatalf("no slider on the screen:\n%s", screen)
	return 0, 0
}

func TestBudgetByMouse(t *testing.T) {
	for _, size := range []Size{narrow, medium, wide} {
		w := explore(t, size)
		first := w.waitLimit("a network", func(float64) bool { return true })
		x, y := handle(t, w.Screen())

		w.Drag(x, y, x+10, y)
		dragged := w.waitLimit("a dragged budget", func(l float64) bool { return l > first.limit })
		w.WaitUntil("the handle under the mouse", func(screen string) bool {
			hx, hy := handle(t, screen)
			return hx == x+10 && hy == y
		})
		w.Drag(x+10, y, 0, y)
		w.waitLimit("the least budget", func(l float64) bool { return l < first.limit })

		w.Click(x, y)
		w.WaitUntil("the handle where it was clicked", func(screen string) bool { hx, _ := handle(t, screen); return hx == x })
		clicked, _ := statusOf(w.Screen())
		w.Wheel(wheelUp, x, y)
		one := w.waitLimit("more budget by the wheel", func(l float64) bool { return l > clicked.limit })
		w.Wheel(wheelUp, x, y)
		two := w.waitLimit("more budget by the wheel", func(l float64) bool { return l > one.limit })
		w.Wheel(wheelDown, x, y)
		w.waitLimit("the budget before the last notch", func(l float64) bool { return math.Abs(l-one.limit) < 0.006 })
		if notch := two.limit - one.limit; notch >= dragged.limit-first.limit {
			t.Errorf("%v: a notch of the wheel moves %v ms, ten cells of the slider %v ms", size, notch, dragged.limit-first.limit)
		}
		w.Press("q")
		if code := w.Exit(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
}

func TestHelp(t *testing.T) {
	w := explore(t, medium)
	w.Press("?")
	w.WaitFor("every action and its keys")
	w.Press("esc")
	w.WaitGone("every action and its keys")
}

// The screen is usable at and beside every size where the layout changes.
func TestResize(t *testing.T) {
	w := explore(t, medium)
	before := w.waitLimit("a network", func(float64) bool { return true })
	for _, c := range []struct {
		size Size
		want []string
	}{
		{Size{200, 60}, []string{"Architecture", "Accuracy over latency", "Contributions", "Why", "Published"}},
		{Size{160, 48}, []string{"Architecture", "Accuracy over latency", "Contributions", "Why", "Published"}},
		{Size{159, 48}, []string{"Architecture", "Accuracy over latency", "Contributions"}},
		{Size{104, 30}, []string{"Architecture", "Accuracy over latency"}},
		{Size{103, 30}, []string{"proved", "stage 1", "Accuracy over latency"}},
		{Size{80, 24}, []string{"proved", "stage 1", "Accuracy over latency", "? help", "q quit"}},
		{Size{60, 16}, []string{"proved", "stage 1", "? help", "q quit"}},
		{Size{59, 16}, []string{"too small: 60x16 needed"}},
		{Size{60, 15}, []string{"too small: 60x16 needed"}},
		{Size{20, 5}, []string{"too small"}},
		{Size{1, 1}, nil},
		{Size{120, 40}, []string{"Architecture", "Accuracy over latency"}},
	} {
		w.Resize(c.size)
		w.WaitUntil(fmt.Sprintf("%v at %v", c.want, c.size), func(screen string) bool {
			for _, want := range c.want {
				if !strings.Contains(screen, want) {
					return false
				}
			}
			return len(c.want) == 0 || strings.Contains(screen, "too small") == strings.Contains(c.want[0], "too small")
		})
	}
	if after := w.waitLimit("a network", func(float64) bool { return true }); after != before {
		t.Errorf("resizing changed %+v to %+v", before, after)
	}
}

// The budget is that of the last time.
func TestStateIsKept(t *testing.T) {
	home := "XDG_STATE_HOME=" + t.TempDir()
	w := explore(t, medium, home)
	w.Type("5")
	w.WaitFor("limit: ")
	w.Press("enter")
	w.waitLimit("5 ms", func(l float64) bool { return l == 5 })
	w.Press("q")
	w.Exit()
	w = explore(t, medium, home)
	w.waitLimit("5 ms again", func(l float64) bool { return l == 5 })
}
