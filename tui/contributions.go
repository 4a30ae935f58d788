package tui

import (
	"fmt"
	"math"
	"sort"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/solver"
)

// effect is one line of the contribution table: what one kind of decision
// does in one stage.
type effect struct {
	stage int
	kind  int // index into effectNames
	solver.Effect

	line   string // as drawn with these glyphs: it does not change with the budget
	glyphs *glyphs
}

// text is the line of the table.
func (e *effect) text(g *glyphs) string {
	if e.glyphs != g {
		per := "free"
		if v := worth(e.Effect); !math.IsInf(v, 1) {
			per = signed(v, 2, g)
		}
		e.glyphs = g
		e.line = fmt.Sprintf(" stage %d %-15s%8s%9s%9s", e.stage+1, effectNames[e.kind], signed(e.Accuracy, 2, g), signed(e.LatencyMS, 2, g), per)
	}
	return e.line
}

var effectNames = [...]string{"one block more", "e3 to e6", "k3 to k5", "SE on"}

func newEffects(stages []solver.StageEffect) []effect {
	var out []effect
	for s, e := range stages {
		for kind, v := range []solver.Effect{e.Depth, e.Expansion, e.Kernel, e.SqueezeExcite} {
			if v.Count > 0 {
				out = append(out, effect{stage: s, kind: kind, Effect: v})
			}
		}
	}
	return out
}

// contributionSort is the column the table is sorted by.
type contributionSort int

const (
	sortPerMS contributionSort = iota
	sortAccuracy
	sortLatency
	sortStage
	sortCount
)

var contributionSortNames = [sortCount]string{"points per ms", "points", "ms", "stage"}

// contributionsView is the state of the table.
type contributionsView struct {
	sort contributionSort
	row  int
}

func sortEffects(effects []effect, by contributionSort) {
	key := func(e effect) float64 {
		switch by {
		case sortAccuracy:
			return -e.Accuracy
		case sortLatency:
			return -e.LatencyMS
		case sortStage:
			return float64(e.stage*len(effectNames) + e.kind)
		}
		return -worth(e.Effect)
	}
	sort.SliceStable(effects, func(i, j int) bool { return key(effects[i]) < key(effects[j]) })
}

// worth is points per millisecond; what gains at no cost comes first.
func worth(e solver.Effect) float64 {
	v := e.PerMS()
	if math.IsNaN(v) || (e.LatencyMS <= 0 && e.Accuracy > 0) {
		return math.Inf(1)
	}
	return v
}

func (a *App) nextSort() tea.Cmd {
	a.contrib.sort = (a.contrib.sort + 1) % sortCount
	a.contrib.row = 0
	sortEffects(a.effects, a.contrib.sort)
	return nil
}

// drawContributions shows which kind of decision pays, stage by stage (the
// paper's insight). It belongs to predictor and table, not to the budget.
func (a *App) drawContributions(s *screen, r rect) {
	t := s.theme
	effects := a.effects
	if len(effects) == 0 {
		a.drawLines(s, r, []string{"the effects of decisions add up only in a bilinear predictor:", a.keyOf("predictor") + " chooses one"})
		return
	}
	s.text(r.x, r.y, r.w, t.dim, fmt.Sprintf(" %-8s%-15s%8s%9s%9s", "stage", "decision", "points", "ms", "pt/ms"))
	full := 0.0
	for _, e := range effects {
		if v := worth(e.Effect); !math.IsInf(v, 1) {
			full = max(full, v)
		}
	}
	top := scrollTop(a.contrib.row, len(effects), r.h-1)
	for i := range min(r.h-1, len(effects)-top) {
		e, y := &effects[top+i], r.y+1+i
		selected := top+i == a.contrib.row && a.focus == paneContributions
		s.row(r, y, selected, t.text, e.text(s.glyphs))
		const bar = 51
		s.bar(r.x+bar, y, min(20, r.w-bar-1), over(selected, t.accuracyBar, t), min(worth(e.Effect), full), full)
	}
}
