package tui

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/guptarohit/asciigraph"

	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// drawPartial shows what a job has of its result so far, below its progress, and
// returns how many lines that took.
func (a *App) drawPartial(s *screen, r rect, result any) int {
	switch p := result.(type) {
	case training.Progress:
		return drawTraining(s, r, p)
	case steps.Tuned:
		return drawTraining(s, r, p.Progress)
	case steps.Validated:
		s.text(r.x+1, r.y, r.w-2, s.theme.text, sanitize.Line(p.Accuracy.String()))
		s.text(r.x+1, r.y+1, r.w-2, s.theme.text, sanitize.Sprintf("top-5 %s %%, loss %s, %.0f images/s", formatNumber(p.Top5, 2), formatNumber(p.Loss, 3), p.ImagesPerSecond))
		return min(2, r.h)
	case steps.Finished:
		s.text(r.x+1, r.y, r.w-2, s.theme.text, "report: "+sanitize.Line(p.Report))
		return min(1, r.h)
	case steps.Ranked:
		return a.drawRankings(s, r, p)
	case steps.Networks:
		return a.drawNetworks(s, r, p)
	case evaluation.Samples:
		text, ok := samplesNote(p)
		if !ok || r.h < 1 {
			return 0
		}
		s.text(r.x+1, r.y, r.w-2, s.theme.text, text)
		return 1 + drawGraph(s, rect{r.x, r.y + 1, r.w, min(r.h-1, 12)}, "accuracy of the networks, sorted, %", sorted(p))
	case *evaluation.Contribution:
		if p == nil || r.h < 1 {
			return 0
		}
		text := fmt.Sprintf("decisions pinned in %d networks, base %s %%", p.Networks, formatNumber(p.Base, 2))
		if spread := p.MedianSpread(); !math.IsNaN(spread) {
			text += fmt.Sprintf(", standard error %s pt", formatNumber(spread, 2))
		}
		s.text(r.x+1, r.y, r.w-2, s.theme.text, text)
		return 1
	}
	return 0
}

// drawRankings lists the predictors of a pipeline.
func (a *App) drawRankings(s *screen, r rect, p steps.Ranked) int {
	n := min(len(p.Rankings), r.h)
	for i, ranking := range p.Rankings[:n] {
		text := fmt.Sprintf("%-18s Kendall %s on %d networks", ranking.Predictor, formatNumber(ranking.Metrics.Kendall, 3), len(p.Measured))
		if ranking.Predictor == p.Chosen {
			text += ", searched with"
		}
		s.text(r.x+1, r.y+i, r.w-2, s.theme.text, text)
	}
	return n
}

// drawNetworks lists the networks that a pipeline has chosen.
func (a *App) drawNetworks(s *screen, r rect, p steps.Networks) int {
	n := min(len(p.List), r.h)
	for i, network := range p.List[:n] {
		s.text(r.x+1, r.y+i, r.w-2, s.theme.text, fmt.Sprintf("%-12s %s ms  predicted %s %%  fine-tuned %s %%",
			sanitize.Line(network.Name), a.ms(network.LatencyMS), formatNumber(network.Predicted, 2), formatNumber(network.FineTuned, 2)))
	}
	return n
}

// samplesNote says how many networks were sampled, the last and the best.
func samplesNote(p evaluation.Samples) (string, bool) {
	if len(p) == 0 {
		return "", false
	}
	best := p[0].Accuracy
	for _, s := range p {
		best = max(best, s.Accuracy)
	}
	return fmt.Sprintf("%d networks sampled, last %s %%, best %s %%", len(p), formatNumber(p[len(p)-1].Accuracy, 2), formatNumber(best, 2)), true
}

// drawTraining shows a training's curves: loss, and beside or below it accuracy.
func drawTraining(s *screen, r rect, p training.Progress) int {
	if r.h < 1 {
		return 0
	}
	text := fmt.Sprintf("%s  epoch %d of %d  step %d of %d", p.Stage, p.Epoch, p.Epochs, p.Step, p.Steps)
	if n := len(p.Loss.Values); n > 0 {
		text += "  loss " + formatNumber(p.Loss.Values[n-1], 3)
	}
	for _, sc := range p.Scores {
		text += fmt.Sprintf("  %s %s %%", sanitize.Line(sc.Network), formatNumber(sc.Top1, 2))
	}
	if p.ImagesPerSecond > 0 {
		text += sanitize.Sprintf("  %.0f images/s", p.ImagesPerSecond)
	}
	s.text(r.x+1, r.y, r.w-2, s.theme.text, text)
	accuracy, caption := [][]float64{p.Top1.Values}, "top-1 on training images, %"
	if names, curves := validated(p); len(curves) > 0 {
		accuracy, caption = curves, "top-1 on held-out images, %: "+strings.Join(names, ", ")
	}
	area := rect{r.x, r.y + 1, r.w, r.h - 1}
	if r.w >= 90 {
		half := r.w / 2
		area.h = min(area.h, 14)
		n := drawGraph(s, rect{area.x, area.y, half, area.h}, "training loss", p.Loss.Values)
		m := drawGraph(s, rect{area.x + half, area.y, r.w - half, area.h}, caption, accuracy...)
		return 1 + max(n, m)
	}
	n := drawGraph(s, rect{area.x, area.y, area.w, max(min(area.h/2, 9), min(area.h, 5))}, "training loss", p.Loss.Values)
	return 1 + n + drawGraph(s, rect{area.x, area.y + n, area.w, min(area.h-n, 9)}, caption, accuracy...)
}

// validated are the curves of the networks that are validated after each epoch.
func validated(p training.Progress) (names []string, curves [][]float64) {
	for _, c := range p.Validation {
		if len(c.Values) > 1 {
			names, curves = append(names, sanitize.Line(c.Name)), append(curves, c.Values)
		}
	}
	return names, curves
}

// graphRunes are what the ASCII glyph set writes for the lines of a graph.
var graphRunes = strings.NewReplacer("─", "-", "│", "|", "╭", ".", "╮", ".", "╰", "'", "╯", "'", "╴", "-", "╶", "-", "┤", "|", "┼", "+", "└", "'", "┬", "+")

// drawGraph draws curves with a caption below and returns the lines it took; 0
// where there is no room or nothing to draw.
func drawGraph(s *screen, r rect, caption string, curves ...[]float64) int {
	width, height := r.w-12, r.h-2
	var data [][]float64
	for _, c := range curves {
		if len(c) > 1 {
			data = append(data, c)
		}
	}
	if width < 10 || height < 2 || len(data) == 0 {
		return 0
	}
	text := asciigraph.PlotMany(data, asciigraph.Width(width), asciigraph.Height(height), asciigraph.Precision(2))
	if s.glyphs.name == "ascii" {
		text = graphRunes.Replace(text)
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if i < r.h-1 {
			s.text(r.x+1, r.y+i, r.w-2, s.theme.text, line)
		}
	}
	n := min(len(lines), r.h-1)
	s.text(r.x+1, r.y+n, r.w-2, s.theme.dim, caption)
	return n + 1
}

// sorted are the accuracies of samples, the least first.
func sorted(p evaluation.Samples) []float64 {
	out := make([]float64, len(p))
	for i, s := range p {
		out[i] = s.Accuracy
	}
	slices.Sort(out)
	return out
}
