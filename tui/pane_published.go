package tui

import (
	"fmt"
	"sort"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit/published"
	"github.com/binas-tui/binas-tui/tui/cell"
	"github.com/binas-tui/binas-tui/tui/form"
)

// publishedPane compares the published networks with the best that this table
// allows at their latency.
type publishedPane struct {
	card
	filter string // of names
}

func newPublishedPane() *publishedPane {
	return &publishedPane{card: card{id: panePublished, name: "Published networks", short: "published", question: "how do published networks compare on this device?"}}
}

func (p *publishedPane) keys() []action {
	return []action{
		{"filter", []string{"/"}, "Published", "filter the published networks by name", "filter", p.openFilter},
		{"published-go", []string{"enter", "space"}, "Published", "move the budget to this network's latency", "go here", p.budgetToNetwork},
	}
}

// publishedPoint is a published network placed on the table in use.
type publishedPoint struct {
	network   published.Network
	letter    string  // in the plot: A-F BINAS, a-f HardCoRe-NAS
	latencyMS float64 // by the table in use
	predicted float64 // accuracy by the predictor in use
}

// publishedPoints places the published networks that belong to the space, by
// rising latency. Their accuracy is of ImageNet at one image size: beside
// accuracies at another it would say nothing.
func publishedPoints(e *explore.Engine) []publishedPoint {
	var out []publishedPoint
	if e.Space.ImageSize != published.ImageSize {
		return nil
	}
	for _, n := range published.Networks() {
		path, err := e.Space.Path(n.Architecture)
		if err != nil {
			continue // of another width
		}
		p := publishedPoint{network: n, letter: n.Mark(), latencyMS: e.LatencyMS(path), predicted: e.Accuracy(path)}
		out = append(out, p)
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].latencyMS < out[j].latencyMS })
	return out
}

// shown are the networks that pass the filter.
func (p *publishedPane) shown(a *App) []publishedPoint {
	if p.filter == "" {
		return a.published
	}
	var out []publishedPoint
	for _, q := range a.published {
		if strings.Contains(strings.ToLower(q.network.Name), strings.ToLower(p.filter)) {
			out = append(out, q)
		}
	}
	return out
}

// leave shows all networks again.
func (p *publishedPane) leave(*App) bool {
	filtered := p.filter != ""
	p.filter = ""
	return filtered
}

func (p *publishedPane) title(*App) string {
	if p.filter != "" {
		return p.name + " with " + p.filter + " in their name"
	}
	return p.name
}

func (p *publishedPane) rows(a *App, r cell.Rect) cell.Rows {
	return cell.Rows{N: len(p.shown(a)), At: r.Below(1)}
}

func (p *publishedPane) draw(a *App, s *cell.Screen, r cell.Rect) {
	t := s.Theme
	networks := p.shown(a)
	s.Text(r.X, r.Y, r.W, t.Dim, fmt.Sprintf("   %-15s %8s %7s %9s %9s", "network", "ms here", "top-1", "predicted", "best here"))
	if len(networks) == 0 {
		text := "none is of this space and image size: " + a.keyOf("profile") + " chooses the profile"
		if p.filter != "" {
			text = "no name contains " + p.filter + ": " + a.keyOf("filter") + " changes the filter"
		}
		s.Text(r.X+3, r.Y+1, r.W-3, t.Dim, text)
		return
	}
	p.drawRows(a, s, p.rows(a, r), func(i int, l cell.Row) {
		q := networks[i]
		best := ""
		if a.frontier != nil {
			if j := a.frontier.At(q.latencyMS); j >= 0 {
				best = cell.Number(a.frontier.Points[j].Accuracy, 2)
			}
		}
		l.Text(1, 1, t.Published, q.letter)
		l.Text(3, r.W, t.Text, fmt.Sprintf("%-15s %8s %7s %9s %9s", q.network.Name, a.ms(q.latencyMS),
			cell.Number(q.network.Top1, 1), cell.Number(q.predicted, 2), best))
	})
}

func (p *publishedPane) budgetToNetwork(a *App) tea.Cmd {
	networks := p.shown(a)
	if len(networks) == 0 {
		return nil
	}
	a.record(true)
	return a.setLimit(networks[min(p.row, len(networks)-1)].latencyMS)
}

func (p *publishedPane) openFilter(a *App) tea.Cmd {
	return a.Open(form.NewEntry("Filter", "name contains: ", p.filter, func(_ *App, text string) (tea.Cmd, error) {
		p.filter, p.row = ansi.Strip(text), 0
		return nil, nil
	}))
}
