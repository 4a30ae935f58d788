package tui

import tea "charm.land/bubbletea/v2"

// openHelp shows every action with its keys, from the key table.
func (a *App) openHelp() tea.Cmd {
	a.openActions("Help: every action and its keys", false)
	m := a.dialog.(*menu)
	m.items = append([]item{{label: "take the guided tour", keys: a.keyOf("tour"), choose: (*App).openTour}}, m.items...)
	m.settle()
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
	m := &menu{title: title, typing: palette, palette: palette}
	group := ""
	for i := range a.keys.bindings {
		b := &a.keys.bindings[i]
		if b.group != group {
			group = b.group
			m.items = append(m.items, item{label: group, head: true})
		}
		m.items = append(m.items, item{
			label: b.help, keys: keyLabel(b.keys, a.glyphSet()), also: b.id + " " + synonyms[b.id],
			choose: func(a *App) tea.Cmd {
				if !b.worksIn(a.focus) {
					a.setFocus(b.pane)
				}
				return a.run(b)
			},
		})
	}
	m.settle()
	a.dialog = m
}
