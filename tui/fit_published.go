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

// builtInFitMsg is the answer.
type builtInFitMsg struct {
	predictor model.Predictor
	report    published.Report
	err       error
}

// askBuiltInFit fits the networks again, each left out once, in the background, where
// the pane is shown and nothing is known of the predictor in use.
func (a *App) askBuiltInFit() tea.Cmd {
	if a.builtIn.asked || !a.layout.panes[paneFit].Shown() || a.engine.PredictorInfo.Samples != len(published.Networks()) || a.space().ImageSize != published.ImageSize {
		return nil
	}
	a.builtIn.asked = true
	a.working++
	space, predictor := a.space(), a.engine.Predictor
	return guard(func() tea.Msg {
		_, report, err := published.Fit(space)
		return builtInFitMsg{predictor, report, err}
	})
}

func (a *App) builtInFitted(msg builtInFitMsg) {
	a.working--
	if msg.err != nil || msg.predictor != a.engine.Predictor {
		return
	}
	for i, n := range published.Networks() { // it is that predictor, and no other of as many networks
		path, err := a.space().Path(n.Architecture)
		if err != nil || math.Abs(a.engine.Accuracy(path)-msg.report.Predictions[i].Fitted) > 0.005 {
			return
		}
	}
	a.builtIn.predictor, a.builtIn.report = msg.predictor, msg.report
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
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, p := range report.Predictions {
		lo, hi = min(lo, p.LeaveOneOut, p.Top1), max(hi, p.LeaveOneOut, p.Top1)
	}
	margin := (hi - lo) * 0.05
	networks := published.Networks()
	cell.Scatter(s, cell.At(r.X+8, r.Y+5, r.W-10, r.H-7), lo-margin, hi+margin, lo-margin, hi+margin, "predicted %", "published %", nil, func(mark func(x, y float64, st string)) {
		for i, p := range report.Predictions {
			mark(p.LeaveOneOut, p.Top1, networks[i].Mark())
		}
	})
}
