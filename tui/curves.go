package tui

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// drawPartial shows what a job has of its result so far, below its progress, and
// returns how many lines that took.
func (a *App) drawPartial(s *cell.Screen, r cell.Rect, result any) int {
	switch p := result.(type) {
	case training.Progress:
		return drawTraining(s, r, p)
	case steps.Trained:
		return drawTraining(s, r, p.Progress)
	case steps.Validated:
		s.Text(r.X+1, r.Y, r.W-2, s.Theme.Text, p.Accuracy.String())
		s.Text(r.X+1, r.Y+1, r.W-2, s.Theme.Text, sanitize.Sprintf("top-5 %s %%, loss %s, %.0f images/s", cell.Number(p.Top5, 2), cell.Number(p.Loss, 3), p.ImagesPerSecond))
		return min(2, r.H)
	case steps.Finished:
		s.Text(r.X+1, r.Y, r.W-2, s.Theme.Text, "report: "+p.Report)
		return min(1, r.H)
	case steps.Ranked:
		return a.drawRankings(s, r, p)
	case steps.Networks:
		return a.drawNetworks(s, r, p)
	case steps.Sampled:
		return a.drawPartial(s, r, p.Samples)
	case evaluation.Samples:
		text, ok := samplesNote(p)
		if !ok || r.H < 1 {
			return 0
		}
		s.Text(r.X+1, r.Y, r.W-2, s.Theme.Text, text)
		return 1 + s.Graph(cell.At(r.X, r.Y+1, r.W, min(r.H-1, 12)), "accuracy of the networks, sorted, %", sorted(p))
	case *evaluation.Contribution:
		if p == nil || r.H < 1 {
			return 0
		}
		text := fmt.Sprintf("decisions pinned in %d networks, base %s %%", p.Networks, cell.Number(p.Base, 2))
		if spread := p.MedianSpread(); !math.IsNaN(spread) {
			text += fmt.Sprintf(", standard error %s pt", cell.Number(spread, 2))
		}
		s.Text(r.X+1, r.Y, r.W-2, s.Theme.Text, text)
		return 1
	}
	return 0
}

// drawRankings lists the predictors of a pipeline.
func (a *App) drawRankings(s *cell.Screen, r cell.Rect, p steps.Ranked) int {
	n := min(len(p.Rankings), r.H)
	for i, ranking := range p.Rankings[:n] {
		text := fmt.Sprintf("%-18s Kendall %s on %d networks", ranking.Predictor, cell.Number(ranking.Metrics.Kendall, 3), len(p.Measured))
		if ranking.Predictor == p.Chosen {
			text += ", searched with"
		}
		s.Text(r.X+1, r.Y+i, r.W-2, s.Theme.Text, text)
	}
	return n
}

// drawNetworks lists the networks that a pipeline has chosen.
func (a *App) drawNetworks(s *cell.Screen, r cell.Rect, p steps.Networks) int {
	n := min(len(p.List), r.H)
	for i, network := range p.List[:n] {
		s.Text(r.X+1, r.Y+i, r.W-2, s.Theme.Text, fmt.Sprintf("%-12s %s ms  predicted %s %%  fine-tuned %s %%",
			network.Name, a.ms(network.LatencyMS), cell.Number(network.Predicted, 2), cell.Number(network.FineTuned, 2)))
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
	return fmt.Sprintf("%d networks sampled, last %s %%, best %s %%", len(p), cell.Number(p[len(p)-1].Accuracy, 2), cell.Number(best, 2)), true
}

// drawTraining shows a training's curves: loss, and beside or below it accuracy.
func drawTraining(s *cell.Screen, r cell.Rect, p training.Progress) int {
	if r.H < 1 {
		return 0
	}
	text := fmt.Sprintf("%s  epoch %d of %d  step %d of %d", p.Stage, p.Epoch, p.Epochs, p.Step, p.Steps)
	if n := len(p.Loss.Values); n > 0 {
		text += "  loss " + cell.Number(p.Loss.Values[n-1], 3)
	}
	for _, sc := range p.Scores {
		text += fmt.Sprintf("  %s %s %%", sc.Network, cell.Number(sc.Top1, 2))
	}
	if p.ImagesPerSecond > 0 {
		text += sanitize.Sprintf("  %.0f images/s", p.ImagesPerSecond)
	}
	s.Text(r.X+1, r.Y, r.W-2, s.Theme.Text, text)
	accuracy, caption := [][]float64{p.Top1.Values}, "top-1 on training images, %"
	if names, curves := validated(p); len(curves) > 0 {
		accuracy, caption = curves, "top-1 on held-out images, %: "+strings.Join(names, ", ")
	}
	area := cell.At(r.X, r.Y+1, r.W, r.H-1)
	if r.W >= 90 {
		half := r.W / 2
		area.H = min(area.H, 14)
		n := s.Graph(cell.At(area.X, area.Y, half, area.H), "training loss", p.Loss.Values)
		m := s.Graph(cell.At(area.X+half, area.Y, r.W-half, area.H), caption, accuracy...)
		return 1 + max(n, m)
	}
	n := s.Graph(cell.At(area.X, area.Y, area.W, max(min(area.H/2, 9), min(area.H, 5))), "training loss", p.Loss.Values)
	return 1 + n + s.Graph(cell.At(area.X, area.Y+n, area.W, min(area.H-n, 9)), caption, accuracy...)
}

// validated are the curves of the networks that are validated after each epoch.
func validated(p training.Progress) (names []string, curves [][]float64) {
	for _, c := range p.Validation {
		if len(c.Values) > 1 {
			names, curves = append(names, c.Name), append(curves, c.Values)
		}
	}
	return names, curves
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
