package tui

import tea "charm.land/bubbletea/v2"

// paneID names a part of the screen that can have the focus.
type paneID int

// The order is that of tab, and what State.Pane counts.
const (
	paneArchitecture paneID = iota
	paneFrontier
	paneContributions
	paneWhy
	panePublished
	paneSweep
	paneCompare
	paneJobs
	paneLimits
	paneExplain
	paneBest
	paneFit
	paneCount
)

// paneSpec is what the rest of the explorer knows of a pane. A new pane is a
// file with these functions and a line in the table below.
type paneSpec struct {
	name  string // one word: in the plain mode and in the report
	title string // on the border; heading replaces it where it is set
	about string // the question it answers

	heading func(*App) string
	draw    func(*App, *screen, rect)
	move    func(a *App, n int)                         // the cursor, down
	click   func(a *App, inside rect, x, y int) tea.Cmd // x and y count from the inside
}

// panes is filled by init: its functions refer to it.
var panes [paneCount]paneSpec

func init() {
	panes = [paneCount]paneSpec{
		paneArchitecture: {
			name: "architecture", title: "Architecture", about: "what is the network, where do its time and its accuracy come from?",
			draw: (*App).drawArchitecture, move: (*App).moveArchitecture, click: (*App).clickArchitecture,
		},
		paneFrontier: {
			name: "frontier", title: "Accuracy over latency", about: "where is the budget on the frontier?",
			heading: (*App).frontierTitle, draw: (*App).drawFrontier, move: func(a *App, n int) { a.moveHairline(-n) }, click: (*App).clickFrontier,
		},
		paneContributions: {
			name: "contributions", title: "Contributions", about: "which kind of decision pays, stage by stage?",
			heading: func(a *App) string { return "Contributions, by " + contributionSortNames[a.contrib.sort] },
			draw:    (*App).drawContributions, move: func(a *App, n int) { a.contrib.row += n }, click: (*App).clickContributions,
		},
		paneWhy: {
			name: "why", title: "Why", about: "why this choice and not another, at this price?",
			heading: (*App).whyTitle, draw: (*App).drawWhy, move: func(a *App, n int) { a.whyRow += n }, click: (*App).clickWhy,
		},
		panePublished: {
			name: "published", title: "Published networks", about: "how do published networks compare on this device?",
			draw: (*App).drawPublished, move: func(a *App, n int) { a.pubRow += n }, click: (*App).clickPublished,
		},
		paneSweep: {
			name: "sweep", title: "Sweep", about: "over all budgets, which decision switches where?",
			heading: (*App).sweepTitle, draw: (*App).drawSweep, move: func(a *App, n int) { a.sweep.row += n }, click: (*App).clickSweep,
		},
		paneCompare: {
			name: "compare", title: "Compare", about: "what differs from a snapshot, a published network, another device's best?",
			heading: (*App).compareTitle, draw: (*App).drawCompare, move: func(a *App, n int) { a.compareRow += n }, click: (*App).clickCompare,
		},
		paneJobs: {
			name: "jobs", title: "Jobs", about: "what is running, how far, what did it find?",
			draw: (*App).drawJobs, move: func(a *App, n int) { a.jobRow += n }, click: (*App).clickJobs,
		},
		paneLimits: {
			name: "limits", title: "Limits", about: "which limit holds the network back, and what is it worth to raise it?",
			draw: (*App).drawLimits, move: func(a *App, n int) { a.limitRow += n }, click: (*App).clickLimits,
		},
		paneExplain: {
			name: "explain", title: "Explain", about: "what would every other choice gain or cost, and where does the space pay?",
			draw: (*App).drawExplain, move: func(a *App, n int) { a.explain.row += n }, click: (*App).clickExplain,
		},
		paneBest: {
			name: "best", title: "Best networks", about: "which networks come next, and in what do they differ?",
			draw: (*App).drawBest, move: func(a *App, n int) { a.bestRow += n }, click: (*App).clickBest,
		},
		paneFit: {
			name: "fit", title: "Fit", about: "how well does the predictor predict networks it was not fitted on?",
			draw: (*App).drawFit, move: func(*App, int) {}, click: func(*App, rect, int, int) tea.Cmd { return nil },
		},
	}
}

// paneTitle is the title of a pane's border.
func (a *App) paneTitle(id paneID) string {
	if h := panes[id].heading; h != nil {
		return h(a)
	}
	return panes[id].title
}

// drawPane draws a pane with its border and the mark that zooms it.
func (a *App) drawPane(s *screen, id paneID) {
	r := a.layout.panes[id]
	if !r.shown() {
		return
	}
	focused := a.focus == id && a.dialog == nil
	inside := s.box(r, a.paneTitle(id), focused)
	if mark := zoomMark(r); mark.shown() {
		st, text := s.theme.border, "[+]"
		if focused {
			st = s.theme.borderFocus
		}
		if a.zoomed {
			text = "[-]"
		}
		s.text(mark.x, mark.y, mark.w, st, text)
	}
	panes[id].draw(a, s, inside)
}

// zoomMark is where a click zooms a pane: on its upper border, at the right.
func zoomMark(r rect) rect {
	if r.w < 24 {
		return rect{}
	}
	return rect{r.x + r.w - 5, r.y, 3, 1}
}

// moveCursor moves the row under the cursor of a pane; in the plot, the
// hairline.
func (a *App) moveCursor(id paneID, n int) {
	panes[id].move(a, n)
	a.clampCursors()
}

func cursorStep(n int) func(*App) tea.Cmd {
	return func(a *App) tea.Cmd {
		a.moveCursor(a.focus, n)
		return nil
	}
}

func (a *App) clampCursors() {
	clamp := func(row *int, rows int) { *row = min(max(*row, 0), max(rows-1, 0)) }
	clamp(&a.archRow, len(a.archRows()))
	clamp(&a.whyRow, a.alternativeCount())
	clamp(&a.pubRow, len(a.publishedRows()))
	clamp(&a.contrib.row, len(a.effects))
	clamp(&a.sweep.row, a.sweepRows())
	clamp(&a.compareRow, len(a.differences()))
	clamp(&a.jobRow, len(a.jobs))
	clamp(&a.limitRow, 1+len(a.setup.Limits))
	clamp(&a.explain.row, a.sweepRows())
	clamp(&a.bestRow, len(a.search.found.Top))
}

func focusStep(n int) func(*App) tea.Cmd {
	return func(a *App) tea.Cmd {
		a.setFocus((a.focus + paneID(n) + paneCount) % paneCount)
		return nil
	}
}

// focusOn is the action that shows a pane.
func focusOn(id paneID) func(*App) tea.Cmd {
	return func(a *App) tea.Cmd {
		a.setFocus(id)
		return nil
	}
}

func (a *App) setFocus(id paneID) {
	a.focus = id
	if a.relayout(); id > paneFrontier && (!a.layout.panes[id].shown() || a.zoomed) {
		a.shared = id
		a.relayout()
	}
}

// toggleZoom gives the focused pane the whole body of the screen, or its place
// back.
func (a *App) toggleZoom() tea.Cmd {
	a.zoomed = !a.zoomed
	a.relayout()
	return nil
}

// back leaves the zoom.
func (a *App) back() tea.Cmd {
	if a.zoomed {
		return a.toggleZoom()
	}
	return nil
}

func (a *App) clickArchitecture(inside rect, _, y int) tea.Cmd {
	rows := len(a.archRows())
	a.archRow = scrollTop(a.archRow, rows+1, inside.h-a.accuracyLines(inside)) + y
	a.whyRow = 0
	return nil
}

func (a *App) moveArchitecture(n int) {
	a.archRow += n
	a.whyRow = 0
}

func (a *App) clickFrontier(inside rect, x, _ int) tea.Cmd {
	limit, ok := a.plotLimit(inside, inside.x+x)
	if !ok {
		return nil
	}
	a.dragging = false
	a.record(true)
	return a.setLimit(limit)
}

func (a *App) clickContributions(inside rect, _, y int) tea.Cmd {
	if y == 0 {
		return a.nextSort()
	}
	a.contrib.row = y - 1 + scrollTop(a.contrib.row, len(a.effects), inside.h-1)
	return nil
}

func (a *App) clickWhy(inside rect, _, y int) tea.Cmd {
	a.whyRow = y - whyHeaderLines + a.whyTop(inside.h)
	return nil
}

func (a *App) clickPublished(inside rect, _, y int) tea.Cmd {
	a.pubRow = y - 1 + scrollTop(a.pubRow, len(a.publishedRows()), inside.h-1)
	return nil
}
