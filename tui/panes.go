package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"
)

// paneID names a pane: in the state file, in the plain mode and in texts.
type paneID string

// pane is a part of the screen that can have the focus. It holds what nobody else
// needs, such as the row under its cursor, and shows what App holds. A new pane is
// a file with such a type and a line in newPanes.
type pane interface {
	info() *card
	title(*App) string                      // on the border
	rows(a *App, r rect) rows               // that its cursor moves over
	draw(a *App, s *screen, r rect)         // changes nothing
	move(a *App, n int)                     // the cursor, down
	click(a *App, r rect, x, y int) tea.Cmd // once the row there is selected; x and y count from the inside
	keys() []action                         // that work in it alone
}

// preparer is a pane that computes something once and draws it often. It does so
// before it is drawn; what is drawn is the same without.
type preparer interface{ prepare(a *App, r rect) }

// card is what the rest of the explorer knows of a pane, with methods for panes
// that need nothing special.
type card struct {
	id        paneID
	name      string // on the border
	question  string // that it answers
	key, help string // goes to it; "" is none
	row       int    // under the cursor
}

func (c *card) info() *card                        { return c }
func (c *card) title(*App) string                  { return c.name }
func (c *card) rows(*App, rect) rows               { return rows{} }
func (c *card) move(_ *App, n int)                 { c.row += n }
func (c *card) click(*App, rect, int, int) tea.Cmd { return nil }
func (c *card) keys() []action                     { return nil }

// rows are the lines of a pane that its cursor moves over.
type rows struct {
	n     int  // lines that the cursor can be on
	below int  // lines after them that scroll with them
	at    rect // where they are shown
}

// top is the first line shown so that the cursor is in view.
func (r rows) top(cursor int) int { return scrollTop(cursor, r.n+r.below, r.at.h) }

// draw draws the rows that there is room for around the cursor; that under it is
// set off where selected is its number.
func (r rows) draw(s *screen, cursor, selected int, row func(i int, l listRow)) {
	top := r.top(cursor)
	for i := range min(r.at.h, r.n+r.below-top) {
		l := listRow{s, rect{r.at.x, r.at.y + i, r.at.w, 1}, top+i == selected}
		s.row(l.r, l.r.y, l.selected, s.theme.text, "")
		row(top+i, l)
	}
}

// drawRows draws the rows of a pane, and the cursor where it has the focus.
func (c *card) drawRows(a *App, s *screen, r rows, row func(i int, l listRow)) {
	selected := -1
	if a.focus == c.id {
		selected = c.row
	}
	r.draw(s, c.row, selected, row)
}

// listRow is a row while it is drawn. Columns count from its left end, where the mark
// of the cursor is.
type listRow struct {
	s        *screen
	r        rect
	selected bool
}

func (l listRow) style(st uv.Style) uv.Style { return over(l.selected, st, l.s.theme) }

func (l listRow) text(x, w int, st uv.Style, text string) int {
	return l.s.text(l.r.x+x, l.r.y, min(w, l.r.w-x), l.style(st), text)
}

func (l listRow) right(x, w int, st uv.Style, text string) {
	l.s.right(l.r.x+x, l.r.y, w, l.style(st), text)
}

func (l listRow) bar(x, w int, st uv.Style, value, full float64) {
	l.s.bar(l.r.x+x, l.r.y, min(w, l.r.w-x), l.style(st), value, full)
}

// panes are all panes; those with a name are looked at from elsewhere too.
type panes struct {
	architecture  *architecturePane
	frontier      *frontierPane
	contributions *contributionsPane
	why           *whyPane
	published     *publishedPane
	jobs          *jobsPane
	limits        *limitsPane
	inOrder       []pane // of tab
}

func newPanes() panes {
	p := panes{
		architecture: newArchitecturePane(), frontier: newFrontierPane(), contributions: newContributionsPane(), why: newWhyPane(),
		published: newPublishedPane(), jobs: newJobsPane(), limits: newLimitsPane(),
	}
	p.inOrder = []pane{
		p.architecture,
		p.frontier,
		p.contributions,
		p.why,
		p.published,
		newSweepPane(),
		newComparePane(),
		p.jobs,
		p.limits,
		newExplainPane(),
		newBestPane(),
		newFitPane(),
	}
	return p
}

// index is the place of a pane in the order; -1 where there is none of this name.
func (p panes) index(id paneID) int {
	return slices.IndexFunc(p.inOrder, func(q pane) bool { return q.info().id == id })
}

// of is the pane of a name that there is.
func (p panes) of(id paneID) pane { return p.inOrder[p.index(id)] }

// inside is the part of the screen within the border of a pane; the zero rect
// where it is not shown.
func (a *App) inside(id paneID) rect { return a.layout.panes[id].inside() }

// preparePanes lets the panes on the screen compute what they draw often.
func (a *App) preparePanes() {
	for _, p := range a.panes.inOrder {
		if q, ok := p.(preparer); ok && a.layout.panes[p.info().id].shown() {
			q.prepare(a, a.inside(p.info().id))
		}
	}
}

// drawPane draws a pane with its border and the mark that zooms it.
func (a *App) drawPane(s *screen, p pane) {
	id := p.info().id
	r := a.layout.panes[id]
	if !r.shown() {
		return
	}
	focused := a.focus == id && a.dialog == nil
	inside := s.box(r, p.title(a), focused)
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
	p.draw(a, s, inside)
}

// zoomMark is where a click zooms a pane: on its upper border, at the right.
func zoomMark(r rect) rect {
	if r.w < 24 {
		return rect{}
	}
	return rect{r.x + r.w - 5, r.y, 3, 1}
}

// clickPane selects the row under the mouse and tells the pane.
func (a *App) clickPane(x, y int) tea.Cmd {
	for _, p := range a.panes.inOrder {
		c := p.info()
		r := a.layout.panes[c.id]
		if !r.contains(x, y) {
			continue
		}
		if zoomMark(r).contains(x, y) {
			a.setFocus(c.id)
			return a.toggleZoom()
		}
		var cmd tea.Cmd
		if inside := r.inside(); inside.contains(x, y) {
			if rows := p.rows(a, inside); rows.at.contains(x, y) {
				c.row = rows.top(c.row) + y - rows.at.y
			}
			cmd = p.click(a, inside, x-inside.x, y-inside.y)
		}
		a.setFocus(c.id)
		return cmd
	}
	return nil
}

// movePane moves the cursor of a pane.
func (a *App) movePane(p pane, n int) {
	p.move(a, n)
	a.clampCursors()
}

func cursorStep(n int) func(*App) tea.Cmd {
	return func(a *App) tea.Cmd {
		a.movePane(a.panes.of(a.focus), n)
		return nil
	}
}

// clampCursors keeps every cursor on a row.
func (a *App) clampCursors() {
	for _, p := range a.panes.inOrder {
		c := p.info()
		c.row = min(max(c.row, 0), max(p.rows(a, a.inside(c.id)).n-1, 0))
	}
}

func focusStep(n int) func(*App) tea.Cmd {
	return func(a *App) tea.Cmd {
		all := a.panes.inOrder
		a.setFocus(all[(a.panes.index(a.focus)+n+len(all))%len(all)].info().id)
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

// setFocus shows a pane: where it has no place of its own, in the slot that
// several share.
func (a *App) setFocus(id paneID) {
	a.focus = id
	if a.relayout(); id != paneArchitecture && id != paneFrontier && (!a.layout.panes[id].shown() || a.zoomed) {
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
