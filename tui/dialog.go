package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/tui/form"
)

// What is opened over the panes.
type (
	dialog   = form.Dialog[*App]
	keysOnly = form.KeysOnly[*App]
	hint     = form.Hint
	menu     = form.Menu[*App]
	item     = form.Item[*App]
	entry    = form.Entry[*App]
	baseForm = form.Form[*App]
	formRow  = form.Row[*App]
)

// formed are the dialogs that are forms.
type formed interface {
	dialog
	Base() *baseForm
}

// Size is that of the screen, in cells.
func (a *App) Size() (w, h int) { return a.width, a.height }

// Arrows are the signs of the keys that change a value.
func (a *App) Arrows() string { return a.glyphSet().Arrows }

// Opened is the dialog that is open.
func (a *App) Opened() dialog { return a.dialog }

// Open shows a dialog, which an action can end with.
func (a *App) Open(d dialog) tea.Cmd {
	a.dialog = d
	return nil
}

// Nest makes a dialog the one that leaving what is open goes back to.
func (a *App) Nest(parent dialog) {
	if a.dialog != nil {
		a.parents = append(a.parents, parent)
	}
}

// Close takes the dialog off the screen.
func (a *App) Close() { a.dialog = nil }

// Leave goes back to the dialog that this one was opened from, where there is one.
func (a *App) Leave() {
	a.Close()
	if n := len(a.parents); n > 0 {
		a.dialog, a.parents = a.parents[n-1], a.parents[:n-1]
	}
}

// openLater opens a dialog that nobody has asked for just now: what is open is not
// covered, nothing is lost.
func (a *App) openLater(d dialog) { a.waiting = append(a.waiting, d) }

// openWaiting opens what waits, where nothing is open.
func (a *App) openWaiting() {
	if a.dialog == nil && len(a.waiting) > 0 && !a.tour.on {
		a.dialog, a.waiting = a.waiting[0], a.waiting[1:]
	}
}
