package tui

import (
	"os"
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/binas-tui/binas-tui/tui/cell"
)

func themeIndex(name string) int {
	return max(0, slices.IndexFunc(cell.Themes, func(t *cell.Theme) bool { return t.Name == name }))
}

// noColour reports that the user wants none (https://no-color.org).
func noColour() bool { return os.Getenv("NO_COLOR") != "" }

func glyphsIndex(name string) int {
	return max(0, slices.IndexFunc(cell.GlyphSets, func(g *cell.Glyphs) bool { return g.Name == name }))
}

func (a *App) nextTheme() tea.Cmd {
	a.record(false)
	a.theme, a.themeChosen = (a.theme+1)%len(cell.Themes), true
	return a.say("theme: " + cell.Themes[a.theme].Name)
}

// fitTheme takes the theme that can be read on the terminal's background, where the
// user has chosen none.
func (a *App) fitTheme(dark bool) {
	if a.themeChosen || noColour() || a.fewColours {
		return
	}
	a.theme = themeIndex("light")
	if dark {
		a.theme = themeIndex("dark")
	}
}

// fitColours takes the theme for a terminal of 16 colours, where it has no more and the
// user has chosen none.
func (a *App) fitColours(p colorprofile.Profile) {
	if a.fewColours = p <= colorprofile.ANSI; a.fewColours && !a.themeChosen && !noColour() {
		a.theme = themeIndex("16-colour")
	}
}

// backgroundByEnvironment is what COLORFGBG says of the terminal's background, until
// the terminal itself does.
func backgroundByEnvironment() (dark, known bool) {
	colours := os.Getenv("COLORFGBG")
	last := strings.LastIndex(colours, ";")
	n, err := strconv.Atoi(colours[last+1:])
	return n < 7 || n == 8, last >= 0 && err == nil && n >= 0 && n < 16
}

func (a *App) nextGlyphs() tea.Cmd {
	a.record(false)
	a.glyphs = (a.glyphs + 1) % len(cell.GlyphSets)
	return a.say("glyphs: " + a.glyphSet().Name)
}

func (a *App) toggleMouse() tea.Cmd {
	a.record(false)
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
	if a.limited() {
		return a.say("under several limits the exact search answers")
	}
	if a.quadratic() {
		a.record(false)
		if a.mode == modeIQCP {
			a.mode = modeEvolution
		} else {
			a.mode = modeIQCP
		}
		a.say("optimiser: " + modeNames[a.mode])
		return a.solve()
	}
	if !a.engine.Bilinear() {
		return a.warn("a " + a.engine.Predictor.Kind() + " predictor is searched by evolution: BCFW and IQCP need a bilinear one")
	}
	a.record(false)
	a.mode = (a.mode + 1) % modeCount
	a.say("optimiser: " + modeNames[a.mode])
	return a.solve()
}

// quit ends the explorer; while a job is running it asks first, once.
func (a *App) quit() tea.Cmd {
	if j, running := a.runningJob(); running && !a.askedToQuit {
		a.askedToQuit = true
		return a.Open(&menu{Title: j.Name + " is still running", Hint: quitHint(a.isMethod(j.Name)), Items: []item{
			{Label: "go on"},
			{Label: "quit", Detail: "it resumes when it is started again", Choose: func(a *App) tea.Cmd { return tea.Quit }},
		}})
	}
	return tea.Quit
}

// quitHint says what becomes of a running job.
func quitHint(method bool) string {
	if method {
		return "its last whole step is kept"
	}
	return "what it has measured is kept"
}
