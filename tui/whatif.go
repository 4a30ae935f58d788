package tui

import (
	"context"
	"fmt"
	"math"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// whatIf answers what pins cost: the pins there are, against the network
// without them, and each alternative of the decision under the cursor, were it
// pinned and everything else chosen anew.
type whatIf struct {
	free    *explore.Engine // the same setup without pins; nil where nothing is pinned
	optimum solver.Solution // of free at this budget

	asked    question
	cancel   context.CancelFunc // of what is computed, or was last
	answered question
	answers  map[int]float64 // accuracy points lost by choice; +Inf where nothing fits
}

// question is what the answers are for.
type question struct {
	generation int
	limitMS    float64
	decision   decision
}

// whatIfAfter is how long the cursor and the budget have to rest before the
// alternatives are computed: a moving slider needs them for nothing.
const whatIfAfter = 120 * time.Millisecond

type (
	askMsg    struct{ question question }
	whatIfMsg struct {
		question question
		answers  map[int]float64
	}
)

// changed follows a new solution. Under several limits the search answers for
// the network without pins too.
func (w *whatIf) changed(a *App) {
	switch {
	case w.free == nil || a.pinCount() == 0 || !w.free.Bilinear():
	case a.limited():
		w.optimum = solver.Solution{}
		if a.searchCurrent() {
			w.optimum = a.search.free
		}
	default:
		w.free.Optimum(&w.optimum, a.limitMS)
	}
}

// pinsCost is what the pins cost at this budget, in points.
func (w *whatIf) pinsCost(a *App) (points float64, known bool) {
	if w.free == nil || a.pinCount() == 0 || !a.hasSolution() || a.evolving() || w.optimum.Status != solver.Optimal {
		return 0, false
	}
	return max(0, w.optimum.Accuracy-a.solution.Accuracy), true
}

// question is the one that the Why pane puts now. Under several limits it waits
// for the proof of the network shown.
func (a *App) question() (question, bool) {
	row, ok := a.current()
	if !ok || !a.engine.Bilinear() || a.evolving() || a.generation != a.engineGeneration {
		return question{}, false
	}
	if a.limited() && a.solution.Status != solver.Optimal {
		return question{}, false
	}
	return question{a.generation, a.limitMS, row}, true
}

// askWhatIf puts the question once the user has stopped moving.
func (a *App) askWhatIf() tea.Cmd {
	q, ok := a.question()
	if !ok || q == a.whatIf.asked || !a.layout.panes[paneWhy].Shown() || a.play.on {
		return nil
	}
	a.whatIf.asked = q
	return a.services.tick(whatIfAfter, askMsg{q})
}

// answerWhatIf computes, in the background, the optimum under each alternative.
func (a *App) answerWhatIf(msg askMsg) tea.Cmd {
	a.dirty = false
	if q, ok := a.question(); !ok || q != msg.question {
		return nil
	}
	if a.whatIf.cancel != nil {
		a.whatIf.cancel()
	}
	ctx, cancel := context.WithCancel(a.ctx)
	a.whatIf.cancel = cancel
	engine, best := a.engine, a.answer.Exact.Accuracy
	if a.limited() {
		best = a.solution.Accuracy
	}
	var choices []int
	for _, alt := range a.alternatives() {
		choices = append(choices, alt.choice)
	}
	setup, q := a.setup, msg.question
	return guard(func() tea.Msg {
		defer cancel()
		return whatIfMsg{q, costs(ctx, engine, setup, q, choices, best)}
	})
}

func costs(ctx context.Context, engine *explore.Engine, setup explore.Setup, q question, choices []int, best float64) map[int]float64 {
	out := map[int]float64{}
	for _, c := range choices {
		p := setup.PinsToChange()
		q.decision.hold(&p, c)
		s, err := engine.WhatIf(ctx, p, q.limitMS)
		switch {
		case err != nil:
			return out // cancelled
		case s.Status == solver.Infeasible:
			out[c] = math.Inf(1)
		case s.Status == solver.Optimal:
			out[c] = best - s.Accuracy
		}
	}
	return out
}

func (a *App) whatIfAnswered(msg whatIfMsg) {
	q, ok := a.question()
	if !ok || q != msg.question {
		a.dirty = false
		return
	}
	a.whatIf.answered, a.whatIf.answers = msg.question, msg.answers
}

// whatIfCost is what pinning a choice of the decision under the cursor would
// cost at this budget, everything else being chosen anew.
func (a *App) whatIfCost(choice int) (points float64, known bool) {
	if q, ok := a.question(); !ok || q != a.whatIf.answered {
		return 0, false
	}
	points, known = a.whatIf.answers[choice]
	return points, known
}

// tryStep pins the next option of the block under the cursor, or the next depth
// of the stage, and says what it costs.
func tryStep(n int) func(*App) tea.Cmd {
	return func(a *App) tea.Cmd {
		row, ok := a.current()
		if !ok {
			return nil
		}
		space, p := a.space(), a.setup.PinsToChange()
		if row.block < 0 {
			depths := space.NumDepths()
			p.Depth[row.stage] = space.MinDepth + (a.solution.Path.Depth[row.stage]-space.MinDepth+n+depths)%depths
			return a.setPins(p, fmt.Sprintf("stage %d has depth %d", row.stage+1, p.Depth[row.stage]))
		}
		option := (a.solution.Path.Option[row.block] + n + space.NumOptions()) % space.NumOptions()
		p.Allowed[row.block] = 1 << option
		return a.setPins(p, row.label(space)+" is "+space.Options[option].String())
	}
}

// pinCost says what a change of pins did to the accuracy at this budget. It is
// called before the change and returns what to call after it.
func (a *App) pinCost(what string) func(*App) {
	before, limit, had := a.solution.Accuracy, a.limitMS, a.hasSolution()
	return func(a *App) {
		switch {
		case !a.hasSolution() || !had:
			a.say(what)
		case a.limitMS != limit:
			a.say(fmt.Sprintf("%s: needs %s ms, the budget went there; %s → %s %%", what,
				a.ms(a.limitMS), cell.Number(before, 2), cell.Number(a.solution.Accuracy, 2)))
		default:
			a.say(fmt.Sprintf("%s: %s → %s %% (%s pt) at %s ms", what, cell.Number(before, 2),
				cell.Number(a.solution.Accuracy, 2), cell.Signed(a.solution.Accuracy-before, 3, a.glyphSet()), cell.Number(limit, 2)))
		}
	}
}
