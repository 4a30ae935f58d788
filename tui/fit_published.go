package tui

import (
	"fmt"
	"math"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/fit/published"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// builtInFit is how well the built-in predictor predicts the published networks that
// it was fitted on, each left out once.
type builtInFit struct {
	asked     bool
	predictor model.Predictor // that it is of; nil is not known
	report    published.Report
}

// askBuiltInFit fits the networks again, each left out once, in the background, where
// the pane is shown and nothing is known of the predictor in use.
func (a *App) askBuiltInFit() tea.Cmd {
	if a.builtIn.asked || !a.layout.panes[paneFit].Shown() || a.engine.PredictorInfo.Samples != len(published.Networks()) || a.space().ImageSize != published.ImageSize {
		return nil
	}
	a.builtIn.asked = true
	space, predictor := a.space(), a.engine.Predictor
	return a.background(func() func() tea.Cmd {
		_, report, err := published.Fit(space)
		return func() tea.Cmd {
			if err == nil && predictor == a.engine.Predictor {
				a.builtInFitted(report)
			}
			return nil
		}
	})
}

func (a *App) builtInFitted(report published.Report) {
	for i, n := range published.Networks() { // it is that predictor, and no other of as many networks
		path, err := a.space().Path(n.Architecture)
		if err != nil || math.Abs(a.engine.Accuracy(path)-report.Predictions[i].Fitted) > 0.005 {
			return
		}
	}
	a.builtIn.predictor, a.builtIn.report = a.engine.Predictor, report
}

// builtInShown reports that the fit of the predictor in use is known to be that of the
// built-in one.
func (a *App) builtInShown() bool {
	return a.builtIn.predictor != nil && a.builtIn.predictor == a.engine.Predictor
}

// drawBuiltInFit draws the predictions of networks left out against what was published.
func (a *App) drawBuiltInFit(s *cell.Screen, r cell.Rect) {
	t, report := s.Theme, a.builtIn.report
	s.Text(r.X+1, r.Y, r.W-2, t.Text, a.engine.PredictorName+": fitted on the published networks, which are all it knows")
	s.Text(r.X+1, r.Y+1, r.W-2, t.Dim, fmt.Sprintf("%d networks, each left out of the fit once", report.Networks))
	s.Text(r.X+1, r.Y+2, r.W-2, t.Text, fmt.Sprintf("Kendall %s  error %s pt on average, %s at worst", cell.Number(report.Kendall, 3), cell.Number(report.LeaveOneOutMAE, 2), cell.Number(report.LeaveOneOutWorst, 2)))
	var points []cell.ScatterPoint
	for i, n := range published.Networks() {
		p := report.Predictions[i]
		points = append(points, cell.ScatterPoint{X: p.LeaveOneOut, Y: p.Top1, Mark: n.Mark()})
	}
	cell.Scatter(s, cell.At(r.X+8, r.Y+5, r.W-10, r.H-7), "predicted %", "published %", points)
}
