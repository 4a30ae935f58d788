package tui

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/job"
	"github.com/binas-tui/binas-tui/method"
	"github.com/binas-tui/binas-tui/sanitize"
)

// methodChoices is what the forms of the method's steps begin with: what was
// chosen last.
type methodChoices struct {
	run, data string // as typed: names or folders
	preset    string
	num       int
	networks  int // of the estimator
	kind      string
}

func defaultMethodChoices() methodChoices {
	return methodChoices{run: "digits", data: "digits", preset: "small", num: 1000, networks: 10, kind: fit.Bilinear}
}

// openMethod chooses a step of the method: training, sampling, fitting.
func (a *App) openMethod() tea.Cmd {
	m := &menu{title: "Train and fit", hint: "enter to choose, esc to close"}
	for _, step := range method.Steps() {
		m.items = append(m.items, item{label: string(step), detail: step.About(), choose: func(a *App) tea.Cmd { return a.openStep(step) }})
	}
	a.dialog = m
	return nil
}

// stepForm is the form of one step.
type stepForm struct {
	form
	runtimeFinder
	step method.Step
}

func (a *App) openStep(step method.Step) tea.Cmd {
	if (step == method.FineTune || step == method.Validate) && !a.hasSolution() {
		a.warn("no network is shown: " + a.keyOf("budget-up") + " raises the budget")
		return nil
	}
	f := &stepForm{step: step}
	f.form = form{title: string(step) + ": " + step.About(), fields: f.rows, status: f.found}
	a.dialog = f
	if step == method.Fit { // needs no ONNX Runtime
		f.status = func() (string, bool) { return "fits on samples.jsonl of the run", false }
		return nil
	}
	return f.find(a.opts.Library)
}

func (f *stepForm) rows(a *App) []formRow {
	c := &a.method
	text := func(label string, v *string) formRow {
		return formRow{label: label, value: sanitize.Line(*v), edit: func(a *App) tea.Cmd { return f.editText(a, label, v) }}
	}
	rows := []formRow{text("run folder", &c.run)}
	training := false
	switch f.step {
	case method.Pipeline, method.Heaviest, method.OneShot, method.FineTune:
		training = true
	}
	if f.step != method.Fit {
		rows = append(rows, text("data set", &c.data))
	}
	if training {
		rows = append(rows, formRow{label: "preset", value: c.preset, step: stepThrough(&c.preset, []string{"small", "paper"})})
	}
	switch f.step {
	case method.Sample:
		rows = append(rows, formRow{label: "networks", value: fmt.Sprint(c.num), step: stepThrough(&c.num, []int{100, 250, 500, 1000, 2000, 5000})})
	case method.Contribute:
		rows = append(rows, formRow{label: "networks", value: fmt.Sprint(c.networks), step: stepThrough(&c.networks, []int{1, 2, 5, 10, 20, 50})})
	case method.Fit, method.Pipeline:
		rows = append(rows, formRow{label: "predictor", value: c.kind, step: stepThrough(&c.kind, []string{fit.Bilinear, fit.Quadratic, fit.MLP})})
	}
	if f.missing() {
		return append(rows, formRow{label: "install ONNX Runtime", start: (*App).startInstall})
	}
	return append(rows, formRow{label: "start, or go on", start: func(a *App) tea.Cmd { return a.startStep(f.step) }})
}

// editText asks for a field of the form and comes back to it.
func (f *stepForm) editText(a *App, label string, v *string) tea.Cmd {
	a.dialog = newEntry(string(f.step), label+": ", *v, func(a *App, text string) (tea.Cmd, error) {
		if text == "" && label == "run folder" {
			return nil, errors.New("no folder given: expected a name such as digits, or a folder")
		}
		*v = text
		a.dialog = f
		return nil, nil
	})
	return nil
}

// request is the step as it is asked for now.
func (a *App) request(step method.Step) method.Request {
	c := a.method
	r := method.Request{
		Step: step, Run: method.DefaultRun(expandHome(c.run)), Data: expandHome(c.data), Preset: c.preset, Kind: c.kind,
		Inactive: a.setup.Inactive, Library: a.opts.Library,
	}
	switch step {
	case method.Sample:
		r.Num = c.num
	case method.Contribute:
		r.Num = c.networks
	case method.FineTune, method.Validate:
		r.Architecture = a.space().Architecture(a.solution.Path.Clone())
	}
	return r
}

// startStep starts a step as a job, unless it runs already.
func (a *App) startStep(step method.Step) tea.Cmd {
	r := a.request(step)
	name := r.Name()
	for _, j := range a.jobs {
		if j.State == job.Running && j.Name == name {
			a.warn(sanitize.Line(name) + " is running already: " + a.keyOf("show-jobs") + " shows it")
			return nil
		}
		if j.State == job.Running && !a.isMethod(j.Name) {
			a.warn(sanitize.Line(j.Name) + " is still running: training would disturb it; wait for it or cancel it first")
			return nil
		}
	}
	a.setFocus(paneJobs)
	a.jobRow = len(a.jobs)
	work := a.services.method
	return a.startAgain(name, func(ctx context.Context, j *job.Job) (any, error) { return work(ctx, r, j) })
}

// startAgain starts a job and remembers how, so that it can go on after it was
// cancelled.
func (a *App) startAgain(name string, work func(context.Context, *job.Job) (any, error)) tea.Cmd {
	if a.works == nil {
		a.works = map[string]func(context.Context, *job.Job) (any, error){}
	}
	a.works[name] = work
	return a.startJob(name, work)
}

// isMethod tells the method's jobs from measurements.
func (a *App) isMethod(name string) bool { return a.works[name] != nil }

// resumeJob starts the job under the cursor again: it goes on where it was.
func (a *App) resumeJob() tea.Cmd {
	if len(a.jobs) == 0 {
		a.say("nothing has been started yet: " + a.keyOf("method") + " trains and fits, " + a.keyOf("measure") + " measures")
		return nil
	}
	j := a.jobs[a.jobRow]
	work := a.works[j.Name]
	switch {
	case j.State == job.Running && j.Paused:
		return a.pauseJob()
	case j.State == job.Running:
		a.say(sanitize.Line(j.Name) + " is running")
		return nil
	case work == nil:
		a.say("start it again from its menu: " + a.keyOf("measure"))
		return nil
	}
	for _, other := range a.jobs {
		if other.State == job.Running && other.Name == j.Name {
			a.say(sanitize.Line(j.Name) + " is running already")
			return nil
		}
	}
	a.jobRow = len(a.jobs)
	return a.startAgain(j.Name, work)
}

// pauseJob lets the job under the cursor rest, or go on.
func (a *App) pauseJob() tea.Cmd {
	if len(a.jobs) == 0 || a.jobs[a.jobRow].State != job.Running {
		a.say("no running job is under the cursor")
		return nil
	}
	// The runner publishes the change before it returns, and what is published
	// comes back through Update: asking from here would wait for itself.
	j, runner := a.jobs[a.jobRow], a.runner
	ask := func(change func(int)) tea.Cmd {
		return guard(func() tea.Msg {
			change(j.ID)
			return nil
		})
	}
	switch {
	case j.Paused:
		a.say(sanitize.Line(j.Name) + " goes on")
		return ask(runner.Resume)
	case !a.isMethod(j.Name):
		a.say("a measurement cannot be paused: " + a.keyOf("cancel-job") + " cancels it, and it goes on when it is started again")
	default:
		a.say(sanitize.Line(j.Name) + " rests at its next step: " + a.keyOf("pause-job") + " lets it go on")
		return ask(runner.Pause)
	}
	return nil
}

// predictorWritten takes note of a predictor that a job has written and offers
// it.
func (a *App) predictorWritten(file, how string) {
	known := false
	for _, s := range a.written {
		known = known || s.Path == file
	}
	if !known {
		a.written = append(a.written, explore.Source{Name: strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)) + " of " + filepath.Base(filepath.Dir(file)), Path: file})
	}
	a.offered = file
	a.say(fmt.Sprintf("%s%s: %s explores with it", sanitize.Line(filepath.Base(file)), how, a.keyOf("use-measured")))
}
