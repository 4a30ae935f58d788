package tui

import (
	"fmt"
	"math"
	"sort"
)

// alternative is another choice for the decision under the cursor.
type alternative struct {
	label       string
	choice      int // option index or depth
	accuracy    float64
	latencyMS   float64
	reducedCost float64
	uses        []float64 // of every limit, where there are several
	pinned      bool
}

// alternatives are the other choices for the line under the architecture
// cursor, the nearest to being chosen first.
func (a *App) alternatives() []alternative {
	row, ok := a.current()
	if !ok {
		return nil
	}
	var out []alternative
	if row.block < 0 {
		for _, c := range a.detail.sensitivity.Depths {
			if c.Stage == row.stage {
				out = append(out, alternative{fmt.Sprintf("depth %d", c.Depth), c.Depth, c.Accuracy, c.LatencyMS, c.ReducedCost, c.Uses, c.Pinned})
			}
		}
	} else {
		for _, c := range a.detail.sensitivity.Options {
			if c.Block == row.block {
				out = append(out, alternative{a.space().Options[c.Option].String(), c.Option, c.Accuracy, c.LatencyMS, c.ReducedCost, c.Uses, c.Pinned})
			}
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].reducedCost > out[j].reducedCost })
	return out
}

func (a *App) whyTitle() string {
	row, ok := a.current()
	switch {
	case !ok:
		return panes[paneWhy].title
	case row.block < 0:
		return fmt.Sprintf("Why stage %d has depth %d", row.stage+1, a.solution.Path.Depth[row.stage])
	}
	max := a.space().MaxDepth
	return fmt.Sprintf("Why %d.%d is %s", row.block/max+1, row.block%max, a.space().Options[a.solution.Path.Option[row.block]])
}

// alternativeCount is the number of alternatives.
func (a *App) alternativeCount() int {
	row, ok := a.current()
	n := 0
	switch {
	case !ok:
	case row.block < 0:
		for _, c := range a.detail.sensitivity.Depths {
			if c.Stage == row.stage {
				n++
			}
		}
	default:
		for _, c := range a.detail.sensitivity.Options {
			if c.Block == row.block {
				n++
			}
		}
	}
	return n
}

// whyHeaderLines is the number of lines above the alternatives.
const whyHeaderLines = 1

func (a *App) whyTop(height int) int {
	return scrollTop(a.whyRow, a.alternativeCount(), a.whyLines(height))
}

// whyLines is the number of lines for alternatives: with several limits the last
// line says what each charges.
func (a *App) whyLines(height int) int {
	if len(a.detail.limits) > 0 && height > whyHeaderLines+1 {
		height--
	}
	return height - whyHeaderLines
}

// drawWhy shows, for the decision under the cursor, what each alternative would
// change by itself, what is left of that at the present prices of the limits
// (net), and what accuracy at this budget would lose if it were pinned and all
// else chosen anew.
func (a *App) drawWhy(s *screen, r rect) {
	t := s.theme
	alts := a.alternatives()
	if len(alts) == 0 {
		lines := []string{"only a bilinear predictor gives prices:", a.keyOf("predictor") + " chooses one"}
		if a.engine.Bilinear() {
			lines = []string{"no network fits this budget:", a.keyOf("budget-up") + " raises it"}
		}
		a.drawLines(s, r, lines)
		return
	}
	s.text(r.x, r.y, r.w, t.dim, fmt.Sprintf(" %-9s%8s%8s%9s%11s", "instead", "points", "ms", "net", "if pinned"))
	top, lines := a.whyTop(r.h), a.whyLines(r.h)
	if row := min(a.whyRow, len(alts)-1); lines < r.h-whyHeaderLines {
		s.text(r.x+1, r.y+r.h-1, r.w-1, t.dim, alts[row].label+" pays "+a.detail.charges(alts[row].uses, s.glyphs))
	}
	for i := range min(lines, len(alts)-top) {
		alt, y := alts[top+i], r.y+whyHeaderLines+i
		selected := top+i == a.whyRow && a.focus == paneWhy
		pinned := ""
		if loss, ok := a.whatIfCost(alt.choice); ok {
			pinned = signed(-loss, 3, s.glyphs)
			if math.IsInf(loss, 1) {
				pinned = "no network"
			}
		}
		line := fmt.Sprintf(" %s%8s%8s%9s%11s", pad(alt.label, 9), signed(alt.accuracy, 3, s.glyphs), signed(alt.latencyMS, 3, s.glyphs),
			signed(alt.reducedCost, 3, s.glyphs), pinned)
		x := r.x + s.row(r, y, selected, t.text, line)
		verdict, st := "loses", t.dim
		switch {
		case alt.pinned:
			verdict, st = "pinned out", t.pin
		case a.detail.over(alt.uses) != "":
			verdict, st = "over "+a.detail.over(alt.uses), t.warn
		case alt.reducedCost > 1e-9:
			verdict, st = "over budget", t.warn
		case alt.reducedCost > -1e-9:
			verdict, st = "as good", t.good
		}
		s.text(x+1, y, r.x+r.w-x-1, over(selected, st, t), verdict)
	}
}
