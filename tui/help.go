package tui

import tea "charm.land/bubbletea/v2"

// openHelp shows every action with its keys, from the key table.
func (a *App) openHelp() tea.Cmd {
	a.openActions("Help: every action and its keys", "/: search   enter: run it   esc: cancel", false)
	m := a.dialog.(*menu)
	m.items = append([]item{{label: "take the guided tour", keys: a.keyOf("tour"), choose: (*App).openTour}}, m.items...)
	m.settle()
	return nil
}

// openPalette finds an action by name.
func (a *App) openPalette() tea.Cmd {
	a.openActions("Actions", "", true)
	return nil
}

func (a *App) openActions(title, hint string, typing bool) {
	m := &menu{title: title, hint: hint, typing: typing}
	group := ""
	for i := range a.keys.bindings {
		b := &a.keys.bindings[i]
		if b.group != group {
			group = b.group
			m.items = append(m.items, item{label: group, head: true})
		}
		m.items = append(m.items, item{
			label: b.help, keys: keyLabel(b.keys, a.glyphSet()),
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
