package tui

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/binas-tui/binas-tui/solver"
)

var update = flag.Bool("update", false, "write the golden screens")

// stopClocks removes what differs from run to run: the times of the solvers.
func (d *driver) stopClocks() {
	d.stopwatch = stopwatch{}
}

func TestGoldenScreens(t *testing.T) {
	for _, size := range [][2]int{{59, 15}, {60, 16}, {80, 24}, {103, 30}, {120, 40}, {160, 48}, {200, 60}} {
		for set, g := range glyphSets {
			name := fmt.Sprintf("%dx%d-%s.txt", size[0], size[1], g.name)
			t.Run(name, func(t *testing.T) {
				d := newDriver(t, size[0], size[1])
				d.App.glyphs = set
				d.stopClocks()
				got := strings.Join(trimRight(d.lines()), "\n") + "\n"
				path := filepath.Join("testdata", "screens", name)
				if *update {
					if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
					return
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("screen differs from %s (go test ./tui -run Golden -update writes it):\n%s", path, got)
				}
			})
		}
	}
}

func trimRight(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = strings.TrimRight(l, " ")
	}
	return out
}

// checkFits reports a frame that is larger than the terminal.
func (d *driver) checkFits(what string) {
	d.Helper()
	lines := strings.Split(d.App.frame, "\n")
	if len(lines) > d.height {
		d.Fatalf("%s: %d lines in a terminal of %d", what, len(lines), d.height)
	}
	for i, l := range lines {
		if w := ansi.StringWidth(l); w > d.width {
			d.Fatalf("%s: line %d is %d cells wide in a terminal of %d: %q", what, i, w, d.width, ansi.Strip(l))
		}
	}
}

func TestEveryLineFits(t *testing.T) {
	d := newDriver(t, 80, 24)
	d.still = true
	dialogs := []string{"", "?", ":", "=", "d", "p", "f", "Y", "m"}
	widths, heights := []int{1, 10, 59, 60, 61, 80, 103, 104, 120, 159, 160, 200, 300}, []int{1, 2, 15, 16, 24, 29, 30, 40, 47, 48, 60, 100}
	if testing.Short() {
		widths, heights = []int{59, 80, 120, 200}, []int{15, 24, 40, 60}
	}
	for _, w := range widths {
		for _, h := range heights {
			d.send(tea.WindowSizeMsg{Width: w, Height: h})
			for range paneCount {
				d.press("tab")
				for _, key := range dialogs {
					if key != "" {
						d.press(key)
					}
					d.checkFits(fmt.Sprintf("%dx%d, %s, dialog %q", w, h, panes[d.focus].title, key))
					if key != "" {
						d.press("esc")
					}
				}
			}
			d.press("ctrl+t", "ctrl+g")
		}
	}
}

// Whatever the user does, nothing panics, every frame fits, and what is shown
// keeps the limit.
func TestRandomMessages(t *testing.T) {
	var keys []string
	for _, b := range keyTable() {
		if b.id != "quit" && b.id != "suspend" && !strings.HasPrefix(b.id, "copy") {
			keys = append(keys, b.keys...)
		}
	}
	keys = append(keys, "enter", "esc", "esc", "backspace", "1", "9", ".", "x", "\u200b", "漢", "space")
	seeds := uint64(6)
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 7))
		d := newDriver(t, 120, 40)
		for i := range 400 {
			x, y := rng.IntN(210), rng.IntN(70)
			switch rng.IntN(12) {
			case 0:
				d.send(tea.WindowSizeMsg{Width: 1 + rng.IntN(220), Height: 1 + rng.IntN(70)})
			case 1:
				d.send(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft})
			case 2:
				d.send(tea.MouseMotionMsg{X: x, Y: y, Button: tea.MouseLeft})
			case 3:
				d.send(tea.MouseReleaseMsg{X: x, Y: y, Button: tea.MouseLeft})
			case 4:
				d.send(tea.MouseWheelMsg{X: x, Y: y, Button: tea.MouseWheelDown})
			case 5:
				d.send(tea.PasteMsg{Content: "\x1b[31m27 ms\u202e\n"})
			default:
				key := keys[rng.IntN(len(keys))]
				if key == "o" && d.mode == modeBCFW && rng.IntN(8) > 0 {
					continue // evolution takes long
				}
				if e, ok := d.dialog.(*entry); ok && key == "enter" && strings.Contains(e.title, "JSON") {
					key = "esc" // do not write files
				}
				d.press(key)
			}
			if d.mode == modeEvolution {
				d.press("o")
			}
			d.checkFits(fmt.Sprintf("seed %d, message %d", seed, i))
			if s := d.solution; s.Status != solver.Infeasible && s.LatencyMS > d.limitMS+1e-9 {
				t.Fatalf("seed %d, message %d: %v ms shown for a limit of %v ms", seed, i, s.LatencyMS, d.limitMS)
			}
			if d.dialog != nil && rng.IntN(4) == 0 {
				d.press("esc")
			}
		}
	}
}

func TestHostileNamesDoNotReachTheScreen(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.engine.LUTName = "evil\x1b]0;owned\x07\u202etxt.\u009bkl"
	d.lines()
	for _, bad := range []string{"\x1b]", "\x07", "\u202e", "\u009b"} {
		if strings.Contains(d.App.frame, bad) {
			t.Errorf("the frame contains %q", bad)
		}
	}
	d.mustSee("evil")
}
