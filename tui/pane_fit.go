package tui

import (
	"fmt"
	"math"
	"slices"

	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/steps"
)

// paneFit is the name of the pane of how well the predictor predicts.
const paneFit paneID = "fit"

// fitPane shows predicted against measured accuracy of networks that the predictor
// was not fitted on, and how sure its figures are.
type fitPane struct{ card }

func newFitPane() *fitPane {
	return &fitPane{card{id: paneFit, name: "Fit", question: "how well does the predictor predict networks it was not fitted on?",
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

func (p *fitPane) draw(a *App, s *screen, r rect) {
	t := s.theme
	f, ok := a.fitted()
	if !ok || f.Fitted == nil || f.Evaluation == nil || len(f.Predicted) < 2 {
		lines := []string{
			"no predictor of a run was found:",
			a.keyOf("method") + " samples networks of a trained supernet and fits a predictor on them",
			"in use: " + a.engine.PredictorName + ", " + a.engine.AccuracySource(),
		}
		if u := a.engine.Uncertainty; u != nil && a.hasSolution() {
			lines = append(lines, fmt.Sprintf("the network shown: %s ± %s %%; %s of it would remain with any number of samples",
				formatNumber(a.solution.Accuracy, 2), a.deviationText(), formatNumber(u.Noise(), 2)))
		}
		s.lines(r, lines)
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
	s.text(r.x+1, r.y, r.w-2, t.text, name)
	s.text(r.x+1, r.y+1, r.w-2, t.dim, fmt.Sprintf("%s, fitted on %d networks; %d networks, %s", f.Kind, f.Samples, len(f.Predicted), how))
	s.text(r.x+1, r.y+2, r.w-2, t.text, fmt.Sprintf("Kendall %s  Spearman %s  MSE %s", interval(f.Kendall, f.Kendall95), interval(f.Spearman, f.Spearman95), interval(f.MSE, f.MSE95)))
	if flat := flatText(f); flat != "" {
		s.text(r.x+1, r.y+3, r.w-2, t.warn, flat)
	}
	x0, x1 := bounds(f.Predicted)
	y0, y1 := bounds(f.Evaluation.Measured)
	lo, hi := min(x0, y0), max(x1, y1)
	margin := max((hi-lo)*0.05, 0.01)
	area := rect{r.x + 8, r.y + 5, r.w - 10, r.h - 7}
	scatter(s, area, lo-margin, hi+margin, lo-margin, hi+margin, "predicted %", "measured %", nil, func(mark func(x, y float64, st string)) {
		for i, x := range f.Predicted {
			mark(x, f.Evaluation.Measured[i], "o")
		}
	})
}

// interval writes a figure with its 95% interval.
func interval(v float64, i fit.Interval) string {
	text := formatNumber(v, 3)
	if i.High > i.Low {
		text += fmt.Sprintf(" (%s to %s)", formatNumber(i.Low, 3), formatNumber(i.High, 3))
	}
	return text
}

func bounds(values []float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		lo, hi = min(lo, v), max(hi, v)
	}
	return lo, hi
}
