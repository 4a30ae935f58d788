package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/binas-tui/binas-tui/tui/cell"
)

// paneID names a pane: in the state file, in the plain mode and in texts.
type paneID string

// The panes that are spoken of elsewhere.
const (
	paneArchitecture  paneID = "architecture"
	paneFrontier      paneID = "frontier"
	paneContributions paneID = "contributions"
	paneWhy           paneID = "why"
	panePublished     paneID = "published"
	paneSweep         paneID = "sweep"
	paneCompare       paneID = "compare"
	paneJobs          paneID = "jobs"
	paneLimits        paneID = "limits"
	paneExplain       paneID = "explain"
	paneBest          paneID = "best"
	paneFit           paneID = "fit"
)

// pane is a part of the screen that can have the focus. It holds what nobody else
// needs, such as the row under its cursor, and shows what App holds. A new pane is
// a file with such a type and a line in newPanes.
type pane interface {
	info() *card
	title(*App) string                           // on the border
	rows(a *App, r cell.Rect) cell.Rows          // that its cursor moves over
	draw(a *App, s *cell.Screen, r cell.Rect)    // changes nothing
	move(a *App, n int)                          // the cursor, down
	click(a *App, r cell.Rect, x, y int) tea.Cmd // once the row there is selected; x and y count from the inside
	keys() []action                              // that work in it alone
}

// preparer is a pane that computes something once and draws it often. It does so
// before it is drawn; what is drawn is the same without.
type preparer interface{ prepare(a *App, r cell.Rect) }

// card is what the rest of the explorer knows of a pane, with methods for panes
// that need nothing special.
type card struct {
	id        paneID
	name      string // on the border
	short     string // in the strip of panes
	question  string // that it answers
	key, help string // goes to it; "" is none
	row       int    // under the cursor
}

func (c *card) info() *card                             { return c }
func (c *card) title(*App) string                       { return c.name }
func (c *card) rows(*App, cell.Rect) cell.Rows          { return cell.Rows{} }
func (c *card) move(_ *App, n int)                      { c.row += n }
func (c *card) click(*App, cell.Rect, int, int) tea.Cmd { return nil }
func (c *card) keys() []action                          { return nil }

// drawRows draws the rows of a pane, and the cursor where it has the focus.
func (c *card) drawRows(a *App, s *cell.Screen, r cell.Rows, row func(i int, l cell.Row)) {
	selected := -1
	if a.focus == c.id {
		selected = c.row
	}
	r.Draw(s, c.row, selected, row)
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

func (p panes) of(id paneID) pane { return p.inOrder[p.index(id)] }

// inside is the part of the screen within the border of a pane; the zero rect
// where it is not shown.
func (a *App) inside(id paneID) cell.Rect { return a.layout.panes[id].Inside() }

// preparePanes lets the panes on the screen compute what they draw often.
func (a *App) preparePanes() {
	for _, p := range a.panes.inOrder {
		if q, ok := p.(preparer); ok && a.layout.panes[p.info().id].Shown() {
			q.prepare(a, a.inside(p.info().id))
		}
	}
}

// drawPane draws a pane with its border and the mark that zooms it.
func (a *App) drawPane(s *cell.Screen, p pane) {
	id := p.info().id
	r := a.layout.panes[id]
	if !r.Shown() {
		return
	}
	focused := a.focus == id && a.dialog == nil
	inside := s.Box(r, p.title(a), focused)
	if mark := zoomMark(r); mark.Shown() {
		st, text := s.Theme.Dim, "[+]"
		if focused {
			st = s.Theme.BorderFocus
		}
		if a.zoomed {
			text = "[-]"
		}
		s.Text(mark.X, mark.Y, mark.W, st, text)
	}
	p.draw(a, s, inside)
	s.Position(r, p.rows(a, inside), p.info().row)
}

// tab is a pane in the strip that names them all.
type tab struct {
	id        paneID
	key, name string
	at        cell.Rect
}

// tabs are the panes that the strip has room for, among them the focused one.
func (a *App) tabs() []tab {
	r := a.layout.strip
	var all []tab
	focused := a.panes.index(a.focus)
	for _, p := range a.panes.inOrder {
		c := p.info()
		t := tab{id: c.id, name: c.short}
		if keys := a.keys.keysOf("show-" + string(c.id)); len(keys) > 0 {
			t.key = keyLabel(keys[:1], a.glyphSet())
		}
		t.at = cell.At(0, r.Y, len(t.name), 1)
		if t.key != "" {
			t.at.W += ansi.StringWidth(t.key) + 1
		}
		all = append(all, t)
	}
	const gap = 2
	width := func(tabs []tab) (w int) {
		for _, t := range tabs {
			w += t.at.W + gap
		}
		return w - gap
	}
	first, end := 0, len(all)
	for width(all[first:end]) > r.W-2*gap && end-first > 1 {
		if end-1 > focused {
			end--
		} else {
			first++
		}
	}
	x := r.X
	if first > 0 {
		x += gap // for the mark that there are more
	}
	for i := first; i < end; i++ {
		all[i].at.X = x
		x += all[i].at.W + gap
	}
	return all[first:end]
}

// drawStrip names the panes with their keys; the focused one is set off.
func (a *App) drawStrip(s *cell.Screen) {
	t, r := s.Theme, a.layout.strip
	tabs := a.tabs()
	if tabs[0].id != a.panes.inOrder[0].info().id {
		s.Text(r.X, r.Y, 1, t.Dim, s.Glyphs.Ellipsis)
	}
	end := 0
	for _, b := range tabs {
		x := b.at.X
		name := t.Dim
		if b.id == a.focus {
			name = t.TitleFocus
			s.Set(x-1, r.Y, name, s.Glyphs.Cursor)
		} else if a.layout.panes[b.id].Shown() {
			name = t.Text
		}
		if b.key != "" {
			x += s.Text(x, r.Y, 4, t.Key, b.key) + 1
		}
		end = x + s.Text(x, r.Y, len(b.name), name, b.name)
	}
	if tabs[len(tabs)-1].id != a.panes.inOrder[len(a.panes.inOrder)-1].info().id {
		s.Text(end+1, r.Y, 1, t.Dim, s.Glyphs.Ellipsis)
	}
}

// zoomMark is where a click zooms a pane: on its upper border, at the right.
func zoomMark(r cell.Rect) cell.Rect {
	if r.W < 24 {
		return cell.Rect{}
	}
	return cell.At(r.X+r.W-5, r.Y, 3, 1)
}

// clickPane selects the row under the mouse and tells the pane.
func (a *App) clickPane(x, y int) tea.Cmd {
	for _, t := range a.tabs() {
		if t.at.Contains(x, y) {
			a.setFocus(t.id)
			return nil
		}
	}
	for _, p := range a.panes.inOrder {
		c := p.info()
		r := a.layout.panes[c.id]
		if !r.Contains(x, y) {
			continue
		}
		if zoomMark(r).Contains(x, y) {
			a.setFocus(c.id)
			return a.toggleZoom()
		}
		var cmd tea.Cmd
		again := false // on the row that has the cursor
		if inside := r.Inside(); inside.Contains(x, y) {
			if rows := p.rows(a, inside); rows.At.Contains(x, y) {
				row := rows.Top(c.row) + y - rows.At.Y
				again, c.row = a.focus == c.id && row == c.row, row
			}
			limit := a.limitMS
			cmd = p.click(a, inside, x-inside.X, y-inside.Y)
			again = again && a.limitMS == limit && c.id != paneSweep // where a click is a budget
		}
		a.setFocus(c.id)
		if act := a.keys.find("enter", c.id); again && act != nil {
			return a.run(act)
		}
		return cmd
	}
	return nil
}

func (a *App) movePane(p pane, n int) {
	p.move(a, n)
	a.clampCursors()
}

// farAway is past the end of every list.
const farAway = 1 << 20

// pageStep moves the cursor of the focused pane by what it shows of its rows.
func pageStep(n int) func(*App) tea.Cmd {
	return func(a *App) tea.Cmd {
		p := a.panes.of(a.focus)
		page := p.rows(a, a.inside(a.focus)).At.H - 1
		if page < 1 {
			page = 8 // what it shows is not rows
		}
		a.movePane(p, n*page)
		return nil
	}
}

func cursorStep(n int) func(*App) tea.Cmd {
	return func(a *App) tea.Cmd {
		a.movePane(a.panes.of(a.focus), n)
		return nil
	}
}

// clampCursors keeps every cursor on a row; while there is no network, as when
// evolution searches, that of the architecture waits where it is.
func (a *App) clampCursors() {
	for _, p := range a.panes.inOrder {
		c := p.info()
		if c.id == paneArchitecture && !a.hasSolution() {
			continue
		}
		c.row = min(max(c.row, 0), max(p.rows(a, a.inside(c.id)).N-1, 0))
	}
}

func focusStep(n int) func(*App) tea.Cmd {
	return func(a *App) tea.Cmd {
		all := a.panes.inOrder
		a.setFocus(all[(a.panes.index(a.focus)+n+len(all))%len(all)].info().id)
		return nil
	}
}

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
	if a.relayout(); id != paneArchitecture && id != paneFrontier && (!a.layout.panes[id].Shown() || a.zoomed) {
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

// leaver is a pane with something that esc leaves before the zoom.
type leaver interface{ leave(*App) bool }

func (a *App) back() tea.Cmd {
	if a.play.on {
		return a.togglePlay()
	}
	if p, ok := a.panes.of(a.focus).(leaver); ok && p.leave(a) {
		return nil
	}
	if a.zoomed {
		return a.toggleZoom()
	}
	return nil
}

func (a *App) goToDecision(d decision) tea.Cmd {
	i := slices.Index(a.decisions(), d)
	if i < 0 {
		return a.say("this block is off")
	}
	a.panes.architecture.goTo(a, i)
	a.setFocus(paneArchitecture)
	return nil
}
