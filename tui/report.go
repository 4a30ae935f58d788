package tui

import tea "charm.land/bubbletea/v2"

func (a *App) openReport() tea.Cmd { return nil }
func (a *App) openTour() tea.Cmd   { return nil }
