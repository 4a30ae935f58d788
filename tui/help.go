package tui

import tea "charm.land/bubbletea/v2"

// openHelp shows every action with its keys, from the key table.
func (a *App) openHelp() tea.Cmd {
	a.openActions("Help: every action and its keys", false)
	m := a.dialog.(*menu)
	m.Items = append([]item{{Label: "take the guided tour", Keys: a.keyOf("tour"), Choose: (*App).openTour}}, m.Items...)
	m.Settle()
	return nil
}

func (a *App) openPalette() tea.Cmd {
	a.openActions("Actions", true)
	return nil
}

// synonyms are words that actions are looked for by and that their help has not.
var synonyms = map[string]string{
	"copy-menu": "export save clipboard json file", "report": "export save html page share", "export": "onnx save int8", "inspect": "netron paste architecture", "block": "netron layers shapes params flops", "snapshot": "save bookmark",
	"theme": "color colour", "glyphs": "unicode font", "show-sweep": "heatmap", "lut": "hardware table gpu cpu phone", "method": "new train sample fit",
	"show-explain": "sensitivity", "budget-next": "pareto", "budget-previous": "pareto", "show-frontier": "pareto curve plot",
	"optimizer": "solver", "measure": "benchmark profile latency", "quit": "exit close", "zoom": "fullscreen maximize", "unpin-all": "reset",
	"show-limits": "constraints params flops memory", "palette": "commands search", "help": "keys shortcuts", "undo": "back revert", "budget-enter": "limit latency",
}

func (a *App) openActions(title string, palette bool) {
	m := &menu{Title: title, Typing: palette, Palette: palette}
	group := ""
	for i := range a.keys.bindings {
		b := &a.keys.bindings[i]
		if b.group != group {
			group = b.group
			m.Items = append(m.Items, item{Label: group, Head: true})
		}
		m.Items = append(m.Items, item{
			Label: b.help, Keys: keyLabel(b.keys, a.glyphSet()), Also: b.id + " " + synonyms[b.id],
			Choose: func(a *App) tea.Cmd {
				if !b.worksIn(a.focus) {
					a.setFocus(b.pane)
				}
				return a.run(b)
			},
		})
	}
	m.Settle()
	a.dialog = m
}
