package tui

import (
	"fmt"
	"math"
	"sort"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// contributionsPane shows which kind of decision pays, stage by stage (the paper's
// insight). It belongs to predictor and table, not to the budget.
type contributionsPane struct {
	card
	sort  contributionSort
	table effectTable // that was prepared
}

func newContributionsPane() *contributionsPane {
	return &contributionsPane{card: card{id: paneContributions, name: "Contributions", short: "pays", question: "which kind of decision pays, stage by stage?"}}
}

func (p *contributionsPane) keys() []action {
	return []action{
		{"sort", []string{"s"}, "Contributions", "sort by the next column", "sort", p.nextSort},
		{"contributions-go", []string{"enter", "space"}, "Contributions", "go to the stage under the cursor in the architecture", "go here", func(a *App) tea.Cmd {
			if all := p.effects(a, a.glyphSet()).effects; len(all) > 0 {
				return a.goToDecision(decision{all[min(p.row, len(all)-1)].stage, -1})
			}
			return nil
		}},
	}
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
	glyphs     *cell.Glyphs
	effects    []effect
	most       float64 // points per millisecond of those that are not free
}

// effects is the table to show: the one that was prepared, if it is still that.
func (p *contributionsPane) effects(a *App, g *cell.Glyphs) effectTable {
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
				per = cell.Signed(v, 2, g)
				t.most = max(t.most, v)
			}
			text := fmt.Sprintf("stage %d %-15s%8s%9s%9s", s+1, effectNames[kind], cell.Signed(e.Accuracy, 2, g), cell.Signed(e.LatencyMS, 2, g), per)
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

func (p *contributionsPane) prepare(a *App, _ cell.Rect) { p.table = p.effects(a, a.glyphSet()) }

func (p *contributionsPane) nextSort(*App) tea.Cmd {
	p.sort, p.row = (p.sort+1)%sortCount, 0
	return nil
}

func (p *contributionsPane) rows(a *App, r cell.Rect) cell.Rows {
	return cell.Rows{N: len(p.effects(a, a.glyphSet()).effects), At: r.Below(1)}
}

// click on the header sorts.
func (p *contributionsPane) click(a *App, _ cell.Rect, _, y int) tea.Cmd {
	if y > 0 {
		return nil
	}
	return p.nextSort(a)
}

func (p *contributionsPane) draw(a *App, s *cell.Screen, r cell.Rect) {
	table := p.effects(a, s.Glyphs)
	if len(table.effects) == 0 {
		s.Lines(r, []string{"the effects of decisions add up only in a bilinear predictor:", a.keyOf("predictor") + " chooses one"})
		return
	}
	s.Text(r.X, r.Y, r.W, s.Theme.Dim, fmt.Sprintf(" %-8s%-15s%8s%9s%9s", "stage", "decision", "points", "ms", "pt/ms"))
	p.drawRows(a, s, p.rows(a, r), func(i int, l cell.Row) {
		e := &table.effects[i]
		l.Text(1, r.W, s.Theme.Text, e.text)
		const bar = 51
		l.Bar(bar, min(20, r.W-bar-1), s.Theme.AccuracyBar, min(worth(e.Effect), table.most), table.most)
	})
}
