package tui

import (
	"fmt"
	"sort"
)

// alternative is another choice for the decision under the cursor.
type alternative struct {
	label       string
	choice      int // option index or depth
	accuracy    float64
	latencyMS   float64
	reducedCost float64
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
				out = append(out, alternative{fmt.Sprintf("depth %d", c.Depth), c.Depth, c.Accuracy, c.LatencyMS, c.ReducedCost, c.Pinned})
			}
		}
	} else {
		for _, c := range a.detail.sensitivity.Options {
			if c.Block == row.block {
				out = append(out, alternative{a.space().Options[c.Option].String(), c.Option, c.Accuracy, c.LatencyMS, c.ReducedCost, c.Pinned})
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
		return paneTitles[paneWhy]
	case row.block < 0:
		return fmt.Sprintf("Why stage %d has depth %d", row.stage+1, a.solution.Path.Depth[row.stage])
	}
	max := a.space().MaxDepth
	return fmt.Sprintf("Why %d.%d is %s", row.block/max+1, row.block%max, a.space().Options[a.solution.Path.Option[row.block]])
}

// whyHeaderLines is the number of lines above the alternatives.
const whyHeaderLines = 1

func (a *App) whyTop(height int) int {
	return scrollTop(a.whyRow, len(a.alternatives()), height-whyHeaderLines)
}

// drawWhy shows, for the decision under the cursor, what each alternative
// would change and what it would cost at the present price of a millisecond.
func (a *App) drawWhy(s *screen, r rect) {
	t := s.theme
	alts := a.alternatives()
	if len(alts) == 0 {
		s.text(r.x+1, r.y, r.w-1, t.dim, "needs a bilinear predictor and a network")
		return
	}
	price := fmt.Sprintf("at %s pt/ms", signed(a.detail.sensitivity.ShadowPrice, 3, s.glyphs))
	s.text(r.x, r.y, r.w, t.dim, fmt.Sprintf(" %-10s%9s%10s   %s", "instead", "points", "ms", price))
	top := a.whyTop(r.h)
	for i := range min(r.h-whyHeaderLines, len(alts)-top) {
		alt, y := alts[top+i], r.y+whyHeaderLines+i
		selected := top+i == a.whyRow && a.focus == paneWhy
		if selected {
			s.fill(rect{r.x, y, r.w, 1}, t.selected, " ")
		}
		line := fmt.Sprintf(" %s%9s%10s   %s", pad(alt.label, 10), signed(alt.accuracy, 3, s.glyphs), signed(alt.latencyMS, 3, s.glyphs),
			signed(alt.reducedCost, 3, s.glyphs))
		x := r.x + s.text(r.x, y, r.w, over(selected, t.text, t), line)
		verdict, st := "does not pay", t.dim
		switch {
		case alt.pinned:
			verdict, st = "pinned out", t.pin
		case alt.reducedCost > 1e-9:
			verdict, st = "would pay if it fitted", t.warn
		case alt.reducedCost > -1e-9:
			verdict, st = "as good", t.good
		}
		s.text(x+2, y, r.x+r.w-x-2, over(selected, st, t), verdict)
	}
}
