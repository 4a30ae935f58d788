package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// setPins re-solves under other pins and says what that changed.
func (a *App) setPins(p solver.Pins, what string) tea.Cmd {
	a.record(false)
	after := a.pinCost(what)
	s := a.setup
	s.Pins = p
	return a.rebuild(s, nil, after)
}

// togglePin holds or frees what is under the cursor: a stage's depth or a
// block's option.
func (a *App) togglePin() tea.Cmd {
	row, ok := a.current()
	if !ok {
		return nil
	}
	p, action := a.setup.PinsToChange(), " pinned"
	if a.pinned(row) {
		row.hold(&p, free)
		action = " freed"
	} else {
		row.hold(&p, row.choice(a.solution.Path))
	}
	return a.setPins(p, row.label(a.space())+action)
}

// dimension is one of the decisions an option is made of.
type dimension int

const (
	dimExpansion dimension = iota
	dimKernel
	dimSE
)

var dimensionNames = [...]string{"expansion", "kernel", "squeeze-excite"}

func (d dimension) same(a, b model.Option) bool {
	switch d {
	case dimExpansion:
		return a.Expansion == b.Expansion
	case dimKernel:
		return a.Kernel == b.Kernel
	}
	return a.SERatio == b.SERatio
}

// mask allows the options that agree with option in one dimension.
func (d dimension) mask(space *model.Space, option int) (mask uint64) {
	for i, o := range space.Options {
		if d.same(o, space.Options[option]) {
			mask |= 1 << i
		}
	}
	return mask
}

// togglePinDimension holds one dimension of the block under the cursor, or
// frees it where it is already held.
func togglePinDimension(d dimension) func(*App) tea.Cmd {
	return func(a *App) tea.Cmd {
		row, ok := a.current()
		if !ok || row.block < 0 {
			return a.say("move to a block to pin its " + dimensionNames[d])
		}
		space := a.space()
		p := a.setup.PinsToChange()
		option := a.solution.Path.Option[row.block]
		all := uint64(1)<<space.NumOptions() - 1
		held := p.Allowed[row.block]
		if held == 0 {
			held = all
		}
		mask := d.mask(space, option)
		if held&^mask == 0 { // already held: free this dimension, keep the others
			held = all
			for _, other := range []dimension{dimExpansion, dimKernel, dimSE} {
				if m := other.mask(space, option); other != d && p.Allowed[row.block]&^m == 0 {
					held &= m
				}
			}
		} else {
			held &= mask
		}
		if held == all {
			held = 0
		}
		p.Allowed[row.block] = held
		return a.setPins(p, row.label(space)+" "+dimensionNames[d])
	}
}

func (a *App) unpinAll() tea.Cmd {
	if a.pinCount() == 0 {
		return a.say("nothing is pinned")
	}
	return a.setPins(solver.Pins{}, "all freed")
}

// pinCount is the number of stages and blocks with a pin.
func (a *App) pinCount() int { return len(a.setup.PinTexts()) }

func (a *App) toggleInactive() tea.Cmd {
	a.record(false)
	s := a.setup
	if s.Inactive == model.InactiveMean {
		s.Inactive = model.InactiveFree
	} else {
		s.Inactive = model.InactiveMean
	}
	return a.rebuild(s, nil, func(a *App) { a.say("skipped blocks: " + a.engine.Inactive.String()) })
}

func (a *App) undo() tea.Cmd { return a.restore(a.history.undo) }
func (a *App) redo() tea.Cmd { return a.restore(a.history.redo) }

func (a *App) restore(step func(choices) (choices, bool)) tea.Cmd {
	c, ok := step(a.choices())
	if !ok {
		return a.say("nothing to undo or redo")
	}
	what := "budget " + a.ms(c.limitMS) + " ms"
	if n := len(c.setup.Limits); n > 0 {
		what += fmt.Sprintf(", limits beside it: %d", n)
	}
	if c.mode != a.mode {
		what += ", optimiser: " + modeNames[c.mode]
	}
	if c.setup.LUTName != a.setup.LUTName || c.setup.PredictorName != a.setup.PredictorName {
		what = "exploring " + sourceLabel(c.setup.LUTName) + " with " + sourceLabel(c.setup.PredictorName) + ", " + what
	}
	if now := c.setup.PinTexts(); !slices.Equal(now, a.setup.PinTexts()) {
		what += ", pinned: " + someOf(now)
	}
	if now := c.compare.named(); !slices.Equal(now, a.compare.named()) {
		what += ", compared with: " + someOf(now)
	}
	if len(c.snapshots) != len(a.snapshots) {
		what += fmt.Sprintf(", kept: %d", len(c.snapshots))
	}
	if c.look != a.look {
		what += ", theme: " + cell.Themes[c.look.theme].Name + ", glyphs: " + cell.GlyphSets[c.look.glyphs].Name
	}
	a.say(what)
	back := func(a *App) {
		a.limitMS, a.mode, a.compare, a.snapshots, a.look = c.limitMS, c.mode, c.compare, c.snapshots, c.look
	}
	if !sameSetup(a.setup, c.setup) {
		return a.rebuild(c.setup, back, nil)
	}
	back(a)
	a.panes.frontier.hairlineMS = 0
	a.compare.predict(a.engine)
	return a.solve()
}

// someOf are the words, or how many there are.
func someOf(words []string) string {
	switch {
	case len(words) == 0:
		return "nothing"
	case len(words) > 3:
		return strconv.Itoa(len(words))
	}
	return strings.Join(words, " ")
}

// openSetup replaces table, predictor or profile; the budget stays where it
// can, pins stay where the space is the same.
func (a *App) openSetup(profile, lut, predictor string) tea.Cmd {
	now := a.setup
	return a.prepare(func() (explore.Setup, error) {
		s, err := explore.Load(profile, lut, predictor)
		if err == nil && s.Space.Name == now.Space.Name {
			s.Pins, s.Limits = now.Pins, now.Limits
		}
		s.Inactive = now.Inactive
		return s, err
	}, preparation{opened: true, then: func(a *App) {
		a.compare = nil // its figures are of the other table
		text := "exploring " + sourceLabel(a.engine.LUTName) + " with " + sourceLabel(a.engine.PredictorName)
		if was, ok := a.limitOf[a.engine.LUTName]; ok {
			a.limitMS = was
		} else if limit := a.clampLimit(a.limitMS); limit != a.limitMS {
			text += ": the budget goes to " + a.ms(limit) + " ms, into its range"
		}
		a.say(text)
	}})
}
