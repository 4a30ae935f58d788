package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/tui/cell"
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

// demoStep is a caption, shown while the actions are done one by one. What it says in
// figures is what the screen shows.
type demoStep struct {
	caption func(*App) string
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
	text := func(t string) func(*App) string { return func(*App) string { return t } }
	number := func(v float64) string { return cell.Number(v, 2) }
	shown := func(a *App) string { return a.ms(a.limitMS) + " ms give " + number(a.solution.Accuracy) + " %" }
	return []demoStep{
		{func(a *App) string {
			return "A latency budget goes in, the best network comes out: " + shown(a) + ", and no other network is predicted to be better."
		}, []string{"show-architecture", "budget-least"}, 3 * demoPause},
		{func(a *App) string {
			return "More budget buys depth and width where they pay most on this device: " + shown(a) + "."
		}, repeat(3, "budget-up-10"), demoPause},
		{func(a *App) string {
			return "Every step solves two searches to the end: the paper's method, and an exact one that says how good it is. " + a.buysText()
		}, repeat(12, "budget-up"), demoPause / 4},
		{func(a *App) string {
			loss, ok := a.whatIf.pinsCost(a)
			if !ok {
				return "What if a block were something else?"
			}
			return "What if a block were something else? It is pinned, everything else is chosen anew: that costs " + number(loss) + " points."
		}, []string{"down", "down", "try-next", "try-next"}, 2 * demoPause},
		{func(a *App) string {
			if a.pinCount() > 0 {
				return "Undo takes it back, step by step."
			}
			return "Undo has brought the optimum back: " + shown(a) + "."
		}, []string{"undo", "undo"}, demoPause},
		{text("All networks of the frontier at a glance: a row is a decision, a column a budget; wider blocks are lighter or darker, larger kernels of another colour."), []string{"show-sweep", "zoom"}, 3 * demoPause},
		{text("Played from left to right, it says which decisions change where."), append([]string{"play-faster", "play"}, repeat(6, "")...), demoPause},
		{func(a *App) string {
			if a.compare.empty() {
				return "Two budgets side by side: what more time buys."
			}
			return "Two budgets side by side: from " + number(a.compare.accuracy) + " % to " + number(a.solution.Accuracy) + " % at " + a.ms(a.limitMS) + " ms."
		}, []string{"play", "zoom", "compare", "show-compare", "budget-up-10", "budget-up-10"}, demoPause},
		{func(a *App) string {
			return "The paper's search alone, and what it leaves: " + a.proof(cell.Themes[a.theme], a.glyphSet())[0].text + "."
		}, []string{"compare", "optimizer", "optimizer"}, 2 * demoPause},
		{text("That was the demo. The explorer is yours: ? lists every key."), []string{"optimizer", "optimizer", "show-architecture"}, demoPause},
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
		return a.say("the explorer is yours: " + a.keyOf("help") + " lists every key")
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
