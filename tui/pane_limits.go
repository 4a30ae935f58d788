package tui

import (
	"fmt"
	"math"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/tui/cell"
	"github.com/binas-tui/binas-tui/tui/form"
)

// limitsPane lists the limits: caps, what is used, slack and price.
type limitsPane struct{ card }

func newLimitsPane() *limitsPane {
	return &limitsPane{card{id: paneLimits, name: "Limits", short: "limits", question: "which limit holds the network back, and what is it worth to raise it?",
		key: "B", help: "go to the limits: on parameters, MACs, memory, other devices"}}
}

func (p *limitsPane) keys() []action {
	return []action{
		{"limit-add", []string{"n"}, "Limits", "add a limit", "add", (*App).addLimit},
		{"limit-edit", []string{"enter", "space"}, "Limits", "change the limit under the cursor", "change", p.edit},
		{"limit-remove", []string{"x"}, "Limits", "remove the limit under the cursor", "remove", p.remove},
	}
}

func (p *limitsPane) offers(_ *App, id string) bool { return id != "limit-remove" || p.row > 0 }

// limitRows are the limits: the budget first, then those of the Setup, with what
// the network shown uses of them where that is known.
func (a *App) limitRows() []explore.Limit {
	if a.limited() && a.searchCurrent() && len(a.search.found.Limits) == 1+len(a.engine.Limits) {
		return a.search.found.Limits
	}
	budget := explore.Limit{Cap: a.limitMS, Used: math.NaN(), Slack: math.NaN(), ShadowPrice: math.NaN()}
	if a.hasSolution() {
		budget = explore.LatencyLimit(&a.solution)
	}
	if a.evolving() && !a.engine.Bilinear() { // no price is known
		budget.ShadowPrice, budget.Binding = math.NaN(), false
	}
	rows := []explore.Limit{budget}
	for _, l := range a.setup.Limits {
		l.Used, l.Slack, l.ShadowPrice, l.Binding = math.NaN(), math.NaN(), math.NaN(), false
		rows = append(rows, l)
	}
	return rows
}

// rows are as many as there will be: the engine may not have followed yet.
func (p *limitsPane) rows(a *App, r cell.Rect) cell.Rows {
	return cell.Rows{N: 1 + len(a.setup.Limits), At: r.Below(1)}
}

func (p *limitsPane) draw(a *App, s *cell.Screen, r cell.Rect) {
	t := s.Theme
	limits := a.limitRows()
	name := min(max(r.W-47, 8), 28)
	s.Text(r.X, r.Y, r.W, t.Dim, fmt.Sprintf(" %s%6s%9s%9s%9s%13s", cell.Pad("limit on", name), "", "at most", "used", "slack", "worth of +1"))
	list := p.rows(a, r)
	p.drawRows(a, s, list, func(i int, li cell.Row) {
		l := limits[i]
		amount := func(v float64) string {
			if math.IsNaN(v) {
				return "?"
			}
			return limitAmount(l, v)
		}
		li.Text(1, r.W, t.Text, fmt.Sprintf("%s%6s%9s%9s%9s%13s", cell.Pad(limitLabel(l, name, s.Glyphs), name), "", amount(l.Cap), amount(l.Used), amount(l.Slack), limitPrice(l, s.Glyphs)))
		if l.Binding {
			li.Text(1+name, 6, t.Warn, "binds")
		}
	})
	s.Lines(r.Below(list.N+2), a.limitHelp())
}

// bindingText says which of the limits beside the latency hold the accuracy down;
// "" where none does, or it is not known for the budget shown.
func (a *App) bindingText() string {
	if !a.limited() || !a.searchCurrent() || !a.hasSolution() {
		return ""
	}
	var names []string
	for _, l := range a.limitRows()[1:] {
		switch {
		case l.Binding && l.LUTName != "":
			names = append(names, sourceLabel(l.LUTName))
		case l.Binding:
			names = append(names, l.Name())
		}
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0] + " binds"
	}
	return strings.Join(names, ", ") + " bind"
}

// flatMS is the latency from which nothing improves: where other limits bind from
// there on, it is less than the end of the slider.
func (a *App) flatMS() float64 {
	most := a.engine.MaxLatencyMS()
	if f := a.frontier; a.limited() && !a.coming && f != nil && len(f.Points) > 0 {
		most = min(most, f.Points[len(f.Points)-1].LatencyMS)
	}
	return most
}

// limitLabel names a limit in w cells.
func limitLabel(l explore.Limit, w int, g *cell.Glyphs) string {
	l.LUTName = sourceLabel(l.LUTName)
	text := l.Name()
	if ansi.StringWidth(text) > w {
		text = strings.TrimPrefix(text, "latency ")
	}
	return ansi.Truncate(text, w, g.Ellipsis)
}

// limitAmount writes an amount short enough for its column, latencies with as
// many decimals as the limit needs: two from a millisecond on.
func limitAmount(l explore.Limit, v float64) string {
	if l.Kind == explore.LimitLatency {
		return cell.Number(v, decimalsOf(l.Cap)) + " ms"
	}
	return l.Format(v)
}

// limitPrice is the shadow price per millisecond or million.
func limitPrice(l explore.Limit, g *cell.Glyphs) string {
	switch {
	case math.IsNaN(l.ShadowPrice):
		return "-"
	case l.Kind == explore.LimitLatency:
		return cell.Signed(l.ShadowPrice, 3, g) + " pt/ms"
	}
	return cell.Signed(l.ShadowPrice*1e6, 3, g) + " pt/M"
}

func (a *App) limitHelp() []string {
	if !a.engine.Bilinear() {
		return []string{"limits beside the latency need a bilinear predictor: " + a.keyOf("predictor") + " chooses one"}
	}
	lines := []string{a.keyOf("limit-add") + " adds a limit on parameters, MACs, memory or another device"}
	if len(a.setup.Limits) > 0 {
		lines = append(lines, a.keyOf("limit-edit")+" changes the one under the cursor, "+a.keyOf("limit-remove")+" removes it")
	}
	if a.search.none != "" && a.limited() && a.searchCurrent() {
		lines = append([]string{a.search.none}, lines...)
	}
	return lines
}

func (a *App) addLimit() tea.Cmd {
	if !a.engine.Bilinear() {
		return a.warn("limits beside the latency need a bilinear predictor: " + a.keyOf("predictor") + " chooses one")
	}
	m := &menu{Title: "Limit on"}
	for _, r := range explore.Resources[1:] {
		l := explore.Limit{Kind: r.Kind}
		m.Items = append(m.Items, item{Label: l.Name(), Detail: r.About + ", for example " + r.Example, Choose: func(a *App) tea.Cmd { return a.askCap(l, r.Example, "") }})
	}
	m.Items = append(m.Items, item{Label: "another device", Detail: "latency by another table", Choose: func(a *App) tea.Cmd {
		return a.openTables("Latency table to limit", a.engine.LUTName, func(a *App, name string) tea.Cmd { return a.loadLimitTable(name) })
	}})
	return a.Open(m)
}

func (a *App) loadLimitTable(name string) tea.Cmd {
	space := a.space()
	return a.background(func() func() tea.Cmd {
		lut, err := explore.LoadLUT(name)
		if err == nil {
			if _, err = lut.Table(space); err != nil {
				err = fmt.Errorf("latency table %s: %w", name, err)
			}
		}
		return func() tea.Cmd {
			if err != nil {
				return a.warn(err.Error())
			}
			a.openLater(a.capEntry(explore.Limit{Kind: explore.LimitLatency, LUT: lut, LUTName: name}, "12ms", ""))
			return nil
		}
	})
}

// askCap asks for the amount of a limit; example shows how it is written.
func (a *App) askCap(l explore.Limit, example, value string) tea.Cmd {
	return a.Open(a.capEntry(l, example, value))
}

func (a *App) capEntry(l explore.Limit, example, value string) *entry {
	prompt := "at most: "
	if example != "" {
		prompt = "at most, such as " + example + ": "
	}
	return form.NewEntry("Limit on "+l.Name(), prompt, value, func(a *App, text string) (tea.Cmd, error) {
		var err error
		if l.Cap, err = typedAmount(l.Kind, text); err != nil {
			return nil, err
		}
		limits := slices.Clone(a.setup.Limits)
		if i := slices.IndexFunc(limits, func(o explore.Limit) bool { return o.Name() == l.Name() }); i >= 0 {
			limits[i] = l
		} else if limits = append(limits, l); len(limits) > MaxLimits {
			return nil, fmt.Errorf("%d limits beside the budget: expected at most %d", len(limits), MaxLimits)
		}
		return a.setLimits(limits, l.Name()+" at most "+limitAmount(l, l.Cap)), nil
	})
}

// edit changes the limit under the cursor; the first is the budget.
func (p *limitsPane) edit(a *App) tea.Cmd {
	if p.row == 0 {
		return a.openEntry()
	}
	l := a.setup.Limits[p.row-1]
	return a.askCap(l, "", l.CapText())
}

func (p *limitsPane) remove(a *App) tea.Cmd {
	if p.row == 0 {
		return a.say("the budget stays: " + a.keyOf("budget-most") + " raises it to where it limits nothing")
	}
	limits := slices.Clone(a.setup.Limits)
	name := limits[p.row-1].Name()
	return a.setLimits(slices.Delete(limits, p.row-1, p.row), "no limit on "+name)
}

// setLimits re-solves under other limits.
func (a *App) setLimits(limits []explore.Limit, what string) tea.Cmd {
	a.record(false)
	s := a.setup
	s.Limits = limits
	a.panes.limits.row = min(a.panes.limits.row, len(limits))
	return a.rebuild(s, nil, func(a *App) { a.say(what) })
}

// sameLimits reports that two lists ask for the same.
func sameLimits(a, b []explore.Limit) bool {
	return slices.EqualFunc(a, b, func(x, y explore.Limit) bool { return x.Name() == y.Name() && x.Cap == y.Cap && x.LUT == y.LUT })
}
