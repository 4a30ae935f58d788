package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"
)

// demo plays a scripted exploration: actions of the key table, one after the
// other, with a caption. Any key of the user ends it and leaves the explorer as
// it is.
type demo struct {
	on     bool
	step   int
	action int
	speed  float64
}

// demoStep is a caption, shown while the actions are done one by one.
type demoStep struct {
	caption string
	actions []string
	pause   time.Duration // after each action, and after the caption
}

const demoPause = 900 * time.Millisecond

func demoSteps() []demoStep {
	repeat := func(n int, id string) (out []string) {
		for range n {
			out = append(out, id)
		}
		return out
	}
	return []demoStep{
		{"A latency budget goes in, the best network comes out: which of 5.9e21 it is, what it takes, and the proof that none is better.", []string{"show-architecture", "budget-least"}, 3 * demoPause},
		{"More budget buys depth and width where they pay most on this device.", repeat(3, "budget-up-10"), demoPause},
		{"Every step solves two searches to the end: the paper's method, and an exact one that says how good it is.", repeat(12, "budget-up"), demoPause / 4},
		{"What if a block were something else? It is pinned, everything else is chosen anew, and the price is shown.", []string{"down", "down", "try-next", "try-next"}, 2 * demoPause},
		{"Undo brings the optimum back.", []string{"undo", "undo"}, demoPause},
		{"All networks of the frontier at a glance: a row is a decision, a column a budget.", []string{"show-sweep", "zoom"}, 3 * demoPause},
		{"Played from left to right, it says which decisions change where.", append([]string{"play-faster", "play"}, repeat(6, "")...), demoPause},
		{"Two budgets side by side: what the next two milliseconds buy.", []string{"play", "zoom", "compare", "show-compare", "budget-up-10", "budget-up-10"}, demoPause},
		{"The paper's search alone: the status line says how far from the optimum it stays.", []string{"compare", "optimizer", "optimizer"}, 2 * demoPause},
		{"That was the demo. The explorer is yours: ? lists every key.", []string{"optimizer", "optimizer", "show-architecture"}, demoPause},
	}
}

type demoMsg struct{}

// startDemo begins the script; speed 2 plays it twice as fast.
func (a *App) startDemo(speed float64) tea.Cmd {
	a.demo = demo{on: true, speed: speed}
	return a.demoTick(demoSteps()[0].pause)
}

func (a *App) demoTick(pause time.Duration) tea.Cmd {
	return a.services.tick(time.Duration(float64(pause)/a.demo.speed), demoMsg{})
}

// demoStepped does the next action of the script.
func (a *App) demoStepped() tea.Cmd {
	d := &a.demo
	if !d.on {
		a.dirty = false
		return nil
	}
	steps := demoSteps()
	step := steps[d.step]
	var cmd tea.Cmd
	if d.action < len(step.actions) {
		cmd = a.act(step.actions[d.action])
		d.action++
	} else if d.step++; d.step < len(steps) {
		d.action = 0
		step = steps[d.step]
	} else {
		d.on = false
		a.say("the explorer is yours: " + a.keyOf("help") + " lists every key")
		return nil
	}
	return tea.Batch(cmd, a.demoTick(step.pause))
}

// act runs an action of the key table by name; "" does nothing.
func (a *App) act(id string) tea.Cmd {
	for i := range a.keys.bindings {
		if b := &a.keys.bindings[i]; b.id == id {
			if !b.worksIn(a.focus) {
				a.setFocus(b.pane)
			}
			return a.run(b)
		}
	}
	return nil
}

// endDemo hands the explorer to the user.
func (a *App) endDemo() {
	a.demo.on = false
	if a.play.on {
		a.stopPlay()
	}
	a.say("the demo has ended: the explorer is yours, " + a.keyOf("help") + " lists every key")
}
