package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/tui/cell"
)

// tour is the guided tour: a box at the foot of the screen that says what to
// try. Every key works as ever while it is open; doing what a step suggests goes
// on to the next one, and so does enter.
type tour struct {
	on      bool
	step    int
	started choices // when the step began
	focus   paneID
}

// tourStep is one suggestion.
type tourStep struct {
	title string
	text  func(*App) string
	done  func(a *App, t tour) bool // nil waits for enter
}

func tourSteps() []tourStep {
	return []tourStep{
		{"Move the budget", func(a *App) string {
			return "Press " + a.keyOf("budget-down") + " and " + a.keyOf("budget-up") + ", or drag the slider: the best network within the limit follows at once, and is proved to be the best."
		}, func(a *App, t tour) bool { return a.limitMS != t.started.limitMS }},
		{"Look around", func(a *App) string {
			return a.keyOf("pane-next") + " goes from pane to pane, as the line of their names says. In the plot (" + a.keyOf("show-frontier") + ") up and down read the frontier, " + a.keyOf("plot-window") + " shows the part around the budget; the mouse names what it is on."
		}, func(a *App, t tour) bool { return a.focus != t.focus }},
		{"Zoom", func(a *App) string {
			return a.keyOf("zoom") + " gives a pane the whole screen, as a click on [+] does, and once more gives it back."
		}, func(a *App, _ tour) bool { return a.zoomed }},
		{"Ask what if", func(a *App) string {
			return "In the architecture (" + a.keyOf("show-architecture") + "), " + a.keyOf("pin") + " holds a decision fixed and " + a.keyOf("try-next") + " tries another one: the accuracy before and after is shown."
		}, func(a *App, _ tour) bool { return a.pinCount() > 0 }},
		{"See every decision", func(a *App) string {
			return a.keyOf("show-sweep") + " shows what every block is at every budget, " + a.keyOf("play") + " plays the budget from left to right."
		}, func(a *App, t tour) bool { return a.focus == paneSweep && t.focus != paneSweep || a.play.on }},
		{"Take it with you", func(a *App) string {
			return a.keyOf("copy-menu") + " copies the network, " + a.keyOf("report") + " writes a report, " + a.keyOf("measure") + " measures your own machine, " + a.keyOf("help") + " lists every key and brings this tour back."
		}, nil},
	}
}

// openTour begins the tour.
func (a *App) openTour() tea.Cmd {
	a.tour = tour{on: true}
	a.beginTourStep(0)
	a.tourSeen = true
	return nil
}

func (a *App) beginTourStep(step int) {
	if step >= len(tourSteps()) {
		a.tour.on = false
		a.say("that is the tour: " + a.keyOf("help") + " lists every key")
		return
	}
	a.tour.step, a.tour.started, a.tour.focus = step, a.choices(), a.focus
}

// followTour goes on when the user has done what the step suggests.
func (a *App) followTour() {
	if !a.tour.on || a.dialog != nil {
		return
	}
	if s := tourSteps()[a.tour.step]; s.done != nil && s.done(a, a.tour) {
		a.beginTourStep(a.tour.step + 1)
	}
}

// tourKey takes the two keys that the tour has for itself.
func (a *App) tourKey(name string) (taken bool) {
	if !a.tour.on {
		return false
	}
	switch name {
	case "enter":
		a.beginTourStep(a.tour.step + 1)
	case "esc":
		a.tour.on = false
		a.say("tour skipped: " + a.keyOf("tour") + " brings it back")
	default:
		return false
	}
	return true
}

// drawCaption draws the box of the tour, or of the demo, at the foot of the panes.
func (a *App) drawCaption(s *cell.Screen) {
	title, text, foot := "", "", ""
	switch {
	case a.demo.on:
		title, text, foot = "Demo", demoSteps()[min(a.demo.step, len(demoSteps())-1)].caption(a), "any key ends the demo"
	case a.tour.on:
		step := tourSteps()[a.tour.step]
		title = "Tour " + cell.Number(float64(a.tour.step+1), 0) + " of " + cell.Number(float64(len(tourSteps())), 0) + ": " + step.title
		text, foot = step.text(a), "enter next   esc skip the tour"
		if a.tour.step == len(tourSteps())-1 {
			foot = "enter ends the tour"
		}
	default:
		return
	}
	w := min(78, s.W-4)
	lines := cell.Wrap(text, w-4)
	h := len(lines) + 3
	r := cell.At((s.W-w)/2, s.H-1-h, w, h)
	s.Fill(r, s.Theme.Text, " ")
	inside := s.Box(r, title, true)
	for i, line := range lines {
		s.Text(inside.X+1, inside.Y+i, inside.W-2, s.Theme.Text, line)
	}
	s.Text(inside.X+1, inside.Y+inside.H-1, inside.W-2, s.Theme.Dim, foot)
}
