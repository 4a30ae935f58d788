package tui

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The tour goes from step to step with enter, says that the last one is, and
// ends there.
func TestTourIsWalkedThrough(t *testing.T) {
	d := newDriver(t, 100, 40)
	d.press("T")
	for range len(tourSteps()) - 1 {
		d.mustSee("enter next   esc skip the tour")
		if line := d.last(); !strings.HasPrefix(line, " enter next  esc skip the tour  ") || strings.Count(line, "enter") > 1 {
			t.Fatalf("the last line says %q", line)
		}
		d.press("enter")
	}
	d.mustSee("Tour 6 of 6")
	d.mustSee("enter ends the tour")
	d.press("enter")
	d.mustSee("that is the tour")
	if d.tour.on {
		t.Error("the tour is still on")
	}
}

// Every figure of a caption of the demo is on the screen beside it, step by step.
func TestCaptionsSayWhatTheScreenShows(t *testing.T) {
	figure := regexp.MustCompile(`[0-9]+\.[0-9]+`)
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		d := newDriver(t, size[0], size[1])
		d.still = true // its steps come from here
		d.run(d.startDemo(1))
		figures := 0
		for d.demo.on {
			lines := d.lines()
			top := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, "Demo ") })
			if top < 0 {
				t.Fatalf("%v, step %d: no caption on the screen:\n%s", size, d.demo.step, strings.Join(lines, "\n"))
			}
			caption, before := "", strings.Join(lines[:top], "\n")
			for _, l := range lines[top+1:] {
				if w := min(78, size[0]-4); !strings.Contains(l, "any key ends") {
					caption += string([]rune(l)[(size[0]-w)/2 : (size[0]+w)/2])
					continue
				}
				break
			}
			for _, f := range figure.FindAllString(caption, -1) {
				if figures++; !strings.Contains(before, f) {
					t.Errorf("%v, step %d, action %d: the caption says %s, the screen does not:\n%s", size, d.demo.step, d.demo.action, f, strings.Join(lines, "\n"))
				}
			}
			d.send(demoMsg{})
		}
		if figures < 40 {
			t.Errorf("%v: %d figures were compared", size, figures)
		}
	}
}
