package tui

import (
	"fmt"
	"math"
	"sort"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/solver"
)

// paneContributions is the name of the pane of what decisions contribute.
const paneContributions paneID = "contributions"

// contributionsPane shows which kind of decision pays, stage by stage (the paper's
// insight). It belongs to predictor and table, not to the budget.
type contributionsPane struct {
	card
	sort  contributionSort
	table effectTable // that was prepared
}

func newContributionsPane() *contributionsPane {
	return &contributionsPane{card: card{id: paneContributions, name: "Contributions", question: "which kind of decision pays, stage by stage?"}}
}

func (p *contributionsPane) keys() []action {
	return []action{{"sort", []string{"s"}, "Contributions", "sort by the next column", "sort", p.nextSort}}
}

func (p *contributionsPane) title(*App) string {
	return p.name + ", by " + contributionSortNames[p.sort]
}

// effect is one line of the table: what one kind of decision does in one stage.
type effect struct {
	stage int
	kind  int // index into effectNames
	solver.Effect
	text string // the line
}

var effectNames = [...]string{"one block more", "e3 to e6", "k3 to k5", "SE on"}

// kinds are the effects of a stage, as effectNames names them.
func kinds(e solver.StageEffect) [4]solver.Effect {
	return [...]solver.Effect{e.Depth, e.Expansion, e.Kernel, e.SqueezeExcite}
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

// effectTable is the sorted table, of an engine and as a set of glyphs writes it.
type effectTable struct {
	generation int
	sort       contributionSort
	glyphs     *glyphs
	effects    []effect
	most       float64 // points per millisecond of those that are not free
}

// effects is the table to show: the one that was prepared, if it is still that.
func (p *contributionsPane) effects(a *App, g *glyphs) effectTable {
	if p.table.generation == a.engineGeneration && p.table.sort == p.sort && p.table.glyphs == g {
		return p.table
	}
	t := effectTable{generation: a.engineGeneration, sort: p.sort, glyphs: g}
	if !a.engine.Bilinear() {
		return t
	}
	for s, stage := range a.effects {
		for kind, e := range kinds(stage) {
			if e.Count == 0 {
				continue
			}
			per := "free"
			if v := worth(e); !math.IsInf(v, 1) {
				per = signed(v, 2, g)
				t.most = max(t.most, v)
			}
			text := fmt.Sprintf("stage %d %-15s%8s%9s%9s", s+1, effectNames[kind], signed(e.Accuracy, 2, g), signed(e.LatencyMS, 2, g), per)
			t.effects = append(t.effects, effect{s, kind, e, text})
		}
	}
	key := func(e effect) float64 {
		switch p.sort {
		case sortAccuracy:
			return -e.Accuracy
		case sortLatency:
			return -e.LatencyMS
		case sortStage:
			return float64(e.stage*len(effectNames) + e.kind)
		}
		return -worth(e.Effect)
	}
	sort.SliceStable(t.effects, func(i, j int) bool { return key(t.effects[i]) < key(t.effects[j]) })
	return t
}

// worth is points per millisecond; what gains at no cost comes first.
func worth(e solver.Effect) float64 {
	v := e.PerMS()
	if math.IsNaN(v) || (e.LatencyMS <= 0 && e.Accuracy > 0) {
		return math.Inf(1)
	}
	return v
}

func (p *contributionsPane) prepare(a *App, _ rect) { p.table = p.effects(a, a.glyphSet()) }

func (p *contributionsPane) nextSort(*App) tea.Cmd {
	p.sort, p.row = (p.sort+1)%sortCount, 0
	return nil
}

func (p *contributionsPane) rows(a *App, r rect) rows {
	return rows{n: len(p.effects(a, a.glyphSet()).effects), at: r.below(1)}
}

// click on the header sorts.
func (p *contributionsPane) click(a *App, _ rect, _, y int) tea.Cmd {
	if y > 0 {
		return nil
	}
	return p.nextSort(a)
}

func (p *contributionsPane) draw(a *App, s *screen, r rect) {
	table := p.effects(a, s.glyphs)
	if len(table.effects) == 0 {
		s.lines(r, []string{"the effects of decisions add up only in a bilinear predictor:", a.keyOf("predictor") + " chooses one"})
		return
	}
	s.text(r.x, r.y, r.w, s.theme.dim, fmt.Sprintf(" %-8s%-15s%8s%9s%9s", "stage", "decision", "points", "ms", "pt/ms"))
	p.drawRows(a, s, p.rows(a, r), func(i int, l listRow) {
		e := &table.effects[i]
		l.text(1, r.w, s.theme.text, e.text)
		const bar = 51
		l.bar(bar, min(20, r.w-bar-1), s.theme.accuracyBar, min(worth(e.Effect), table.most), table.most)
	})
}
