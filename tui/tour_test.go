package tui

import "testing"

// The tour goes from step to step with enter, says that the last one is, and
// ends there.
func TestTourIsWalkedThrough(t *testing.T) {
	d := newDriver(t, 100, 40)
	d.press("T")
	for range len(tourSteps()) - 1 {
		d.mustSee("enter next")
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
