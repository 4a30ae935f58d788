package tui

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/model"
)

// play moves the budget from left to right by itself.
type play struct {
	on         bool
	speed      int        // index into playEvery
	generation int        // ticks of an older one are dropped
	last       model.Path // the network of which changes were told last
}

// playEvery is the time between two steps, by speed.
var playEvery = [...]time.Duration{400 * time.Millisecond, 200 * time.Millisecond, 100 * time.Millisecond, 50 * time.Millisecond, 25 * time.Millisecond}

type playMsg struct{ generation int }

// togglePlay starts the budget moving, from the least one where it is at the
// end, or stops it.
func (a *App) togglePlay() tea.Cmd {
	if a.play.on {
		a.stopPlay()
		return a.say("stopped at " + a.ms(a.limitMS) + " ms")
	}
	if a.evolving() {
		return a.warn("evolution is too slow to play: " + a.keyOf("optimizer") + " switches the optimiser")
	}
	a.record(true)
	a.history.moving = false
	a.play.on = true
	a.play.last = a.solution.Path.Clone()
	a.play.generation++
	var cmd tea.Cmd
	if a.limitMS >= a.engine.MaxLatencyMS() {
		cmd = a.setLimit(a.engine.MinLatencyMS())
	}
	a.say("playing: " + a.keyOf("play") + " stops, " + a.keyOf("play-faster") + " and " + a.keyOf("play-slower") + " change the speed")
	return tea.Batch(cmd, a.playTick())
}

func (a *App) stopPlay() {
	a.play.on = false
	a.play.generation++
}

func (a *App) playTick() tea.Cmd {
	return a.services.tick(playEvery[a.play.speed], playMsg{a.play.generation})
}

// played takes one step and says which decisions it changed.
func (a *App) played(msg playMsg) tea.Cmd {
	if !a.play.on || msg.generation != a.play.generation {
		a.dirty = false
		return nil
	}
	lo, hi := a.engine.MinLatencyMS(), a.engine.MaxLatencyMS()
	cmd := a.setLimit(a.limitMS + (hi-lo)/float64(a.steps()))
	a.tellPlayed()
	if a.limitMS >= hi {
		a.stopPlay()
		a.say("the end: no improvement above " + a.ms(hi) + " ms")
		return cmd
	}
	return tea.Batch(cmd, a.playTick())
}

// tellPlayed says which decisions have changed since it was said last. Under
// several limits the search has to have answered.
func (a *App) tellPlayed() {
	if !a.play.on || !a.hasSolution() || (a.limited() && !a.searchCurrent()) {
		return
	}
	if a.space().CheckPath(a.play.last) == nil {
		if text := changesText(a.space(), a.play.last, a.solution.Path); text != "" {
			a.say(a.ms(a.limitMS) + " ms: " + text)
		}
	}
	a.play.last = a.solution.Path.Clone()
}

func changeSpeed(n int) func(*App) tea.Cmd {
	return func(a *App) tea.Cmd {
		a.play.speed = min(max(a.play.speed+n, 0), len(playEvery)-1)
		return a.say(fmt.Sprintf("sweep speed %d of %d: %d steps a second", a.play.speed+1, len(playEvery), time.Second/playEvery[a.play.speed]))
	}
}

// changesText lists the decisions in which two networks differ, the first few
// of them.
func changesText(space *model.Space, before, after model.Path) string {
	const shown = 3
	var out []string
	more := 0
	for s := range space.Stages {
		for k := -1; k < space.MaxDepth; k++ {
			d := decision{s, -1}
			if k >= 0 {
				d.block = s*space.MaxDepth + k
			}
			was, is := d.of(space, before), d.of(space, after)
			switch {
			case was == is || (d.block >= 0 && before.Depth[s] != after.Depth[s] && (was == "off" || is == "off")):
				continue // a block that goes with the depth is not told twice
			case len(out) == shown:
				more++
			default:
				out = append(out, fmt.Sprintf("%s %s to %s", d.label(space), was, strings.TrimPrefix(is, "depth ")))
			}
		}
	}
	if more > 0 {
		out = append(out, fmt.Sprintf("%d more", more))
	}
	return strings.Join(out, ", ")
}
