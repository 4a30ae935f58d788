package tui

import (
	"fmt"
	"slices"

	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// fitPane shows predicted against measured accuracy of networks that the predictor
// was not fitted on, and how sure its figures are.
type fitPane struct{ card }

func newFitPane() *fitPane {
	return &fitPane{card{id: paneFit, name: "Fit", short: "fit", question: "how well does the predictor predict networks it was not fitted on?",
		key: "F", help: "go to the fit: predicted against measured accuracy"}}
}

// fitted is the fit of the predictor in use, or else the last one.
func (a *App) fitted() (f steps.Fitted, ok bool) {
	for _, f := range slices.Backward(a.results.fits) {
		if f.File == a.engine.PredictorName {
			return f, true
		}
	}
	if n := len(a.results.fits); n > 0 {
		return a.results.fits[n-1], true
	}
	return f, false
}

func (p *fitPane) draw(a *App, s *cell.Screen, r cell.Rect) {
	t := s.Theme
	f, ok := a.fitted()
	if a.builtInShown() && f.File != a.engine.PredictorName && (!ok || f.File != a.results.offered.predictor) {
		a.drawBuiltInFit(s, r)
		return
	}
	if !ok || f.FitReport == nil || f.Evaluation == nil || len(f.Predicted) < 2 {
		lines := []string{
			"no predictor of a run was found:",
			a.keyOf("method") + " samples networks of a trained supernet and fits a predictor on them",
			"in use: " + a.engine.PredictorName + ", " + a.engine.AccuracySource(),
		}
		if u := a.engine.Uncertainty; u != nil && a.hasSolution() {
			lines = append(lines, fmt.Sprintf("the network shown: %s ± %s %%; %s of it would remain with any number of samples",
				cell.Number(a.solution.Accuracy, 2), a.deviationText(), cell.Number(u.Noise(), 2)))
		}
		s.Lines(r, lines)
		return
	}
	how := "each left out of the fit once"
	if f.Tested {
		how = "none of them fitted on"
	}
	name := f.File
	if f.File != a.engine.PredictorName {
		name += " (" + a.keyOf("use-measured") + " explores with it)"
	}
	s.Text(r.X+1, r.Y, r.W-2, t.Text, name)
	s.Text(r.X+1, r.Y+1, r.W-2, t.Dim, fmt.Sprintf("%s, fitted on %d networks; %d networks, %s", f.Kind, f.Samples, len(f.Predicted), how))
	s.Text(r.X+1, r.Y+2, r.W-2, t.Text, fmt.Sprintf("Kendall %s  Spearman %s  MSE %s", interval(f.Kendall, f.Kendall95), interval(f.Spearman, f.Spearman95), interval(f.MSE, f.MSE95)))
	if flat := flatText(f); flat != "" {
		s.Text(r.X+1, r.Y+3, r.W-2, t.Warn, flat)
	}
	var points []cell.ScatterPoint
	for i, x := range f.Predicted {
		points = append(points, cell.ScatterPoint{X: x, Y: f.Evaluation.Measured[i], Mark: "o"})
	}
	cell.Scatter(s, cell.At(r.X+8, r.Y+5, r.W-10, r.H-7), "predicted %", "measured %", points)
}

// interval writes a figure with its 95% interval.
func interval(v float64, i fit.Interval) string {
	text := cell.Number(v, 3)
	if i.High > i.Low {
		text += fmt.Sprintf(" (%s to %s)", cell.Number(i.Low, 3), cell.Number(i.High, 3))
	}
	return text
}
