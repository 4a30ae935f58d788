package tui

import (
	"fmt"
	"math"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/model"
)

// paneArchitecture is the name of the pane of the network shown.
const paneArchitecture paneID = "architecture"

// architecturePane shows the network stage by stage and block by block: what it
// is, where its time goes and where its accuracy comes from.
type architecturePane struct{ card }

func newArchitecturePane() *architecturePane {
	return &architecturePane{card{id: paneArchitecture, name: "Architecture", question: "what is the network, where do its time and its accuracy come from?",
		key: "A", help: "go to the architecture"}}
}

func (p *architecturePane) keys() []action {
	return []action{
		{"pin", []string{"space"}, "Pins", "pin or free the option or depth under the cursor", "pin", (*App).togglePin},
		{"pin-expansion", []string{"E"}, "Pins", "pin or free only the block's expansion", "", togglePinDimension(dimExpansion)},
		{"pin-kernel", []string{"K"}, "Pins", "pin or free only the block's kernel", "", togglePinDimension(dimKernel)},
		{"pin-se", []string{"S"}, "Pins", "pin or free only the block's squeeze-excite", "", togglePinDimension(dimSE)},
		{"try-next", []string{"n"}, "Pins", "what if? pin the next option or depth here, and see what it costs", "what if", tryStep(1)},
		{"try-previous", []string{"b"}, "Pins", "what if? pin the previous option or depth here", "", tryStep(-1)},
	}
}

// rows are the decisions; below them is a line for the fixed parts, and measured
// accuracies at the bottom.
func (p *architecturePane) rows(a *App, r rect) rows {
	r.h -= a.accuracyLines(r)
	return rows{n: len(a.decisions()), below: 1, at: r}
}

func (p *architecturePane) move(a *App, n int) { p.goTo(a, p.row+n) }

func (p *architecturePane) click(a *App, _ rect, _, _ int) tea.Cmd {
	p.goTo(a, p.row)
	return nil
}

// goTo puts the cursor on a row; the Why pane begins with its first alternative.
func (p *architecturePane) goTo(a *App, row int) { p.row, a.panes.why.row = row, 0 }

// current is the decision under the cursor.
func (a *App) current() (decision, bool) {
	all := a.decisions()
	if len(all) == 0 {
		return decision{}, false
	}
	return all[min(max(a.panes.architecture.row, 0), len(all)-1)], true
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

func (p *architecturePane) draw(a *App, s *screen, r rect) {
	t := s.theme
	all := a.decisions()
	if len(all) == 0 {
		a.drawNothing(s, r)
		return
	}
	a.drawAccuracies(s, r)
	c := newArchColumns(r.w)
	s.right(r.x+c.latency, r.y-1, 6, t.title, "ms")
	s.text(r.x+c.accuracy, r.y-1, 7, t.title, " "+s.glyphs.delta+" acc ")
	p.drawRows(a, s, p.rows(a, r), func(i int, l listRow) {
		switch {
		case i == len(all):
			l.text(1, c.latency-1, t.dim, "fixed parts")
			l.right(c.latency, 6, t.dim, a.ms(a.engine.Table.FixedMS))
			l.text(c.latencyBar, r.w, t.dim, a.sizeText())
		case all[i].block < 0:
			a.drawStageRow(l, all[i].stage, c)
		default:
			a.drawBlockRow(l, all[i], c)
		}
	})
}

// accuracyLines is how many lines the measured accuracies of the network shown
// take at the bottom of the pane.
func (a *App) accuracyLines(r rect) int {
	return min(len(a.measuredAccuracies()), max(0, r.h-4), 3)
}

// drawAccuracies says what the network shown was found to reach, and what it was
// measured on; the newest is the last.
func (a *App) drawAccuracies(s *screen, r rect) {
	n := a.accuracyLines(r)
	all := a.measuredAccuracies()
	for i, acc := range all[len(all)-n:] {
		s.text(r.x+1, r.y+r.h-n+i, r.w-2, s.theme.chosen, acc.String())
	}
}

func (a *App) drawStageRow(l listRow, stage int, c archColumns) {
	t, st := l.s.theme, a.space().Stages[stage]
	depth := a.solution.Path.Depth[stage]
	x := 1 + l.text(1, l.r.w, t.strong, fmt.Sprintf("stage %d  depth %d", stage+1, depth))
	if a.pinnedDepth(stage) {
		x += l.text(x, 6, t.pin, " "+l.s.glyphs.pinned+"pin")
	} else if was, ok := a.compare.depthDiffers(stage, depth); ok {
		x += l.text(x, 9, t.warn, fmt.Sprintf(" was %d", was))
	}
	out := model.Downsample(st.Resolution, st.Stride)
	l.text(max(x+1, c.latencyBar), l.r.w, t.dim, fmt.Sprintf("%d ch  %d%s", st.OutChannels, out, l.s.glyphs.squared))
}

func (a *App) drawBlockRow(l listRow, d decision, c archColumns) {
	t, space, block := l.s.theme, a.space(), d.block
	option := a.solution.Path.Option[block]
	was, differs := a.compare.optionDiffers(block, option, space)
	l.text(2, 5, t.dim, d.label(space))
	optionStyle := t.text
	if differs {
		optionStyle = t.warn
		l.text(6, 1, t.warn, "*") // where there is no room for what it was
	}
	l.text(c.option, 9, optionStyle, space.Options[option].String())
	if a.pinnedOption(block) {
		l.text(c.option+9, 1, t.pin, l.s.glyphs.pinned)
	}
	ms := a.engine.Table.BlockMS[block*space.NumOptions()+option]
	l.right(c.latency, 6, t.text, a.ms(ms))
	l.bar(c.latencyBar, c.bar, t.latencyBar, ms, a.scale.latencyMS)
	gain := a.detail.blockGain(block)
	l.right(c.accuracy, 6, t.text, signed(gain, 2, l.s.glyphs))
	gainStyle := t.accuracyBar
	if gain < 0 {
		gainStyle = t.bad
	}
	l.bar(c.accuracyBar, c.bar, gainStyle, math.Abs(gain), a.scale.points)
	if x := l.r.w - 13; differs && x > c.accuracyBar+2 {
		l.right(x, 13, t.warn, "was "+was)
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
	s.lines(r, lines)
}

// sizeText is the size of the whole network.
func (a *App) sizeText() string {
	cost := a.detail.cost
	return fmt.Sprintf("%.2f M params, %.0f M MACs", float64(cost.Params)/1e6, float64(cost.MACs)/1e6)
}
