package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"
)

func themeIndex(name string) int {
	return max(0, slices.IndexFunc(themes, func(t *theme) bool { return t.name == name }))
}

func glyphsIndex(name string) int {
	return max(0, slices.IndexFunc(glyphSets, func(g *glyphs) bool { return g.name == name }))
}

func (a *App) nextTheme() tea.Cmd {
	a.theme = (a.theme + 1) % len(themes)
	a.say("theme: " + themes[a.theme].name)
	return nil
}

func (a *App) nextGlyphs() tea.Cmd {
	a.glyphs = (a.glyphs + 1) % len(glyphSets)
	a.say("glyphs: " + glyphSets[a.glyphs].name)
	return nil
}

func (a *App) toggleMouse() tea.Cmd {
	a.mouseOff = !a.mouseOff
	if a.mouseOff {
		a.say("mouse off: the terminal selects text")
	} else {
		a.say("mouse on")
	}
	return nil
}

// nextOptimizer looks at the next optimiser's answer alone.
func (a *App) nextOptimizer() tea.Cmd {
	if !a.engine.Bilinear() {
		a.warn("a " + a.engine.Predictor.Kind() + " predictor is searched by evolution: BCFW and IQCP need a bilinear one")
		return nil
	}
	a.mode = (a.mode + 1) % modeCount
	a.say("optimiser: " + modeNames[a.mode])
	return a.solve()
}

func (a *App) quit() tea.Cmd {
	a.finished = true
	a.cancelWork()
	return tea.Quit
}
