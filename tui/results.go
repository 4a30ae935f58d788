package tui

import (
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/steps"
)

// results are what jobs, of this session and of earlier ones, have left to
// explore with.
type results struct {
	tables     []explore.Source // of run folders
	predictors []explore.Source // of run folders
	fits       []steps.Fitted   // how they did, the newest last
	accuracies map[string][]steps.Accuracy
	offered    offer
}

// offer is what a job has made last: a table, a predictor or both.
type offer struct{ lut, predictor string }

// find looks into run folders in the background.
func (a *App) find(runs func() []string) tea.Cmd {
	services := a.services
	return a.background(func() func() tea.Cmd {
		folders := runs()
		found := services.found(folders...)
		return func() tea.Cmd {
			a.foundRuns(folders, found)
			return nil
		}
	})
}

func (a *App) foundRuns(folders []string, found steps.Found) {
	atStart := len(a.method.runs) == 0
	for _, folder := range folders {
		a.addRun(steps.RunName(folder))
	}
	if atStart && len(folders) > 0 {
		a.method.run = a.method.runs[0] // it may have been cut off
	}
	a.take(found)
}

// addRun lists a run among those that forms offer.
func (a *App) addRun(name string) {
	if !slices.Contains(a.method.runs, name) {
		a.method.runs = append(a.method.runs, name)
	}
}

// take takes in what run folders hold. What is known already stays, but for
// accuracies that were measured again.
func (a *App) take(f steps.Found) {
	for _, t := range f.Tables {
		addSource(&a.results.tables, t)
	}
	for _, p := range f.Predictors {
		addSource(&a.results.predictors, p)
	}
	for _, fit := range f.Fits {
		if !slices.ContainsFunc(a.results.fits, func(g steps.Fitted) bool { return g.File == fit.File }) {
			a.results.fits = append(a.results.fits, fit)
		}
	}
	for _, acc := range f.Accuracies {
		a.addAccuracy(acc)
	}
}

// addSource lists a file of a run folder, once.
func addSource(list *[]explore.Source, s explore.Source) {
	if !slices.ContainsFunc(*list, func(o explore.Source) bool { return o.Path == s.Path }) {
		*list = append(*list, s)
	}
}

func (a *App) addAccuracy(acc steps.Accuracy) {
	if acc.Images == 0 {
		return
	}
	if a.results.accuracies == nil {
		a.results.accuracies = map[string][]steps.Accuracy{}
	}
	same := func(o steps.Accuracy) bool {
		return o.Run == acc.Run && o.Weights == acc.Weights && o.Data == acc.Data
	}
	of := slices.DeleteFunc(a.results.accuracies[acc.Architecture], same)
	a.results.accuracies[acc.Architecture] = append(of, acc)
}

// fittedNow takes note of a predictor that a job has fitted and offers it.
func (a *App) fittedNow(f steps.Fitted) {
	a.results.fits = slices.DeleteFunc(a.results.fits, func(g steps.Fitted) bool { return g.File == f.File })
	a.results.fits = append(a.results.fits, f)
	how := sanitize.Sprintf(" is fitted, Kendall tau %.3f", f.Kendall)
	if flat := flatText(f); flat != "" {
		how = " is fitted, and " + flat
	}
	a.offerPredictor(f.File, f.LUT, how)
}

// offerPredictor lists a predictor that a job has written, with the table of its
// run where there is one, and offers them.
func (a *App) offerPredictor(file, lut, how string) {
	s := steps.PredictorOf(file)
	addSource(&a.results.predictors, s)
	if lut != "" {
		addSource(&a.results.tables, steps.TableOf(lut))
	}
	a.results.offered = offer{lut, file}
	a.say(fmt.Sprintf("%s%s: %s explores with it", s.Name, how, a.keyOf("use-measured")))
}

// useMeasured explores with the table or the predictor that a job made last.
func (a *App) useMeasured() tea.Cmd {
	o := a.results.offered
	switch {
	case o == offer{}:
		return a.say("nothing was made yet: " + a.keyOf("measure") + " measures a table, " + a.keyOf("method") + " fits a predictor")
	case o.lut == "":
		o.lut = a.engine.LUTName
	case o.predictor == "":
		o.predictor = a.engine.PredictorName
	}
	return a.openSetup(a.engine.Profile, o.lut, o.predictor)
}

// measuredAccuracies are those of the network shown, the newest last: what it was
// found to reach, beside what is predicted.
func (a *App) measuredAccuracies() []steps.Accuracy {
	if len(a.results.accuracies) == 0 || !a.hasSolution() {
		return nil
	}
	return a.results.accuracies[a.space().Architecture(a.solution.Path).String()]
}

// flatText says that a fitted predictor cannot tell networks apart; "" where it can.
func flatText(f steps.Fitted) string {
	if f.FitReport == nil || f.Evaluation == nil || f.Report == nil {
		return ""
	}
	return fit.Flat(f.Predicted, f.Least, f.Most)
}
