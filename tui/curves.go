package tui

import (
	"fmt"
	"math"
	"slices"

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
		return 1 + s.Graph(cell.At(r.X, r.Y+1, r.W, min(r.H-1, 12)), "accuracy, %", "networks, by accuracy", sorted(p))
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
	loss := []cell.Curve{epochs(p, "loss", p.Loss, true)}
	accuracy, caption := []cell.Curve{epochs(p, "training", p.Top1, true)}, "top-1 on training images, %"
	if curves := validated(p); len(curves) > 0 {
		accuracy, caption = curves, "top-1 on held-out images, %"
	}
	area := cell.At(r.X, r.Y+1, r.W, r.H-1)
	if r.W >= 90 {
		half := r.W / 2
		area.H = min(area.H, 14)
		n := s.Graph(cell.At(area.X, area.Y, half, area.H), "training loss", "epoch", loss...)
		m := s.Graph(cell.At(area.X+half, area.Y, r.W-half, area.H), caption, "epoch", accuracy...)
		return 1 + max(n, m)
	}
	n := s.Graph(cell.At(area.X, area.Y, area.W, max(min(area.H/2, 9), min(area.H, 5))), "training loss", "epoch", loss...)
	return 1 + n + s.Graph(cell.At(area.X, area.Y+n, area.W, min(area.H-n, 9)), caption, "epoch", accuracy...)
}

// epochs is a curve over the epochs of a training.
func epochs(p training.Progress, name string, c training.Curve, smooth bool) cell.Curve {
	out := cell.Curve{Name: name, Y: c.Values, Smooth: smooth}
	for _, step := range c.Steps {
		out.X = append(out.X, float64(step)*float64(p.Epochs)/float64(max(p.Steps, 1)))
	}
	return out
}

// validated are the curves of the networks that are validated after each epoch.
func validated(p training.Progress) (curves []cell.Curve) {
	for _, c := range p.Validation {
		if len(c.Values) > 1 {
			curves = append(curves, epochs(p, c.Name, c.Curve, false))
		}
	}
	return curves
}

// sorted are the accuracies of samples, the least first.
func sorted(p evaluation.Samples) cell.Curve {
	out := cell.Curve{Name: "accuracy"}
	for i, s := range p {
		out.X, out.Y = append(out.X, float64(i+1)), append(out.Y, s.Accuracy)
	}
	slices.Sort(out.Y)
	return out
}
