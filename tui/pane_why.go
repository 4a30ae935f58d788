package tui

import (
	"fmt"
	"math"
	"sort"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// whyPane shows, for the decision under the cursor of the architecture, what each
// alternative would change by itself, what is left of that at the present prices of
// the limits (net), and what accuracy at this budget would lose if it were pinned
// and all else chosen anew.
type whyPane struct{ card }

func newWhyPane() *whyPane {
	return &whyPane{card{id: paneWhy, name: "Why", short: "why", question: "why this choice and not another, at this price?"}}
}

func (p *whyPane) keys() []action {
	return []action{{"pin-alternative", []string{"enter", "space"}, "Pins", "pin the alternative under the cursor instead", "pin this", p.pin}}
}

func (p *whyPane) title(a *App) string {
	d, ok := a.current()
	switch {
	case !ok:
		return p.name
	case d.block < 0:
		return "Why " + d.label(a.space()) + " has " + d.of(a.space(), a.solution.Path)
	}
	return "Why " + d.label(a.space()) + " is " + d.of(a.space(), a.solution.Path)
}

// alternative is another choice for the decision under the cursor.
type alternative struct {
	label  string
	choice int  // option index or depth
	pinned bool // the pins do not allow it
	solver.Change
}

// eachAlternative calls f with every other choice for a decision.
func (a *App) eachAlternative(d decision, f func(alternative)) {
	for _, c := range a.detail.sensitivity.Depths {
		if d.block < 0 && c.Stage == d.stage {
			f(alternative{choice: c.Depth, pinned: c.Pinned, Change: c.Change})
		}
	}
	for _, c := range a.detail.sensitivity.Options {
		if d.block >= 0 && c.Block == d.block {
			f(alternative{choice: c.Option, pinned: c.Pinned, Change: c.Change})
		}
	}
}

// alternatives are the other choices for the decision under the cursor of the
// architecture, the nearest to being chosen first.
func (a *App) alternatives() (out []alternative) {
	d, ok := a.current()
	if !ok {
		return nil
	}
	a.eachAlternative(d, func(alt alternative) {
		alt.label = fmt.Sprintf("depth %d", alt.choice)
		if d.block >= 0 {
			alt.label = a.space().Options[alt.choice].String()
		}
		out = append(out, alt)
	})
	sort.SliceStable(out, func(i, j int) bool { return out[i].ReducedCost > out[j].ReducedCost })
	return out
}

func (p *whyPane) rows(a *App, r cell.Rect) cell.Rows {
	n := 0
	if d, ok := a.current(); ok {
		a.eachAlternative(d, func(alternative) { n++ })
	}
	at := r.Below(1)
	if a.showsCharges(r) {
		at.H--
	}
	return cell.Rows{N: n, At: at}
}

// showsCharges reports that the last line says what each of several limits charges.
func (a *App) showsCharges(r cell.Rect) bool { return len(a.detail.limits) > 0 && r.H > 2 }

func (p *whyPane) draw(a *App, s *cell.Screen, r cell.Rect) {
	t := s.Theme
	alts := a.alternatives()
	if len(alts) == 0 {
		lines := []string{"only a bilinear predictor gives prices:", a.keyOf("predictor") + " chooses one"}
		if a.engine.Bilinear() {
			lines = []string{"no network fits this budget:", a.keyOf("budget-up") + " raises it"}
		}
		s.Lines(r, lines)
		return
	}
	s.Text(r.X, r.Y, r.W, t.Dim, fmt.Sprintf(" %-8s%7s%7s%7s%10s", "instead", "points", "ms", "net", "if pinned"))
	if a.showsCharges(r) {
		alt := alts[min(p.row, len(alts)-1)]
		s.Text(r.X+1, r.Y+r.H-1, r.W-1, t.Dim, alt.label+" pays "+a.detail.charges(alt.Uses, s.Glyphs))
	}
	p.drawRows(a, s, p.rows(a, r), func(i int, l cell.Row) {
		alt := alts[i]
		pinned := ""
		if loss, ok := a.whatIfCost(alt.choice); ok {
			pinned = short3(-loss, s.Glyphs)
			if math.IsInf(loss, 1) {
				pinned = "none fits"
			}
		}
		x := 1 + l.Text(1, r.W, t.Text, fmt.Sprintf("%s%7s%7s%7s%10s", cell.Pad(alt.label, 8), short3(alt.Accuracy, s.Glyphs), short3(alt.LatencyMS, s.Glyphs),
			short3(alt.ReducedCost, s.Glyphs), pinned))
		verdict, st := "loses", t.Dim
		switch {
		case alt.pinned:
			verdict, st = "pinned out", t.Pin
		case a.detail.over(alt.Uses) != "":
			verdict, st = "over "+a.detail.over(alt.Uses), t.Warn
		case alt.ReducedCost > 1e-9:
			verdict, st = "over budget", t.Warn
		case alt.ReducedCost > -1e-9:
			verdict, st = "as good", t.Good
		}
		l.Text(x+1, r.W, st, verdict)
	})
}

// short3 writes a difference in six cells: with three decimals, or as many as fit.
func short3(v float64, g *cell.Glyphs) string {
	decimals := 3
	for most := 9.9995; decimals > 0 && math.Abs(v) >= most; most *= 10 {
		decimals--
	}
	return cell.Signed(v, decimals, g)
}

func (p *whyPane) pin(a *App) tea.Cmd {
	d, ok := a.current()
	alts := a.alternatives()
	if !ok || len(alts) == 0 {
		return nil
	}
	alt := alts[min(p.row, len(alts)-1)]
	pins := a.setup.PinsToChange()
	d.hold(&pins, alt.choice)
	return a.setPins(pins, d.label(a.space())+" is "+alt.label)
}
