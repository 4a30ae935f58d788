package tui

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/tui/cell"
)

var update = flag.Bool("update", false, "write the golden screens")

// stopClocks removes what differs from run to run: the times of the solvers.
func (d *driver) stopClocks() {
	d.stopwatch = stopwatch{}
}

func TestGoldenScreens(t *testing.T) {
	for _, size := range [][2]int{{59, 15}, {60, 16}, {80, 24}, {103, 30}, {120, 40}, {160, 48}, {200, 60}} {
		for set, g := range cell.GlyphSets {
			name := fmt.Sprintf("%dx%d-%s.txt", size[0], size[1], g.Name)
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
	d.App.View()
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
	d.still, d.blind = true, true
	// On both sides of every breakpoint, and far beyond.
	widths, heights := []int{1, 10, 59, 60, 103, 104, 159, 160, 300}, []int{1, 2, 15, 16, 29, 30, 47, 48, 100}
	if testing.Short() {
		widths, heights = []int{59, 80, 120}, []int{15, 24, 40}
	}
	dialogs := []string{"?", ":", "=", "d", "p", "f", "Y", "m", "C"}
	for _, w := range widths {
		for _, h := range heights {
			d.send(tea.WindowSizeMsg{Width: w, Height: h})
			for range d.panes.inOrder {
				d.press("tab")
				d.checkFits(fmt.Sprintf("%dx%d, %s", w, h, d.focus))
			}
			for _, key := range dialogs {
				d.press(key)
				d.checkFits(fmt.Sprintf("%dx%d, dialog %q", w, h, key))
				d.press("esc")
			}
			d.press("ctrl+t", "ctrl+g")
		}
	}
}

// A message longer than the hint bar takes the line above as well, and hides what
// goes on rather than being cut by it.
func TestALongMessageIsReadWhole(t *testing.T) {
	for _, size := range [][2]int{{60, 16}, {80, 24}, {120, 40}} {
		d := newDriver(t, size[0], size[1])
		d.jobs = []job.Snapshot{{ID: 1, Name: "table laptop", State: job.Running, Done: 1, Total: 9}}
		d.mustSee("table laptop 11%")
		d.warn(strings.Repeat("word ", size[0]/5) + "the end")
		if lines := d.lines(); !strings.HasSuffix(strings.TrimRight(lines[len(lines)-1], " "), "the end") || !strings.HasPrefix(lines[len(lines)-2], " word word") {
			t.Errorf("the last lines are\n%s", strings.Join(lines[len(lines)-2:], "\n"))
		}
		d.checkFits("message")
	}
}

// No help text is cut where the palette is narrow.
func TestHelpTextsFitANarrowScreen(t *testing.T) {
	d := newDriver(t, 80, 24)
	for _, b := range d.keys.bindings {
		if w := ansi.StringWidth(b.help) + ansi.StringWidth(keyLabel(b.keys, cell.BrailleGlyphs())); w > 73 {
			t.Errorf("%s: %d cells, expected at most 73: %s", b.id, w, b.help)
		}
	}
}
