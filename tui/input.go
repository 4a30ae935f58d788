package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/tui/form"
)

// key sends a key to the dialog on top, or to the action that the key table
// gives it in the focused pane.
func (a *App) key(msg tea.KeyPressMsg) tea.Cmd {
	name := msg.String()
	if name == "ctrl+\\" {
		if cmd := a.testPanic(); cmd != nil {
			return cmd
		}
	}
	if a.dialog != nil && name != "ctrl+c" && name != "ctrl+z" {
		said := a.message
		cmd := a.dialog.Key(a, msg)
		if a.dialog != nil && a.message == said {
			a.message = "" // it is read: the keys of the dialog are shown again
		}
		return cmd
	}
	if a.tourKey(name) {
		return nil
	}
	a.message = ""
	if a.demo.on {
		a.endDemo()
		if name != "ctrl+c" && name != "q" {
			return nil
		}
	}
	if len(name) == 1 && name[0] >= '0' && name[0] <= '9' {
		return a.openEntryWith(name)
	}
	if b := a.keys.find(name, a.focus); b != nil {
		return a.run(b)
	}
	return nil
}

// testPanic panics where a test has asked for it.
func (a *App) testPanic() tea.Cmd {
	const why = "asked to by a test"
	switch a.opts.TestPanic {
	case "update":
		panic(why)
	case "view":
		a.panicInView = true
	case "command":
		return guard(func() tea.Msg { panic(why) })
	case "job":
		return a.startJob("panic", func(context.Context, *job.Job) (any, error) { panic(why) })
	}
	return nil
}

func (a *App) run(b *binding) tea.Cmd { return b.do(a) }

// mouse moves the budget (click, drag, wheel), focuses panes and selects rows.
func (a *App) mouse(msg tea.MouseMsg) tea.Cmd {
	m := msg.Mouse()
	if e, ok := msg.(tea.MouseClickMsg); ok && e.Button == tea.MouseLeft && a.layout.hints.Contains(m.X, m.Y) && !a.demo.on {
		return a.clickHint(m.X)
	}
	if a.dialog != nil {
		if _, moved := msg.(tea.MouseMotionMsg); moved { // which no dialog follows
			a.dirty = false
			return nil
		}
		return a.dialog.Mouse(a, msg)
	}
	switch msg.(type) {
	case tea.MouseClickMsg:
		if a.demo.on {
			a.endDemo()
		}
		if m.Button != tea.MouseLeft {
			return nil
		}
		a.message = ""
		if m.Y == a.layout.track.Y && !a.layout.tooSmall {
			a.dragging = true
			a.record(true)
			return a.setLimit(a.trackLimit(m.X))
		}
		return a.clickPane(m.X, m.Y)
	case tea.MouseMotionMsg:
		if a.dragging {
			return a.setLimit(a.trackLimit(m.X))
		}
		a.dirty = false
		for _, p := range a.panes.inOrder {
			if q, ok := p.(interface{ point(*App, int, int) bool }); ok && q.point(a, m.X, m.Y) {
				a.dirty = true
			}
		}
	case tea.MouseReleaseMsg:
		if !a.dragging {
			a.dirty = a.panes.frontier.panning
			return a.panes.frontier.release(a)
		}
		a.dragging = false
		cmd := a.setLimit(a.trackLimit(m.X))
		a.history.moving = false
		return cmd
	case tea.MouseWheelMsg:
		step := form.WheelStep(tea.MouseWheelMsg(m))
		if step == 0 {
			return nil
		}
		for id, r := range a.layout.panes {
			if r.Contains(m.X, m.Y) {
				if id == paneFrontier {
					a.panes.frontier.wheel(a, m.X, m.Y, -step)
				} else {
					a.movePane(a.panes.of(id), step)
				}
				return nil
			}
		}
		return budgetStep(-step)(a)
	}
	return nil
}

// filterMouse drops mouse movement that comes faster than the screen is
// drawn, before it reaches Update.
func filterMouse(now func() int64) func(tea.Model, tea.Msg) tea.Msg {
	const interval = 16e6 // nanoseconds
	last := int64(0)
	return func(_ tea.Model, msg tea.Msg) tea.Msg {
		switch msg.(type) {
		case tea.MouseMotionMsg:
			if t := now(); t-last < interval {
				return nil
			} else {
				last = t
			}
		}
		return msg
	}
}
