package tui

import (
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/tui/cell"
)

// The first screen has the plot and the architecture, says what panes there are and
// how to get help and out, and begins inside what the predictor was fitted on; a
// larger one has more panes, and none lies over another.
func TestTheFirstScreen(t *testing.T) {
	shown := 0
	for _, size := range [][2]int{{80, 24}, {100, 30}, {120, 40}, {200, 60}, {300, 80}} {
		d := newDriverWith(t, Options{})
		d.run(d.App.Init())
		d.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		for _, want := range []string{"Architecture", "Accuracy over latency", "A network", "v plot", "? help", "q quit", "proved. 1 ms more buys", " over "} {
			if want == "proved. 1 ms more buys" && size[0] < mediumWidth {
				want = "1 ms more buys" // on the line below
			}
			d.mustSee(want)
		}
		if d.engine.PredictorInfo.Extrapolates(d.solution.Accuracy) {
			t.Errorf("%v: begins at %v ms, where the prediction is extrapolated", size, d.limitMS)
		}
		if n := len(d.layout.panes); n < shown {
			t.Errorf("%v: %d panes, a smaller screen has %d", size, n, shown)
		} else {
			shown = n
		}
		body := cell.At(0, 5, size[0], size[1]-6)
		owner := map[[2]int]paneID{}
		for id, r := range d.layout.panes {
			for y := r.Y; y < r.Y+r.H; y++ {
				for x := r.X; x < r.X+r.W; x++ {
					if other, taken := owner[[2]int{x, y}]; taken || !body.Contains(x, y) {
						t.Fatalf("%v: %s lies on %q at %d, %d", size, id, other, x, y)
					}
					owner[[2]int{x, y}] = id
				}
			}
		}
		if len(owner) != body.W*body.H {
			t.Errorf("%v: panes fill %d of %d cells", size, len(owner), body.W*body.H)
		}
	}
	if shown < 9 {
		t.Errorf("the largest screen has %d panes", shown)
	}
}

// The twelve questions that somebody has who has read nothing are answered by the first
// screen, with no key pressed, from the smallest size that has plot and architecture on.
func TestTheFirstScreenAnswers(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {100, 30}, {120, 40}, {200, 60}} {
		d := newDriverWith(t, Options{LimitMS: 8})
		d.run(d.App.Init())
		d.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		for question, answers := range map[string][]string{
			"What is my limit?":                                        {"at 8.00 ms", "▲"},
			"What accuracy do I get?":                                  {"78.01 %"},
			"How sure is that number?":                                 {"± 0.14", "fitted on 12 published networks"},
			"Is it the best?":                                          {"the best of 5.9e21, proved"},
			"What would 1 ms more buy?":                                {"1 ms more buys 0.42 points"},
			"What is the network, stage by stage?":                     {"stage 1  depth 2", "24 ch  56", "k5 e6 se", "M params", "M MACs"},
			"Where does its time go?":                                  {"─ms─", "0.65 ██"},
			"Where does its accuracy come from?":                       {" pt ", "+0.10"},
			"How does it compare with published networks?":             {"+0.93 over BINAS C", "A-F BINAS", "a-f HardCoRe-NAS"},
			"Which device is this for, measured how, and how exactly?": {"ort-cpu-224-1t", "measured on AMD EPYC", "1 thread", "latency 7.99 ±0.21 ms"},
			"What can I press?":                                        {"←→ budget", "v plot", "? help", "q quit"},
			"How do I get the network out?":                            {"y copy"},
		} {
			for _, answer := range answers {
				if answer == " pt " && size[0] >= 120 {
					answer = " pt vs. mean "
				}
				if !d.sees(answer) {
					t.Errorf("%v: %s no %q in\n%s", size, question, answer, strings.Join(d.lines(), "\n"))
				}
			}
		}
	}
}

// Help and quit are in the hint bar in every pane of every size, and the strip says
// which pane has the focus; a click on a name goes there.
func TestTheStripOfPanes(t *testing.T) {
	for _, size := range [][2]int{{60, 16}, {80, 24}, {120, 40}} {
		d := newDriver(t, size[0], size[1])
		for _, id := range d.paneIDs() {
			d.setFocus(id)
			lines := d.lines()
			if bar := lines[size[1]-1]; !strings.Contains(bar, "? help  q quit") {
				t.Errorf("%v, %s: the bar is %q", size, id, bar)
			}
			tabs := d.tabs()
			i := slices.IndexFunc(tabs, func(t tab) bool { return t.id == id })
			if i < 0 || !strings.Contains(lines[d.layout.strip.Y], d.glyphSet().Cursor+strings.TrimLeft(tabs[i].key+" "+tabs[i].name, " ")) {
				t.Errorf("%v: %s is not set off in %q", size, id, lines[d.layout.strip.Y])
			}
		}
		for _, b := range d.tabs() {
			d.send(tea.MouseClickMsg{X: b.at.X, Y: b.at.Y, Button: tea.MouseLeft})
			if d.focus != b.id {
				t.Errorf("%v: a click on %s focused %s", size, b.id, d.focus)
			}
			break
		}
	}
}

// A list that is longer than its pane says where it is.
func TestALongListSaysWhereItIs(t *testing.T) {
	d := newDriver(t, 80, 24)
	d.press("end")
	d.mustSee("1-16 of 26")
	d.press("pgdown", "pgdown", "pgdown")
	d.mustSee("11-26 of 26")
	d.press("z")
	d.mustSee(" of 26")
}
