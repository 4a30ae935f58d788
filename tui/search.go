package tui

import (
	"context"
	"errors"
	"fmt"
	"math"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// search is the one that runs in the background: under several limits, for the
// best networks, and for a proof with a quadratic predictor. At most one runs
// for an engine; the last one asked for wins.
type search struct {
	asked    searchQuestion // what is searched, or was last
	running  bool
	stopped  searchQuestion // the user has ended this one
	cancel   context.CancelFunc
	answered searchQuestion // what found answers
	found    explore.SearchResult
	free     solver.Solution // under several limits: the best without the pins
	partial  bool            // found may become better
	none     string          // why no network keeps the limits
	after    func(*App)      // called at the first answer
}

// searchQuestion is what is searched for.
type searchQuestion struct {
	generation int
	limitMS    float64
	top        int
}

// searchedMsg is an answer, or with more the best so far.
type searchedMsg struct {
	question searchQuestion
	found    explore.SearchResult
	free     solver.Solution
	none     string
	err      error
	more     tea.Cmd
}

// topNetworks is how many of the best networks are listed.
const topNetworks = 10

// limited reports that there are limits beside the latency.
func (a *App) limited() bool { return len(a.engine.Limits) > 0 && a.engine.Bilinear() }

// quadratic reports that the predictor is quadratic: it is searched with bounds
// that close in on the optimum.
func (a *App) quadratic() bool {
	_, ok := a.engine.Predictor.(*model.Quadratic)
	return ok
}

// proving reports that the exact search of a quadratic predictor answers.
func (a *App) proving() bool { return a.quadratic() && a.mode == modeIQCP }

// searches reports that what is shown is answered by a search in the
// background.
func (a *App) searches() bool { return a.limited() || a.proving() }

// searchNow is the search that what is shown needs; ok is false where none does.
func (a *App) searchNow() (q searchQuestion, ok bool) {
	q = searchQuestion{generation: a.generation, limitMS: a.limitMS}
	if a.engine.Bilinear() && a.layout.panes[paneBest].Shown() {
		q.top = topNetworks
	}
	return q, a.generation == a.engineGeneration && (a.searches() || q.top > 0)
}

// askSearch starts the search that is needed, unless it runs or is answered.
func (a *App) askSearch() tea.Cmd {
	q, ok := a.searchNow()
	s := &a.search
	if !ok || (s.answered == q && !s.partial) || s.stopped == q {
		return nil
	}
	if s.running {
		if s.asked != q && s.cancel != nil {
			s.cancel() // its end starts the next
			s.cancel = nil
		}
		return nil
	}
	ctx, cancel := context.WithCancel(a.ctx)
	s.asked, s.running, s.cancel, s.partial = q, true, cancel, false
	a.working++
	return startSearch(ctx, a.engine, a.whatIf.free, q)
}

// startSearch searches for one question, and for the network that would be shown
// without the pins, where free is set.
func startSearch(ctx context.Context, engine, free *explore.Engine, q searchQuestion) tea.Cmd {
	return stream(func(publish func(searchedMsg)) searchedMsg {
		r := explore.Request{LimitMS: q.limitMS, Top: q.top, Seed: 1}
		if !engine.Bilinear() {
			r.Progress = func(s *solver.Solution) {
				f := explore.SearchResult{Solution: *s}
				f.Path = s.Path.Clone()
				publish(searchedMsg{found: f})
			}
		}
		var msg searchedMsg
		msg.found, msg.err = engine.Search(ctx, r)
		if msg.err != nil || len(engine.Limits) == 0 {
			return msg
		}
		if free != nil {
			f, err := free.Search(ctx, explore.Request{LimitMS: q.limitMS})
			msg.free, msg.err = f.Solution, err
		}
		if msg.found.Status == solver.Infeasible && msg.err == nil {
			msg.none = whyNone(ctx, engine, q.limitMS, msg.free.Status != solver.Infeasible)
		}
		return msg
	}, func(msg searchedMsg, more tea.Cmd) tea.Msg {
		msg.question, msg.more = q, more
		return msg
	})
}

// whyNone says why no network keeps the limits; pinned says that one would
// without the pins.
func whyNone(ctx context.Context, engine *explore.Engine, limitMS float64, pinned bool) string {
	err := engine.NoNetworkWithin(ctx, limitMS)
	if errors.Is(err, context.Canceled) {
		return ""
	}
	if pinned {
		return "with these pins " + err.Error()
	}
	return err.Error()
}

// searched takes in an answer; an old one only ends its search.
func (a *App) searched(msg searchedMsg) tea.Cmd {
	s := &a.search
	if msg.more == nil {
		a.working--
	}
	if msg.question != s.asked {
		return msg.more // of an engine that is not used any more
	}
	cut := s.running && s.cancel == nil && s.stopped != msg.question // by another question
	if msg.more == nil {
		s.running = false
		if s.cancel != nil {
			s.cancel()
			s.cancel = nil
		}
	}
	q, ok := a.searchNow()
	switch {
	case !ok || q != msg.question:
	case errors.Is(msg.err, context.Canceled):
	case msg.err != nil:
		s.answered, s.partial, s.found, s.free, s.none = q, false, explore.SearchResult{}, solver.Solution{}, msg.err.Error()
		a.warn(s.none)
		a.show()
	default:
		s.answered, s.found, s.free, s.none, s.partial = q, msg.found, msg.free, msg.none, msg.more != nil || cut
		a.show()
		if s.after != nil {
			s.after(a)
			s.after = nil
		}
		a.tellPlayed()
	}
	return msg.more
}

// searchSolution is what the background search has found for what is shown. A
// network that does not keep the budget is never shown.
func (a *App) searchSolution() solver.Solution {
	s := &a.search
	if s.answered.generation != a.generation || s.found.Status == solver.Infeasible || s.found.LatencyMS > a.limitMS {
		return solver.Solution{LimitMS: a.limitMS}
	}
	out := s.found.Solution
	out.LimitMS = a.limitMS
	if !a.searchCurrent() { // a network, but its proof is of another budget
		out.Status, out.Bound = solver.Feasible, math.Inf(1)
	}
	return out
}

// searchCurrent reports that the answer is for the budget shown.
func (a *App) searchCurrent() bool {
	s := &a.search
	return s.answered.generation == a.generation && s.answered.limitMS == a.limitMS
}

// stopSearch ends a search and keeps the best; it reports whether one ran.
func (a *App) stopSearch() bool {
	s := &a.search
	if !s.running || !a.proving() || s.cancel == nil {
		return false
	}
	s.stopped = s.asked
	s.cancel()
	s.cancel = nil
	a.say("stopped: the best so far is kept")
	return true
}

// searchProof says what is known of the network that the search has found.
func (a *App) searchProof(t *cell.Theme, g *cell.Glyphs) []segment {
	s := &a.search
	if !a.hasSolution() {
		if s.none != "" && a.searchCurrent() {
			return []segment{{t.Warn, s.none, false}}
		}
		return []segment{{t.Warn, "searching" + g.Ellipsis, false}}
	}
	under := ""
	if n := len(a.engine.Limits); n > 0 {
		under = fmt.Sprintf(" under %d limits", n+1)
	}
	if text := a.bindingText(); text != "" { // what is in the way says more than how many may be
		under = ", " + text
	}
	switch {
	case !a.searchCurrent():
		return []segment{{t.Warn, "searching" + g.Ellipsis, false}}
	case a.solution.Status == solver.Optimal:
		return []segment{{t.Good, "optimal" + under, false}, a.gap(t)}
	case s.running:
		return []segment{{t.Warn, fmt.Sprintf("best so far, bound %s %%, gap %s pt%s", cell.Number(a.solution.Bound, 2), cell.Number(a.solution.Gap(), 3), g.Ellipsis), false}}
	}
	return []segment{{t.Warn, fmt.Sprintf("feasible%s, bound %s %%, gap %s pt", under, cell.Number(a.solution.Bound, 2), cell.Number(a.solution.Gap(), 3)), false}}
}
