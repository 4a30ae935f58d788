package tui

import (
	"fmt"
	"sort"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit/published"
	"github.com/binas-tui/binas-tui/internal/sanitize"
)

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
		p := publishedPoint{network: n, latencyMS: e.LatencyMS(path), predicted: e.Accuracy(path)}
		p.letter = n.Letter
		if n.Family != published.BINAS {
			p.letter = strings.ToLower(n.Letter)
		}
		out = append(out, p)
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].latencyMS < out[j].latencyMS })
	return out
}

// publishedRows are the points that pass the filter.
func (a *App) publishedRows() []publishedPoint {
	if a.filter == "" {
		return a.published
	}
	var out []publishedPoint
	for _, p := range a.published {
		if strings.Contains(strings.ToLower(p.network.Name), strings.ToLower(a.filter)) {
			out = append(out, p)
		}
	}
	return out
}

// drawPublished compares the published networks with the best this table
// allows at their latency.
func (a *App) drawPublished(s *screen, r rect) {
	t := s.theme
	rows := a.publishedRows()
	head := fmt.Sprintf("   %-15s %8s %7s %9s %9s", "network", "ms here", "top-1", "predicted", "best here")
	s.text(r.x, r.y, r.w, t.dim, head)
	if a.filter != "" {
		s.right(r.x, r.y, r.w, t.warn, "/"+a.filter)
	}
	if len(rows) == 0 {
		text := "none is of this space and image size: " + a.keyOf("profile") + " chooses the profile"
		if a.filter != "" {
			text = "no name contains " + sanitize.Line(a.filter) + ": " + a.keyOf("filter") + " changes the filter"
		}
		s.text(r.x+3, r.y+1, r.w-3, t.dim, text)
		return
	}
	top := scrollTop(a.pubRow, len(rows), r.h-1)
	for i := range min(r.h-1, len(rows)-top) {
		p, y := rows[top+i], r.y+1+i
		selected := top+i == a.pubRow && a.focus == panePublished
		s.row(r, y, selected, t.text, "")
		s.text(r.x+1, y, 1, over(selected, t.published, t), p.letter)
		best := ""
		if a.frontier != nil {
			if j := a.frontier.At(p.latencyMS); j >= 0 {
				best = formatNumber(a.frontier.Points[j].Accuracy, 2)
			}
		}
		line := fmt.Sprintf("%-15s %8s %7s %9s %9s", p.network.Name, a.ms(p.latencyMS),
			formatNumber(p.network.Top1, 1), formatNumber(p.predicted, 2), best)
		s.text(r.x+3, y, r.w-3, over(selected, t.text, t), line)
	}
}

func (a *App) budgetToPublished() tea.Cmd {
	rows := a.publishedRows()
	if len(rows) == 0 {
		return nil
	}
	a.record(true)
	return a.setLimit(rows[min(a.pubRow, len(rows)-1)].latencyMS)
}
