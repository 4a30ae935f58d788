package tui

import "github.com/binas-tui/binas-tui/tui/cell"

// Sizes at which the layout changes.
const (
	minWidth, minHeight       = 60, 16
	mediumWidth, mediumHeight = 104, 30
	wideWidth, wideHeight     = 160, 48
)

// layout is where everything is for one size of the terminal: rectangles and
// nothing else.
type layout struct {
	tooSmall bool
	header   cell.Rect
	budget   cell.Rect // border included where it has one
	track    cell.Rect // one line: labels and slider
	status   cell.Rect
	boxed    bool                 // the budget has a border
	panes    map[paneID]cell.Rect // those that are shown
	hints    cell.Rect
}

// view is what the user looks at: the focused pane, the one that was last called
// into the slot that several share, and whether the focused one is zoomed.
type view struct {
	focus, shared paneID
	zoomed        bool
}

// newLayout places the panes. Zoomed, or in a narrow terminal, the focused pane
// is shown alone; else every size has panes with a place of their own and a slot
// for one of the others.
func newLayout(w, h int, v view) layout {
	l := layout{panes: map[paneID]cell.Rect{}}
	if w < minWidth || h < minHeight {
		l.tooSmall = true
		l.status = cell.At(0, min(1, h-1), w, max(0, h-1))
		return l
	}
	l.header = cell.At(0, 0, w, 1)
	l.hints = cell.At(0, h-1, w, 1)
	if w < mediumWidth || h < mediumHeight {
		l.track = cell.At(1, 1, w-2, 1)
		l.status = cell.At(1, 2, w-2, 2)
		l.budget = cell.At(0, 1, w, 3)
		l.panes[v.focus] = cell.At(0, 4, w, h-5)
		return l
	}
	l.boxed = true
	l.budget = cell.At(0, 1, w, 4)
	l.track = cell.At(2, 2, w-4, 1)
	l.status = cell.At(2, 3, w-4, 1)
	body := cell.At(0, 5, w, h-6)
	if v.zoomed {
		l.panes[v.focus] = body
		return l
	}
	if w >= wideWidth && h >= wideHeight {
		return l.wide(body, v)
	}
	return l.medium(body, v)
}

// architectureHeight is what a whole network of the deepest kind needs: five stage
// lines, twenty blocks, the fixed part, and the border.
const architectureHeight = 28

func (l layout) medium(body cell.Rect, v view) layout {
	left := cell.At(body.X, body.Y, body.W/2, body.H)
	right := cell.At(left.W, body.Y, body.W-left.W, body.H)
	if spare := left.H - architectureHeight; spare >= 6 {
		l.panes[paneArchitecture] = cell.At(left.X, left.Y, left.W, architectureHeight)
		l.panes[paneWhy] = cell.At(left.X, left.Y+architectureHeight, left.W, spare)
	} else {
		l.panes[paneArchitecture] = left
	}
	plot := right.H * 55 / 100
	l.panes[paneFrontier] = cell.At(right.X, right.Y, right.W, plot)
	below := cell.At(right.X, right.Y+plot, right.W, right.H-plot)
	slot := v.shared
	if l.panes[slot].Shown() {
		slot = paneContributions
	}
	l.panes[slot] = below
	return l
}

func (l layout) wide(body cell.Rect, v view) layout {
	leftWidth := min(84, body.W*42/100)
	l.panes[paneArchitecture] = cell.At(body.X, body.Y, leftWidth, architectureHeight)
	right := cell.At(leftWidth, body.Y, body.W-leftWidth, body.H)
	plot := right.H - 23
	if plot < 20 {
		plot = right.H / 2
	}
	l.panes[paneFrontier] = cell.At(right.X, right.Y, right.W, plot)
	half := right.W / 2
	l.panes[paneContributions] = cell.At(right.X, right.Y+plot, half, right.H-plot)
	l.panes[paneWhy] = cell.At(right.X+half, right.Y+plot, right.W-half, right.H-plot)
	slot := v.shared
	if l.panes[slot].Shown() { // it has a place of its own
		slot = panePublished
	}
	l.panes[slot] = cell.At(body.X, body.Y+architectureHeight, leftWidth, body.H-architectureHeight)
	return l
}
