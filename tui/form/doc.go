// Package form has what the explorer opens over its panes to be asked or told
// something: menus, forms and entries. It knows no explorer: what they change is a
// Host's, which their callbacks are given.
package form

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/tui/cell"
)

// Host is what dialogs are open in.
type Host[H any] interface {
	Size() (w, h int)         // of the screen, in cells
	Arrows() string           // the signs of the keys that change a value
	Opened() Dialog[H]        // nil is none
	Open(d Dialog[H]) tea.Cmd // in place of what is open; the command is nil
	Nest(parent Dialog[H])    // which leaving what is open goes back to
	Leave()                   // closes what is open
	Close()                   // closes it, and what it was opened from
}

// Dialog is what is drawn over the panes and takes all keys while it is open.
type Dialog[H any] interface {
	Key(H, tea.KeyPressMsg) tea.Cmd
	Paste(H, string) tea.Cmd
	Mouse(H, tea.MouseMsg) tea.Cmd
	Hints(H) []Hint
	Draw(H, *cell.Screen)
}

// KeysOnly is a dialog that takes no pasted text, and the mouse on its hints alone.
type KeysOnly[H any] struct{}

// Paste does nothing.
func (KeysOnly[H]) Paste(H, string) tea.Cmd { return nil }

// Mouse does nothing.
func (KeysOnly[H]) Mouse(H, tea.MouseMsg) tea.Cmd { return nil }

// Hint is a key and what it does now.
type Hint struct{ Key, Label string }

// HintLine writes hints for the inside of a dialog.
func HintLine(hints []Hint) string {
	var out []string
	for _, h := range hints {
		out = append(out, h.Key+": "+h.Label)
	}
	return strings.Join(out, "   ")
}

// RowKey is how far a key moves in a list of n rows of which page are shown; 0 is
// not at all. Letters move where they are not typed.
func RowKey(name string, n, page int, letters bool) int {
	switch name {
	case "up":
		return -1
	case "down":
		return 1
	case "pgup":
		return -max(1, page-1)
	case "pgdown":
		return max(1, page-1)
	case "home":
		return -n
	case "end":
		return n
	}
	if at := strings.Index("kjgG", name); letters && len(name) == 1 && at >= 0 {
		return RowKey([]string{"up", "down", "home", "end"}[at], n, page, false)
	}
	return 0
}

// WheelStep is how far the wheel moves a cursor.
func WheelStep(e tea.MouseWheelMsg) int {
	switch e.Button {
	case tea.MouseWheelUp:
		return -1
	case tea.MouseWheelDown:
		return 1
	}
	return 0
}
