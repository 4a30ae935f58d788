package tui

import (
	"slices"

	"github.com/binas-tui/binas-tui/tui/cell"
)

// Sizes at which the layout changes.
const (
	minWidth, minHeight       = 60, 16
	pairWidth, pairHeight     = 76, 22
	mediumWidth, mediumHeight = 104, 30
	wideWidth, wideHeight     = 160, 48
	largeWidth, largeHeight   = 190, 58
	hugeWidth, hugeHeight     = 250, 70
)

// layout is where everything is for one size of the terminal: rectangles and
// nothing else.
type layout struct {
	tooSmall bool
	header   cell.Rect
	track    cell.Rect            // one line: labels and slider
	status   cell.Rect            // what the budget buys
	strip    cell.Rect            // the names of the panes
	panes    map[paneID]cell.Rect // those that are shown
	hints    cell.Rect
}

// view is what the user looks at: the focused pane, the one that was last called
// into the slot that several share, and whether the focused one is zoomed.
type view struct {
	focus, shared paneID
	zoomed        bool
}

// newLayout places the panes. Zoomed, or in a small terminal, the focused pane is
// shown alone, the plot and the architecture beside each other; else every size has
// panes with a place of their own and a slot for one of the others.
func newLayout(w, h int, v view) layout {
	l := layout{panes: map[paneID]cell.Rect{}}
	if w < minWidth || h < minHeight {
		l.tooSmall = true
		l.status = cell.At(0, min(1, h-1), w, max(0, h-1))
		return l
	}
	l.header = cell.At(0, 0, w, 1)
	l.track = cell.At(1, 1, w-2, 1)
	l.status = cell.At(1, 2, w-2, 2)
	l.strip = cell.At(1, 4, w-2, 1)
	l.hints = cell.At(0, h-1, w, 1)
	body := cell.At(0, 5, w, h-6)
	atLeast := func(width, height int) bool { return w >= width && h >= height }
	switch {
	case v.zoomed:
		l.panes[v.focus] = body
	case atLeast(hugeWidth, hugeHeight):
		l.huge(body, v)
	case atLeast(largeWidth, largeHeight):
		l.large(body, v)
	case atLeast(wideWidth, wideHeight):
		l.wide(body, v)
	case atLeast(mediumWidth, mediumHeight):
		l.medium(body, v)
	case atLeast(pairWidth, pairHeight) && (v.focus == paneArchitecture || v.focus == paneFrontier):
		left, right := columns(body, w*48/100)
		l.panes[paneArchitecture], l.panes[paneFrontier] = left, right
	default:
		l.panes[v.focus] = body
	}
	return l
}

// Heights that hold all of a pane, its border included.
const (
	architectureHeight = 28 // five stage lines, twenty blocks, the fixed part
	sweepHeight        = 32
	publishedHeight    = 15
	explainHeight      = 39
	whyHeight          = 14
)

// columns divides a rectangle into a left part of a width and the rest.
func columns(r cell.Rect, width int) (left, right cell.Rect) {
	return cell.At(r.X, r.Y, width, r.H), cell.At(r.X+width, r.Y, r.W-width, r.H)
}

// place is a pane and how many lines it has.
type place struct {
	id paneID
	h  int
}

// stack puts panes below each other; last has what is left of the column.
func (l *layout) stack(column cell.Rect, last paneID, above ...place) {
	for _, p := range above {
		l.panes[p.id] = cell.At(column.X, column.Y, column.W, p.h)
		column = column.Below(p.h)
	}
	l.panes[last] = column
}

// slot is the pane in the place that several share: usual where the one called into
// it has a place of its own among these.
func slot(v view, usual paneID, others ...paneID) paneID {
	if v.shared == paneArchitecture || v.shared == paneFrontier || slices.Contains(others, v.shared) {
		return usual
	}
	return v.shared
}

func (l *layout) medium(body cell.Rect, v view) {
	left, right := columns(body, min(56, body.W*45/100))
	plot := place{paneFrontier, right.H * 55 / 100}
	if spare := left.H - architectureHeight; spare >= 6 {
		l.stack(left, paneWhy, place{paneArchitecture, architectureHeight})
		l.stack(right, slot(v, paneContributions, paneWhy), plot)
		return
	}
	l.stack(left, paneArchitecture)
	l.stack(right, slot(v, paneContributions), plot)
}

func (l *layout) wide(body cell.Rect, v view) {
	left, right := columns(body, 60)
	l.stack(left, slot(v, panePublished, paneContributions, paneWhy), place{paneArchitecture, architectureHeight})
	below := right.Below(right.H / 2)
	l.panes[paneFrontier] = cell.At(right.X, right.Y, right.W, right.H/2)
	l.panes[paneContributions], l.panes[paneWhy] = columns(below, below.W/2)
}

func (l *layout) large(body cell.Rect, v view) {
	left, right := columns(body, 60)
	l.stack(left, paneWhy, place{paneArchitecture, architectureHeight}, place{slot(v, panePublished, paneContributions, paneWhy, paneSweep), publishedHeight})
	l.plotAndSweep(right)
}

// plotAndSweep puts the plot over the sweep and the contributions.
func (l *layout) plotAndSweep(r cell.Rect) {
	plot := r.H - sweepHeight
	l.panes[paneFrontier] = cell.At(r.X, r.Y, r.W, plot)
	l.panes[paneSweep], l.panes[paneContributions] = columns(r.Below(plot), r.W-58)
}

func (l *layout) huge(body cell.Rect, v view) {
	left, rest := columns(body, 60)
	middle, right := columns(rest, rest.W-84)
	l.stack(left, slot(v, paneLimits, paneContributions, paneWhy, paneSweep, panePublished, paneExplain, paneFit),
		place{paneArchitecture, architectureHeight}, place{paneWhy, whyHeight}, place{panePublished, publishedHeight})
	l.plotAndSweep(middle)
	l.stack(right, paneFit, place{paneExplain, explainHeight})
}
