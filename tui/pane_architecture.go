package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// architecturePane shows the network stage by stage and block by block: what it
// is, where its time goes and where its accuracy comes from.
type architecturePane struct{ card }

func newArchitecturePane() *architecturePane {
	return &architecturePane{card{id: paneArchitecture, name: "Architecture", short: "network", question: "what is the network, where do its time and its accuracy come from?",
		key: "A", help: "go to the architecture"}}
}

func (p *architecturePane) keys() []action {
	return []action{
		{"block", []string{"enter"}, "Result", "shapes, cost and time of the block under the cursor and all others", "block", (*App).openBlock},
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
func (p *architecturePane) rows(a *App, r cell.Rect) cell.Rows {
	r.H -= len(a.accuracyLines(r))
	return cell.Rows{N: len(a.decisions()), Below: 1, At: r}
}

func (p *architecturePane) move(a *App, n int) { p.goTo(a, p.row+n) }

func (p *architecturePane) click(a *App, _ cell.Rect, _, _ int) tea.Cmd {
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
	c.bar = min(16, max(4, (w-42)/2))
	if w > 2*wideWidth/3 {
		c.bar = 32 // zoomed
	}
	if w < 46 {
		c.latency, c.bar = 15, max(3, (w-30)/2)
	}
	c.latencyBar = c.latency + 7
	c.accuracy = c.latencyBar + c.bar
	c.accuracyBar = c.accuracy + 7
	return c
}

func (p *architecturePane) draw(a *App, s *cell.Screen, r cell.Rect) {
	t := s.Theme
	all := a.decisions()
	if len(all) == 0 {
		a.drawNothing(s, r)
		return
	}
	a.drawAccuracies(s, r)
	s.Text(r.X, r.Y+r.H, r.W, t.Title, " "+a.sizeText()+" ") // on the border
	c := newArchColumns(r.W)
	s.Right(r.X+c.latency, r.Y-1, 6, t.Title, "ms")
	gain := " pt vs. mean "
	if c.accuracy+len(gain) > r.W-5 { // the mark that zooms
		gain = " pt "
	}
	s.Text(r.X+c.accuracy+2, r.Y-1, len(gain), t.Title, gain)
	p.drawRows(a, s, p.rows(a, r), func(i int, l cell.Row) {
		switch {
		case i == len(all):
			l.Text(1, c.latency-1, t.Dim, "fixed parts")
			l.Right(c.latency, 6, t.Dim, a.ms(a.engine.Table.FixedMS))
		case all[i].block < 0:
			a.drawStageRow(l, all[i].stage, c)
		default:
			a.drawBlockRow(l, all[i], c)
		}
	})
}

// accuracyLines are the lines at the bottom of the pane that say what the network
// shown was found to reach, and what it was measured on; the newest is the last.
func (a *App) accuracyLines(r cell.Rect) (lines []string) {
	for _, acc := range a.measuredAccuracies() {
		lines = append(lines, cell.Wrap(acc.String(), r.W-2)...)
	}
	return lines[max(0, len(lines)-min(4, max(0, r.H-4))):]
}

func (a *App) drawAccuracies(s *cell.Screen, r cell.Rect) {
	lines := a.accuracyLines(r)
	for i, line := range lines {
		s.Text(r.X+1, r.Y+r.H-len(lines)+i, r.W-2, s.Theme.Chosen, line)
	}
}

func (a *App) drawStageRow(l cell.Row, stage int, c archColumns) {
	t, st := l.S.Theme, a.space().Stages[stage]
	depth := a.solution.Path.Depth[stage]
	x := 1 + l.Text(1, l.R.W, t.Strong, fmt.Sprintf("stage %d  depth %d", stage+1, depth))
	if a.pinned(decision{stage, -1}) {
		x += l.Text(x, 6, t.Pin, " "+l.S.Glyphs.Pinned+"pin")
	} else if was, ok := a.compare.depthDiffers(stage, depth); ok {
		x += l.Text(x, 9, t.Warn, fmt.Sprintf(" was %d", was))
	}
	out := model.Downsample(st.Resolution, st.Stride)
	l.Text(max(x+1, c.latencyBar), l.R.W, t.Dim, fmt.Sprintf("%d ch  %d%s", st.OutChannels, out, l.S.Glyphs.Squared))
}

func (a *App) drawBlockRow(l cell.Row, d decision, c archColumns) {
	t, space, block := l.S.Theme, a.space(), d.block
	option := a.solution.Path.Option[block]
	was, differs := a.compare.optionDiffers(block, option, space)
	l.Text(2, 5, t.Dim, d.label(space))
	optionStyle := t.Text
	if differs {
		optionStyle = t.Warn
		l.Text(6, 1, t.Warn, "*") // where there is no room for what it was
	}
	l.Text(c.option, 9, optionStyle, space.Options[option].String())
	if a.pinned(d) {
		l.Text(c.option+9, 1, t.Pin, l.S.Glyphs.Pinned)
	}
	ms := a.engine.Table.BlockMS[block*space.NumOptions()+option]
	l.Right(c.latency, 6, t.Text, a.ms(ms))
	l.Bar(c.latencyBar, c.bar, t.LatencyBar, ms, a.scale.latencyMS)
	gain := a.detail.blockGain(block)
	l.Right(c.accuracy, 6, t.Text, cell.Signed(gain, 2, l.S.Glyphs))
	gainStyle := t.AccuracyBar
	if gain < 0 {
		gainStyle = t.Dim // to the left of the line says it
	}
	if x := l.R.W - 13; differs && x > c.accuracyBar+2 {
		l.Right(x, 13, t.Warn, "was "+was) // in the place of the bar
		return
	}
	l.SignedBar(c.accuracyBar, c.bar, gainStyle, gain, a.scale.points)
}

func (a *App) drawNothing(s *cell.Screen, r cell.Rect) {
	lines := []string{"no network fits this budget:", a.keyOf("budget-up") + " raises it, " + a.keyOf("unpin-all") + " frees the pins"}
	switch {
	case a.evolving() && a.working > 0:
		lines = []string{"evolution is searching" + s.Glyphs.Ellipsis}
	case a.limited() && !a.searchCurrent():
		lines = []string{"searching" + s.Glyphs.Ellipsis}
	case a.limited():
		lines = []string{"no network keeps all limits:", a.keyOf("show-limits") + " shows them, " + a.keyOf("unpin-all") + " frees the pins"}
	}
	s.Lines(r, lines)
}

func (a *App) sizeText() string {
	cost := a.detail.cost
	return fmt.Sprintf("%.2fM params %.0fM MACs", float64(cost.Params)/1e6, float64(cost.MACs)/1e6)
}
