package tui

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/atotto/clipboard"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/tui/form"
)

// copyText puts text on the clipboard: through the native tool where there is
// one and the session is local, and through the terminal (OSC 52) always. Only
// the native tool says whether it worked, and the message says no more.
func copyText(text, what string) tea.Cmd {
	return tea.Batch(tea.SetClipboard(text), guard(func() tea.Msg {
		remote := os.Getenv("SSH_TTY") != "" || os.Getenv("SSH_CONNECTION") != ""
		if !remote && !clipboard.Unsupported && clipboard.WriteAll(text) == nil {
			return copiedMsg{what + " copied"}
		}
		return copiedMsg{what + " sent to the terminal's clipboard (OSC 52)"}
	}))
}

func (a *App) copyArchitecture() tea.Cmd {
	if !a.hasSolution() {
		return a.warn("no network to copy")
	}
	return a.services.copy(a.space().Architecture(a.solution.Path).String(), "architecture string")
}

func (a *App) openCopyMenu() tea.Cmd {
	if !a.hasSolution() {
		return a.warn("no network to copy")
	}
	return a.Open(&menu{Title: "Copy", Items: []item{
		{Label: "architecture string", Detail: "as BINAS and timm read it", Choose: (*App).copyArchitecture},
		{Label: "JSON", Detail: "what search --json prints", Choose: (*App).copyJSON},
		{Label: "command line", Detail: "that finds this network again", Choose: (*App).copyCommand},
		{Label: "timm model definition", Detail: "Python: arch_def and the model", Choose: (*App).copyDefinition},
		{Label: "save the JSON to a file" + a.glyphSet().Ellipsis, Choose: (*App).saveJSON},
		{Label: "save the timm definition to a file" + a.glyphSet().Ellipsis, Choose: (*App).saveDefinition},
		{Label: "ONNX file" + a.glyphSet().Ellipsis, Detail: "with trained or random weights", Choose: func(a *App) tea.Cmd { return a.openStep(steps.Export) }},
	}})
}

// resultJSON is what search --json prints.
func (a *App) resultJSON() ([]byte, error) {
	f := explore.SearchResult{Solution: a.solution, SolveTime: a.solveTime(), Limits: a.limitRows()}
	if a.searches() {
		f.SolveTime = a.search.found.SolveTime
	}
	return json.MarshalIndent(explore.NewReport(a.engine, f), "", "  ")
}

func (a *App) copyJSON() tea.Cmd {
	text, err := a.resultJSON()
	if err != nil {
		return a.warn(err.Error())
	}
	return a.services.copy(string(text), "JSON")
}

func (a *App) copyCommand() tea.Cmd { return a.services.copy(a.commandLine(), "command line") }

// commandLine is the command that finds the network shown again.
func (a *App) commandLine() string {
	return "binas-tui search --limit " + explore.Limit{Cap: a.limitMS}.CapText() + a.sourceFlags() + " --nas-optimizer " + string(a.solution.Optimizer)
}

// sourceFlags are the flags that choose what is explored, the limits beside the
// budget and the pins.
func (a *App) sourceFlags() string {
	e := a.engine
	flags := ""
	if p, err := explore.FindProfile(e.Profile); err == nil && p.Name != explore.Profiles()[0].Name {
		flags = " --profile " + phrase.ShellWord(sanitize.Line(e.Profile))
	}
	flags += fmt.Sprintf(" --lut %s --predictor %s", phrase.ShellWord(sanitize.Line(e.LUTName)), phrase.ShellWord(sanitize.Line(e.PredictorName)))
	if e.Inactive != 0 {
		flags += " --inactive-blocks " + e.Inactive.String()
	}
	for _, l := range e.Limits {
		if l.LUT != nil {
			flags += " --limit-on " + phrase.ShellWord(sanitize.Line(l.LUTName)) + "=" + l.CapText()
		} else {
			flags += " --max-" + l.Name() + " " + l.CapText()
		}
	}
	for _, p := range e.PinTexts() {
		flags += " --pin " + p
	}
	return flags
}

func (a *App) saveJSON() tea.Cmd {
	return a.saveText("Save JSON", "binas.json", func() ([]byte, error) {
		text, err := a.resultJSON()
		return append(text, '\n'), err
	})
}

func (a *App) saveDefinition() tea.Cmd {
	return a.saveText("Save the timm definition", "binas_network.py", func() ([]byte, error) { return []byte(a.definition()), nil })
}

// saveText asks for a file; it never replaces one.
func (a *App) saveText(title, name string, text func() ([]byte, error)) tea.Cmd {
	return a.Open(form.NewEntry(title, "file: ", name, func(a *App, name string) (tea.Cmd, error) {
		data, err := text()
		if err != nil {
			return nil, err
		}
		name = expandHome(name)
		return guard(func() tea.Msg {
			if err := createFile(name, data); err != nil {
				return failedMsg{"not saved: " + err.Error()}
			}
			return copiedMsg{"saved " + name}
		}), nil
	}))
}
