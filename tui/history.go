package tui

import (
	"slices"

	"github.com/binas-tui/binas-tui/explore"
)

// choices are what undo brings back.
type choices struct {
	limitMS   float64
	setup     explore.Setup
	mode      optimizerMode
	compare   *comparison
	snapshots []snapshot
	look      look
}

func (a *App) choices() choices {
	return choices{a.limitMS, a.setup, a.mode, a.compare, a.snapshots, a.look}
}

// sameSetup reports that an engine of one setup serves the other.
func sameSetup(s, t explore.Setup) bool {
	return s.LUT == t.LUT && s.LUTName == t.LUTName && s.PredictorName == t.PredictorName && s.Profile == t.Profile && s.Space == t.Space &&
		s.Inactive == t.Inactive && slices.Equal(s.Pins.Depth, t.Pins.Depth) && slices.Equal(s.Pins.Allowed, t.Pins.Allowed) && sameLimits(s.Limits, t.Limits)
}

// history is the undo stack. Consecutive moves of the budget count as one.
type history struct {
	past, future []choices
	moving       bool // the last entry was made by a move of the budget
}

const historyDepth = 200

// before records the choices that an action is about to change.
func (h *history) before(c choices, budgetMove bool) {
	if budgetMove && h.moving {
		return
	}
	h.moving = budgetMove
	h.future = nil
	h.past = append(h.past, c)
	if len(h.past) > historyDepth {
		h.past = h.past[1:]
	}
}

func (h *history) undo(now choices) (choices, bool) { return swap(&h.past, &h.future, now, h) }

func (h *history) redo(now choices) (choices, bool) { return swap(&h.future, &h.past, now, h) }

func swap(from, to *[]choices, now choices, h *history) (choices, bool) {
	h.moving = false
	n := len(*from)
	if n == 0 {
		return choices{}, false
	}
	c := (*from)[n-1]
	*from = (*from)[:n-1]
	*to = append(*to, now)
	return c, true
}
