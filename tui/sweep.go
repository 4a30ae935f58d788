package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
)

// sweep is the state of the strip chart: every decision of every network of the
// frontier at a glance. A row is a decision, a column a budget.
type sweep struct {
	row   int
	strip strip
}

// strip is the chart for one frontier and one width, computed once.
type strip struct {
	frontier *solver.Frontier
	w        int
	codes    []byte // [row][column]; ' ' where nothing fits
}

// sweepRows is the number of decisions: the depth of every stage and the option
// of every block.
func (a *App) sweepRows() int { return len(a.space().Stages) * (1 + a.space().MaxDepth) }

// sweepRow says which decision a row is; block is -1 for the stage's depth.
func (a *App) sweepRow(row int) archRow {
	stage, k := row/(1+a.space().MaxDepth), row%(1+a.space().MaxDepth)
	if k == 0 {
		return archRow{stage, -1}
	}
	return archRow{stage, stage*a.space().MaxDepth + k - 1}
}

// codeOff marks a block that is switched off.
const codeOff = '.'

// optionCode is the letter of an option, readable without colour: abc for the
// expansions with the small kernel, xyz with the large one, capitals with
// squeeze-excite.
func optionCode(space *model.Space, option int) byte {
	o := space.Options[option]
	wider, larger := 0, false
	for _, other := range space.Options {
		if other.Kernel == o.Kernel && other.SERatio == o.SERatio && other.Expansion < o.Expansion {
			wider++
		}
		larger = larger || other.Kernel < o.Kernel
	}
	code := byte('a' + wider)
	if larger {
		code = byte('x' + wider)
	}
	if o.SERatio > 0 {
		code -= 'a' - 'A'
	}
	return code
}

// decisionCode is the letter or digit of a decision of a path.
func decisionCode(space *model.Space, p model.Path, d archRow) byte {
	switch {
	case d.block < 0:
		return byte('0' + p.Depth[d.stage])
	case !space.Active(p, d.block):
		return codeOff
	}
	return optionCode(space, p.Option[d.block])
}

// decisionText is a decision of a path in words.
func decisionText(space *model.Space, p model.Path, d archRow) string {
	switch {
	case d.block < 0:
		return fmt.Sprintf("depth %d", p.Depth[d.stage])
	case !space.Active(p, d.block):
		return "off"
	}
	return space.Options[p.Option[d.block]].String()
}

// decisionLabel names a decision: "stage 2", or "2.1" for a block of it.
func decisionLabel(space *model.Space, d archRow) string {
	if d.block < 0 {
		return fmt.Sprintf("stage %d", d.stage+1)
	}
	return fmt.Sprintf("%d.%d", d.stage+1, d.block%space.MaxDepth)
}

// newStrip reads the networks of a frontier off at w budgets.
func (a *App) newStrip(w int) strip {
	st := strip{a.frontier, w, []byte(strings.Repeat(" ", w*a.sweepRows()))}
	codes := make([]byte, len(a.space().Options))
	for o := range codes {
		codes[o] = optionCode(a.space(), o)
	}
	var path model.Path
	last := -1
	for c := range w {
		i := a.frontier.At(a.columnLimit(c, w))
		if i < 0 {
			continue
		}
		if i != last {
			a.frontier.Path(&path, i)
			last = i
		}
		for row := range a.sweepRows() {
			d := a.sweepRow(row)
			code := byte(codeOff)
			if d.block < 0 {
				code = byte('0' + path.Depth[d.stage])
			} else if a.space().Active(path, d.block) {
				code = codes[path.Option[d.block]]
			}
			st.codes[row*w+c] = code
		}
	}
	return st
}

// columnLimit is the budget at the right end of a column of the chart.
func (a *App) columnLimit(column, w int) float64 {
	lo, hi := a.engine.MinLatencyMS(), a.engine.MaxLatencyMS()
	return lo + (hi-lo)*float64(column+1)/float64(w)
}

// sweepArea is the part of the pane that holds the letters, and how many lines
// below it there is room for.
func (a *App) sweepArea(r rect) (area rect, below int) {
	const label = 9
	below = 4 // axis, ticks, switches, legend
	if r.h < 14 {
		below = 2
	}
	return rect{r.x + label, r.y + 1, max(0, r.w-label-1), max(0, r.h-1-below)}, below
}

func (a *App) sweepTitle() string {
	if a.play.on {
		return "Sweep, playing at speed " + fmt.Sprint(a.play.speed+1) + a.frontierLimits()
	}
	return panes[paneSweep].title + a.frontierLimits()
}

// drawSweep shows how every decision changes over the whole range of budgets.
func (a *App) drawSweep(s *screen, r rect) {
	t := s.theme
	if a.noFrontier(s, r) {
		return
	}
	area, below := a.sweepArea(r)
	if area.w < 10 || area.h < 1 {
		return
	}
	if st := &a.sweep.strip; st.frontier != a.frontier || st.w != area.w {
		*st = a.newStrip(area.w)
	}
	at := a.sweepColumn(area.w)
	s.set(area.x+at, r.y, t.accent, s.glyphs.down)
	s.text(r.x+1, r.y, 6, t.dim, "budget")
	top := scrollTop(a.sweep.row, a.sweepRows(), area.h)
	for i := range min(area.h, a.sweepRows()-top) {
		a.drawSweepRow(s, area, area.y+i, top+i)
	}
	a.drawSweepAxis(s, rect{area.x, area.y + area.h, area.w, 2}, at)
	if below > 2 {
		s.text(r.x+1, r.y+r.h-2, r.w-2, t.text, a.switches(a.sweep.row, s.glyphs))
		s.text(r.x+1, r.y+r.h-1, r.w-2, t.dim, sweepLegend(a.space(), r.w-2))
	}
}

// sweepColumn is the column of the budget: the first whose limit is not below it.
func (a *App) sweepColumn(w int) int {
	lo, hi := a.engine.MinLatencyMS(), a.engine.MaxLatencyMS()
	if hi <= lo {
		return 0
	}
	return min(max(int((a.limitMS-lo)/(hi-lo)*float64(w)-1e-9), 0), w-1)
}

func (a *App) drawSweepRow(s *screen, area rect, y, row int) {
	t := s.theme
	d := a.sweepRow(row)
	selected := row == a.sweep.row && a.focus == paneSweep
	st := t.dim
	if d.block < 0 {
		st = t.strong
	}
	if selected {
		s.set(area.x-9, y, t.accent, s.glyphs.cursor)
	}
	s.text(area.x-8, y, 8, over(selected, st, t), pad(decisionLabel(a.space(), d), 8))
	for c, code := range a.sweep.strip.codes[row*area.w : (row+1)*area.w] {
		s.set(area.x+c, y, over(selected, t.codeStyle(code), t), letters[code])
	}
}

// letters are the strings of single characters, so that drawing makes none.
var letters = func() (out [128]string) {
	for i := range out {
		out[i] = string(rune(i))
	}
	return out
}()

// codeStyle sets wide blocks off from narrow ones; the letters say it too.
func (t *theme) codeStyle(code byte) uv.Style {
	switch code {
	case codeOff:
		return t.shade
	case 'a', 'A', 'x', 'X':
		return t.text
	case 'b', 'B', 'y', 'Y':
		return t.frontier
	}
	return t.strong
}

func (a *App) drawSweepAxis(s *screen, r rect, at int) {
	t := s.theme
	for x := range r.w {
		s.set(r.x+x, r.y, t.border, s.glyphs.border.Bottom)
	}
	s.set(r.x+at, r.y, t.accent, s.glyphs.up)
	lo, hi := a.engine.MinLatencyMS(), a.engine.MaxLatencyMS()
	end := r.x - 1
	for _, v := range niceTicks(lo, hi, max(2, r.w/10)) {
		x := min(int((v-lo)/(hi-lo)*float64(r.w)), r.w-1)
		label := tickLabel(v)
		if start := r.x + x - len(label)/2; start > end && start+len(label) <= r.x+r.w-3 {
			if x != at {
				s.set(r.x+x, r.y, t.dim, "+")
			}
			s.text(start, r.y+1, len(label), t.dim, label)
			end = start + len(label)
		}
	}
	s.right(r.x, r.y+1, r.w, t.dim, "ms")
}

// sweepLegend says what the letters are, shorter where w cells are too few.
func sweepLegend(space *model.Space, w int) string {
	legend := func(option, between, se string) string {
		out := ""
		for i, o := range space.Options {
			if o.SERatio == 0 {
				out += fmt.Sprintf(option, optionCode(space, i), o.Kernel, o.Expansion) + between
			}
		}
		return out + se + between + ". off"
	}
	if full := legend("%c k%d e%g", "  ", "CAPITAL with se"); len(full) <= w {
		return full
	}
	return legend("%c k%de%g", " ", "CAPS se")
}

// switches lists where a decision changes along the columns of the chart.
func (a *App) switches(row int, g *glyphs) string {
	d, space := a.sweepRow(row), a.space()
	label := decisionLabel(space, d)
	if d.block < 0 {
		label += " depth"
	}
	var out strings.Builder
	out.WriteString(label + ": ")
	var path model.Path
	var last byte
	changes := 0
	for c := range a.sweep.strip.w {
		limit := a.columnLimit(c, a.sweep.strip.w)
		i := a.frontier.At(limit)
		if i < 0 {
			continue
		}
		a.frontier.Path(&path, i)
		code := decisionCode(space, path, d)
		if code == last {
			continue
		}
		if last != 0 {
			fmt.Fprintf(&out, " to %s ms, ", formatNumber(limit, 2))
			changes++
		}
		out.WriteString(strings.TrimPrefix(strings.ReplaceAll(decisionText(space, path, d), " ·", ""), "depth "))
		last = code
		if changes > 12 {
			out.WriteString(g.ellipsis)
			return out.String()
		}
	}
	if changes == 0 {
		return out.String() + " at every budget"
	}
	return out.String() + " from there"
}

// clickSweep moves the budget to a column and the cursor to a row.
func (a *App) clickSweep(inside rect, x, y int) tea.Cmd {
	area, _ := a.sweepArea(inside)
	x, y = inside.x+x, inside.y+y
	if a.frontier == nil {
		return nil
	}
	if y >= area.y && y < area.y+area.h {
		a.sweep.row = scrollTop(a.sweep.row, a.sweepRows(), area.h) + y - area.y
	}
	if x < area.x || x >= area.x+area.w {
		return nil
	}
	a.record(true)
	return a.setLimit(a.columnLimit(x-area.x, area.w))
}

// noFrontier says why there is none to show, and what to do, where there is none.
func (a *App) noFrontier(s *screen, r rect) bool {
	if a.frontier != nil && len(a.frontier.Points) > 0 {
		return false
	}
	lines := []string{"computing the frontier" + s.glyphs.ellipsis}
	switch {
	case a.frontier != nil && !a.coming:
		lines = []string{"no network keeps the limits at any budget:", a.keyOf("show-limits") + " shows them"}
	case !a.engine.Bilinear():
		lines = []string{
			"a " + a.engine.Predictor.Kind() + " predictor has no exact frontier:",
			a.keyOf("predictor") + " chooses a bilinear one, which has",
		}
	}
	a.drawLines(s, r, lines)
	return true
}

// drawLines writes lines of an empty pane.
func (a *App) drawLines(s *screen, r rect, lines []string) {
	y := r.y
	for _, line := range lines {
		for _, part := range wrap(line, r.w-2) {
			if y < r.y+r.h {
				s.text(r.x+1, y, r.w-2, s.theme.dim, part)
			}
			y++
		}
	}
}
