package tui

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
	header   rect
	budget   rect // border included where it has one
	track    rect // one line: labels and slider
	status   rect
	boxed    bool            // the budget has a border
	panes    map[paneID]rect // those that are shown
	hints    rect
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
	l := layout{panes: map[paneID]rect{}}
	if w < minWidth || h < minHeight {
		l.tooSmall = true
		l.status = rect{0, min(1, h-1), w, max(0, h-1)}
		return l
	}
	l.header = rect{0, 0, w, 1}
	l.hints = rect{0, h - 1, w, 1}
	if w < mediumWidth || h < mediumHeight {
		l.track = rect{1, 1, w - 2, 1}
		l.status = rect{1, 2, w - 2, 2}
		l.budget = rect{0, 1, w, 3}
		l.panes[v.focus] = rect{0, 4, w, h - 5}
		return l
	}
	l.boxed = true
	l.budget = rect{0, 1, w, 4}
	l.track = rect{2, 2, w - 4, 1}
	l.status = rect{2, 3, w - 4, 1}
	body := rect{0, 5, w, h - 6}
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

func (l layout) medium(body rect, v view) layout {
	left := rect{body.x, body.y, body.w / 2, body.h}
	right := rect{left.w, body.y, body.w - left.w, body.h}
	if spare := left.h - architectureHeight; spare >= 6 {
		l.panes[paneArchitecture] = rect{left.x, left.y, left.w, architectureHeight}
		l.panes[paneWhy] = rect{left.x, left.y + architectureHeight, left.w, spare}
	} else {
		l.panes[paneArchitecture] = left
	}
	plot := right.h * 55 / 100
	l.panes[paneFrontier] = rect{right.x, right.y, right.w, plot}
	below := rect{right.x, right.y + plot, right.w, right.h - plot}
	slot := v.shared
	if l.panes[slot].shown() {
		slot = paneContributions
	}
	l.panes[slot] = below
	return l
}

func (l layout) wide(body rect, v view) layout {
	leftWidth := min(84, body.w*42/100)
	l.panes[paneArchitecture] = rect{body.x, body.y, leftWidth, architectureHeight}
	right := rect{leftWidth, body.y, body.w - leftWidth, body.h}
	plot := right.h - 23
	if plot < 20 {
		plot = right.h / 2
	}
	l.panes[paneFrontier] = rect{right.x, right.y, right.w, plot}
	half := right.w / 2
	l.panes[paneContributions] = rect{right.x, right.y + plot, half, right.h - plot}
	l.panes[paneWhy] = rect{right.x + half, right.y + plot, right.w - half, right.h - plot}
	slot := v.shared
	if l.panes[slot].shown() { // it has a place of its own
		slot = panePublished
	}
	l.panes[slot] = rect{body.x, body.y + architectureHeight, leftWidth, body.h - architectureHeight}
	return l
}
