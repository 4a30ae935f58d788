package tui

import (
	"fmt"
	"math"

	uv "github.com/charmbracelet/ultraviolet"

	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/model"
)

// archRow is one line of the architecture pane: a stage, or a block of it.
type archRow struct {
	stage int
	block int // stage-major index; -1 is the line of the stage itself
}

// archRows lists the lines for the network shown.
func (a *App) archRows() []archRow {
	if !a.hasSolution() {
		return nil
	}
	rows := make([]archRow, 0, 25)
	for s, depth := range a.solution.Path.Depth {
		rows = append(rows, archRow{s, -1})
		for k := range depth {
			rows = append(rows, archRow{s, s*a.space().MaxDepth + k})
		}
	}
	return rows
}

// current is the line under the cursor.
func (a *App) current() (archRow, bool) {
	rows := a.archRows()
	if len(rows) == 0 {
		return archRow{}, false
	}
	return rows[min(max(a.archRow, 0), len(rows)-1)], true
}

// archColumns are the columns of the pane for a width.
type archColumns struct {
	option, latency, latencyBar, accuracy, accuracyBar, bar int
}

func newArchColumns(w int) archColumns {
	c := archColumns{option: 7, latency: 19}
	c.bar = min(16, max(4, (w-38)/2))
	if w > 2*wideWidth/3 {
		c.bar = 32 // zoomed
	}
	c.latencyBar = c.latency + 7
	c.accuracy = c.latencyBar + c.bar + 1
	c.accuracyBar = c.accuracy + 7
	return c
}

// drawArchitecture shows the network stage by stage and block by block: what
// it is, where its time goes and where its accuracy comes from.
func (a *App) drawArchitecture(s *screen, r rect) {
	t := s.theme
	rows := a.archRows()
	if len(rows) == 0 {
		a.drawNothing(s, r)
		return
	}
	r = a.drawAccuracies(s, r)
	c := newArchColumns(r.w)
	s.right(r.x+c.latency, r.y-1, 6, t.title, "ms")
	s.text(r.x+c.accuracy, r.y-1, 7, t.title, " "+s.glyphs.delta+" acc ")
	top := scrollTop(a.archRow, len(rows)+1, r.h)
	for i := range min(r.h, len(rows)+1-top) {
		y := r.y + i
		if top+i == len(rows) {
			s.text(r.x+1, y, c.latency-1, t.dim, "fixed parts")
			s.right(r.x+c.latency, y, 6, t.dim, a.ms(a.engine.Table.FixedMS))
			s.text(r.x+c.latencyBar, y, r.w-c.latencyBar, t.dim, a.sizeText())
			continue
		}
		row := rows[top+i]
		selected := top+i == a.archRow && a.focus == paneArchitecture
		s.row(r, y, selected, t.text, "")
		if row.block < 0 {
			a.drawStageRow(s, r, y, row.stage, selected, c)
		} else {
			a.drawBlockRow(s, r, y, row.block, selected, c)
		}
	}
}

// accuracyLines is how many lines the measured accuracies of the network shown
// take at the bottom of the pane.
func (a *App) accuracyLines(r rect) int {
	return min(len(a.measuredAccuracies()), max(0, r.h-4), 3)
}

// drawAccuracies says what the network shown was found to reach, and what it was
// measured on; the newest is the last. It returns the room that is left.
func (a *App) drawAccuracies(s *screen, r rect) rect {
	n := a.accuracyLines(r)
	r.h -= n
	all := a.measuredAccuracies()
	for i, acc := range all[len(all)-n:] {
		s.text(r.x+1, r.y+r.h+i, r.w-2, s.theme.chosen, sanitize.Line(acc.String()))
	}
	return r
}

func over(selected bool, st uv.Style, t *theme) uv.Style {
	if selected {
		st.Bg = t.selected.Bg
		st.Attrs |= t.selected.Attrs
	}
	return st
}

func (a *App) drawStageRow(s *screen, r rect, y, stage int, selected bool, c archColumns) {
	t, st := s.theme, a.space().Stages[stage]
	depth := a.solution.Path.Depth[stage]
	text := fmt.Sprintf("stage %d  depth %d", stage+1, depth)
	x := r.x + 1 + s.text(r.x+1, y, r.w-1, over(selected, t.strong, t), text)
	if a.pinnedDepth(stage) {
		x += s.text(x, y, 6, over(selected, t.pin, t), " "+s.glyphs.pinned+"pin")
	} else if was, ok := a.compare.depthDiffers(stage, depth); ok {
		x += s.text(x, y, 9, over(selected, t.warn, t), fmt.Sprintf(" was %d", was))
	}
	out := model.Downsample(st.Resolution, st.Stride)
	shape := fmt.Sprintf("%d ch  %d%s", st.OutChannels, out, s.glyphs.squared)
	start := max(x+1, r.x+c.latencyBar)
	s.text(start, y, r.x+r.w-start, over(selected, t.dim, t), shape)
}

func (a *App) drawBlockRow(s *screen, r rect, y, block int, selected bool, c archColumns) {
	t := s.theme
	option := a.solution.Path.Option[block]
	space := a.space()
	s.text(r.x+1, y, 6, over(selected, t.dim, t), fmt.Sprintf(" %d.%d", block/space.MaxDepth+1, block%space.MaxDepth))
	optionStyle := t.text
	if _, differs := a.compare.optionDiffers(block, option, space); differs {
		optionStyle = t.warn
		s.text(r.x+6, y, 1, over(selected, t.warn, t), "*") // where there is no room for what it was
	}
	s.text(r.x+c.option, y, 9, over(selected, optionStyle, t), space.Options[option].String())
	if a.pinnedOption(block) {
		s.text(r.x+c.option+9, y, 1, over(selected, t.pin, t), s.glyphs.pinned)
	}
	ms := a.engine.Table.BlockMS[block*space.NumOptions()+option]
	s.right(r.x+c.latency, y, 6, over(selected, t.text, t), a.ms(ms))
	s.bar(r.x+c.latencyBar, y, c.bar, over(selected, t.latencyBar, t), ms, a.scale.latencyMS)
	gain := a.detail.blockGain(block)
	s.right(r.x+c.accuracy, y, 6, over(selected, t.text, t), signed(gain, 2, s.glyphs))
	gainStyle := t.accuracyBar
	if gain < 0 {
		gainStyle = t.bad
	}
	s.bar(r.x+c.accuracyBar, y, min(c.bar, r.w-c.accuracyBar), over(selected, gainStyle, t), math.Abs(gain), a.scale.points)
	if was, differs := a.compare.optionDiffers(block, option, space); differs {
		x := r.x + r.w - 13
		if x > r.x+c.accuracyBar+2 {
			s.right(x, y, 13, over(selected, t.warn, t), "was "+was)
		}
	}
}

func (a *App) drawNothing(s *screen, r rect) {
	lines := []string{"no network fits this budget:", a.keyOf("budget-up") + " raises it, " + a.keyOf("unpin-all") + " frees the pins"}
	switch {
	case a.evolving() && a.working > 0:
		lines = []string{"evolution is searching" + s.glyphs.ellipsis}
	case a.limited() && !a.searchCurrent():
		lines = []string{"searching" + s.glyphs.ellipsis}
	case a.limited():
		lines = []string{"no network keeps all limits:", a.keyOf("show-limits") + " shows them, " + a.keyOf("unpin-all") + " frees the pins"}
	}
	a.drawLines(s, r, lines)
}

// sizeText is the size of the whole network.
func (a *App) sizeText() string {
	cost := a.detail.cost
	return fmt.Sprintf("%.2f M params, %.0f M MACs", float64(cost.Params)/1e6, float64(cost.MACs)/1e6)
}

// scrollTop is the first line shown so that the cursor is in view.
func scrollTop(cursor, lines, height int) int {
	if lines <= height {
		return 0
	}
	return min(max(0, cursor-height/2), lines-height)
}
