package tui

import (
	"context"
	"errors"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/sanitize"
	"github.com/binas-tui/binas-tui/solver"
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
	found    explore.Found
	partial  bool   // found may become better
	none     string // why no network keeps the limits
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
	found    explore.Found
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

// searchNow is the search that what is shown needs; ok is false where none does.
func (a *App) searchNow() (q searchQuestion, ok bool) {
	q = searchQuestion{generation: a.generation, limitMS: a.limitMS}
	if a.engine.Bilinear() && a.layout.panes[paneBest].shown() {
		q.top = topNetworks
	}
	return q, a.generation == a.engineGeneration && (a.limited() || a.proving() || q.top > 0)
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
	*s = search{asked: q, running: true, cancel: cancel, answered: s.answered, found: s.found, none: s.none, stopped: s.stopped}
	a.working++
	return startSearch(ctx, a.engine, q)
}

// startSearch searches in a goroutine of its own, which hands over the best so
// far whenever somebody asks for it.
func startSearch(ctx context.Context, engine *explore.Engine, q searchQuestion) tea.Cmd {
	return guard(func() tea.Msg {
		better, done := make(chan explore.Found, 1), make(chan searchedMsg, 1)
		progress := func(s *solver.Solution) {
			f := explore.Found{Finding: explore.Finding{Solution: *s}}
			f.Path = s.Path.Clone()
			select {
			case <-better: // nobody took the one before
			default:
			}
			better <- f
		}
		go func() {
			defer func() {
				if v := recover(); v != nil {
					done <- searchedMsg{question: q, err: fmt.Errorf("the search failed: %v", v)}
				}
			}()
			msg := searchedMsg{question: q}
			r := explore.Request{LimitMS: q.limitMS, Top: q.top, Seed: 1, Progress: progress}
			if engine.Bilinear() {
				r.Progress = nil
			}
			msg.found, msg.err = engine.Find(ctx, r)
			if msg.err == nil && msg.found.Status == solver.Infeasible && len(engine.Limits) > 0 {
				if err := engine.NoNetworkWithin(ctx, q.limitMS); !errors.Is(err, context.Canceled) {
					msg.none = sanitize.Line(err.Error())
				}
			}
			done <- msg
		}()
		var next tea.Cmd
		next = guard(func() tea.Msg {
			select {
			case msg := <-done:
				return msg
			case f := <-better:
				return searchedMsg{question: q, found: f, more: next}
			}
		})
		return next()
	})
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
		s.answered, s.partial, s.found, s.none = q, false, explore.Found{}, sanitize.Line(msg.err.Error())
		a.warn(s.none)
		a.show()
	default:
		s.answered, s.found, s.none, s.partial = q, msg.found, msg.none, msg.more != nil || cut
		a.show()
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
func (a *App) searchProof(t *theme, g *glyphs) []segment {
	s := &a.search
	if !a.hasSolution() {
		if s.none != "" && a.searchCurrent() {
			return []segment{{t.warn, s.none, false}}
		}
		return []segment{{t.warn, "searching" + g.ellipsis, false}}
	}
	under := ""
	if n := len(a.engine.Limits); n > 0 {
		under = fmt.Sprintf(" under %d limits", n+1)
	}
	switch {
	case !a.searchCurrent():
		return []segment{{t.warn, "searching" + g.ellipsis, false}}
	case a.solution.Status == solver.Optimal:
		return []segment{{t.good, "optimal" + under, false}, a.gap(t)}
	case s.running:
		return []segment{{t.warn, fmt.Sprintf("best so far, bound %s %%, gap %s pt%s", formatNumber(a.solution.Bound, 2), formatNumber(a.solution.Gap(), 3), g.ellipsis), false}}
	}
	return []segment{{t.warn, fmt.Sprintf("feasible%s, bound %s %%, gap %s pt", under, formatNumber(a.solution.Bound, 2), formatNumber(a.solution.Gap(), 3)), false}}
}
