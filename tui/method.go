package tui

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/param"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/tui/form"
)

// methodChoices is what the forms of the method's steps begin with: what was
// chosen last.
type methodChoices struct {
	run, data string // as typed: names or folders
	runs      []string
	tasks     map[steps.Step]steps.Task // as they were asked for
}

func newMethodChoices() methodChoices {
	return methodChoices{run: "digits", data: "digits", tasks: map[steps.Step]steps.Task{}}
}

// openMethod chooses a step of the method: training, sampling, fitting.
func (a *App) openMethod() tea.Cmd {
	m := &menu{Title: "Train and fit"}
	for _, step := range steps.Steps() {
		m.Items = append(m.Items, item{Label: string(step), Detail: step.About(), Choose: func(a *App) tea.Cmd { return a.openStep(step) }})
	}
	return a.Open(m)
}

// stepForm is the form of one step: its rows are the parameters of the task. What
// the run folder holds is looked up in the background.
type stepForm struct {
	baseForm
	runtimeFinder
	task    steps.Task // as it is asked for
	all     bool       // those that are not common are shown too
	noData  string     // an example data set that has not been made
	cost    string     // what the step will take, once that was asked for
	looks   int        // times that was looked up
	opened  bool       // the first look is over
	planned bool
	plan    steps.Plan
	planErr error
}

func (a *App) openStep(step steps.Step) tea.Cmd {
	if step.OfNetwork() && !a.hasSolution() {
		return a.warn("no network is shown: " + a.keyOf("budget-up") + " raises the budget")
	}
	f := &stepForm{task: a.taskOf(step)}
	f.baseForm = baseForm{Title: string(step) + ": " + step.About(), Fields: f.rows, Status: f.note, Helps: true}
	a.dialog = f
	if !step.NeedsRuntime() {
		return f.look(a)
	}
	return tea.Batch(f.find(a, a.opts.Library), f.look(a))
}

// taskOf is a step as it was asked for last, on the run and the network of now.
func (a *App) taskOf(step steps.Step) steps.Task {
	t, ok := a.method.tasks[step]
	if !ok {
		t = steps.New(step)
		a.method.tasks[step] = t
	}
	c := t.Shared()
	c.Run, c.Library, c.Forms = steps.DefaultRun(expandHome(a.method.run)), a.opts.Library, true
	if v, ok := t.Values().Named("data"); ok && step != steps.Export { // which needs none
		*v.Pointer().(*string) = expandHome(a.method.data)
	}
	if v, ok := t.Values().Named("inactive_blocks"); ok && !c.Given["inactive_blocks"] {
		*v.Pointer().(*string) = a.setup.Inactive.String()
	}
	if step.OfNetwork() {
		steps.OfNetwork(t, a.space().Architecture(a.solution.Path).String())
	}
	return t
}

// look asks for the settings of the step in the run folder.
func (f *stepForm) look(a *App) tea.Cmd {
	f.looks++
	f.planned, f.planErr, f.cost = false, nil, ""
	t, services, look := steps.Clone(f.task), a.services, f.looks
	return a.background(func() func() tea.Cmd {
		plan, err := services.plan(t)
		found, noData := services.found(t.Shared().Run), services.missingExample(t)
		return func() tea.Cmd {
			a.take(found)
			if f.looks == look { // else it has asked for another meanwhile
				f.planned, f.plan, f.planErr, f.noData = true, plan, err, noData
				f.takePlan(a)
			}
			return nil
		}
	})
}

// takePlan shows what the step would be done with.
func (f *stepForm) takePlan(a *App) {
	if data := f.plan.Data; data != "" && data != a.method.data {
		a.method.data = data
		f.task = a.taskOf(f.task.Step())
	}
	if !f.opened && f.plan.Begun {
		f.Row = len(f.rows(a)) - 1 // enter resumes
	}
	f.opened = true
}

func (f *stepForm) note() (text string, bad bool) {
	switch {
	case f.missing():
		return f.found()
	case f.noData != "":
		e, _ := steps.ExampleNamed(f.noData)
		return "the " + f.noData + " data set has not been made: it is " + e.About, true
	case f.planErr != nil:
		return sanitize.Line(f.planErr.Error()), true
	case f.plan.Refused != nil:
		return sanitize.Line(f.plan.Refused.Error()), true
	case f.plan.Begun:
		return "this run was begun: it resumes with the settings that it has", false
	case f.plan.Have > 0:
		i := f.plan.Recorded
		return fmt.Sprintf("there are %d networks, each evaluated on %d images of %s", f.plan.Have, i.Images, sanitize.Line(i.Data)), false
	case f.task.Step() == steps.Fit:
		return "there are no samples yet: " + string(steps.Sample) + " makes them", true
	case f.plan.Note != "":
		return f.plan.Note, false
	case !f.task.Step().NeedsRuntime():
		return "", false
	}
	return f.found()
}

// shown is the task with what the run or the preset has, once that is known.
func (f *stepForm) shown() steps.Task {
	if f.planned && f.planErr == nil {
		return f.plan.Task
	}
	return f.task
}

// commonRows is how many rows a form shows at first, with the one for the others,
// that of what the step takes and that which starts.
const commonRows = 8

func (f *stepForm) rows(a *App) []formRow {
	known := f.planned && f.planErr == nil
	estimable := known && !f.plan.Begun && f.task.Step().Estimable()
	common := commonRows - 2
	if estimable {
		common--
	}
	var rows, others []formRow
	values := f.shown().Values()
	first := map[string]int{"run": -2, "data": -1}
	if f.task.Step() == steps.Export { // its data is for int8 alone
		first = map[string]int{"onnx": -4, "checkpoint": -3, "precision": -2, "data": -1}
	}
	slices.SortStableFunc(values, func(v, w param.Value) int { return first[v.Key] - first[w.Key] })
	for _, v := range values {
		where := v.Key == "run" || v.Key == "data"
		if v.NoForm != "" || !known && !where && v.Key != "preset" {
			continue
		}
		if len(rows) < common && !v.Rare {
			rows = append(rows, f.rowOf(a, v))
		} else {
			others = append(others, f.rowOf(a, v))
		}
	}
	if len(others) > 0 {
		more := formRow{Label: "more", Value: fmt.Sprintf("%d others", len(others)), Help: "shows the parameters that are seldom changed", Verb: "show or hide"}
		if f.all {
			more.Value, more.Help = "shown", "hides the parameters that are seldom changed"
		}
		more.Step = func(n int) tea.Cmd {
			f.all = n > 0
			return nil
		}
		more.Edit = func(*App) tea.Cmd {
			f.all = !f.all
			return nil
		}
		if rows = append(rows, more); f.all {
			rows = append(rows, others...)
		}
	}
	switch {
	case f.missing():
		return append(rows, f.remedy()...)
	case f.noData != "":
		make := func(a *App) tea.Cmd { return a.startExample(f.noData) }
		return append(rows, formRow{Label: "make it now", Help: "makes the data set as a job; then choose this step again", Start: make})
	}
	if estimable {
		r := formRow{Label: "what it takes", Value: f.cost, Help: "trains some steps and evaluates some networks, in about a minute, to say what the step will take", Edit: f.estimate, Verb: "measure"}
		switch {
		case a.runs(estimateOf(f.shown())):
			r.Value = "is being measured"
		case f.cost == "":
			r.Value = "not measured yet"
		}
		rows = append(rows, r)
	}
	label := "start"
	if f.plan.Begun || f.plan.Have > 0 && f.task.Step() != steps.Fit {
		label = "resume"
	}
	return append(rows, formRow{Label: label, Help: "does the step as a job: " + a.keyOf("show-jobs") + " shows it, and the explorer goes on", Start: f.startStep})
}

var placeholder = regexp.MustCompile("(, `N`)|`([^`]*)`")

// formHelp is the usage of a flag where there is no flag: what stands for its value is
// a word, or not there.
func formHelp(usage string) string {
	return placeholder.ReplaceAllStringFunc(usage, func(s string) string {
		if strings.HasPrefix(s, ",") {
			return ""
		}
		return strings.ReplaceAll(strings.ToLower(strings.Trim(s, "`")), "|", " or ")
	})
}

func (f *stepForm) rowOf(a *App, v param.Value) formRow {
	r := formRow{Label: v.FormLabel(), Value: v.Shown(), Help: formHelp(v.FlagUsage())}
	if meant := f.plan.Meant[v.Key]; meant != "" && v.IsZero() {
		r.Value = meant
	}
	switch {
	case v.Key == "run":
		r.Value = a.method.run
	case v.Key == "data" && f.task.Step() != steps.Export:
		r.Value = a.method.data
	}
	r.Value = sanitize.Line(r.Value)
	if f.plan.Kept[v.Key] {
		if !f.plan.Begun && f.plan.Have == 0 {
			r.Value += " (same as heaviest)"
		}
		return r
	}
	options := v.Options()
	if v.Zero != "" && len(options) > 0 {
		options = append([]string{v.Zero}, options...)
	}
	now := v.String()
	switch {
	case v.Key == "run" && len(a.method.runs) > 1:
		options, now = a.method.runs, a.method.run
	case v.Key == "data":
		options = nil
		for _, e := range steps.Examples() {
			options = append(options, e.Name)
		}
	}
	if len(options) > 0 {
		r.Step = func(n int) tea.Cmd {
			at := slices.Index(options, now)
			if n < 0 || v.Key != "data" { // from none of the data sets on comes the first
				at = max(at, 0)
			}
			cmd, _ := f.give(a, v, options[min(max(at+n, 0), len(options)-1)]) // an option of the table
			return cmd
		}
	}
	if len(options) == 0 || v.Key == "run" || v.Key == "data" {
		r.Edit = func(a *App) tea.Cmd {
			e := form.NewEntry(string(f.task.Step()), v.FormLabel()+": ", r.Value, func(a *App, text string) (tea.Cmd, error) { return f.give(a, v, text) })
			e.Back = f
			return a.Open(e)
		}
	}
	return r
}

// give takes a value for a parameter of the step, as it was typed or chosen.
func (f *stepForm) give(a *App, v param.Value, text string) (tea.Cmd, error) {
	switch v.Key {
	case "run":
		if text == "" {
			return nil, errors.New("no folder given: expected a name such as digits, or a folder")
		}
		a.method.run = text
	case "data":
		if err := steps.Give(f.task, v.Key, text); err != nil {
			return nil, err
		}
		if f.task.Step() != steps.Export {
			if begins := f.task.Step() == steps.Pipeline || f.task.Step() == steps.Heaviest; begins && text != "" &&
				a.method.run == filepath.Base(a.method.data) { // a run named after its data
				a.method.run = filepath.Base(text)
			}
			a.method.data = text
		}
	default:
		if text == f.plan.Meant[v.Key] && text != "" {
			text = v.Zero
		}
		shown := steps.Clone(f.shown())
		if err := steps.Give(shown, v.Key, text); err != nil {
			return nil, err
		}
		if c, ok := shown.(interface{ Check() error }); ok && f.planned {
			if err := c.Check(); err != nil {
				return nil, err
			}
		}
		if err := steps.Give(f.task, v.Key, text); err != nil {
			return nil, err
		}
	}
	f.task = a.taskOf(f.task.Step())
	return f.look(a), nil
}

// startStep starts the step of the form, unless something has to come first.
func (f *stepForm) startStep(a *App) tea.Cmd {
	if err := cmp.Or(f.planErr, f.plan.Refused); err != nil {
		a.dialog = f
		return a.warn(sanitize.Line(err.Error()))
	}
	return a.startTask(steps.Clone(f.shown()))
}

// estimateOf is the name of the job that measures what a step will take.
func estimateOf(t steps.Task) string { return "estimate of " + steps.Name(t) }

// estimate measures what the step will take, as a job; the form stays.
func (f *stepForm) estimate(a *App) tea.Cmd {
	if a.measuringNow() {
		return nil
	}
	t, services := steps.Clone(f.shown()), a.services
	return a.startJob(estimateOf(t), func(ctx context.Context, j *job.Job) (any, error) { return services.estimate(ctx, t, j) })
}

// estimated takes in what a job has found a step to take.
func (a *App) estimated(name string, e steps.Estimate) {
	a.say(sanitize.Line(name) + ": " + e.Short())
	if f, ok := a.dialog.(*stepForm); ok && f.planned && estimateOf(f.shown()) == name {
		f.cost = e.Short()
	}
}

func (a *App) runs(name string) bool {
	_, runs := a.findJob(func(j job.Snapshot) bool { return j.Name == name && j.State == job.Running })
	return runs
}

// inTheWay reports, and says, that a step of the method runs already, or that
// something is measured, which it would disturb.
func (a *App) inTheWay(name string) bool {
	for _, j := range a.jobs {
		switch {
		case j.State != job.Running:
		case j.Name == name:
			a.warn(sanitize.Line(name) + " is running already: " + a.keyOf("show-jobs") + " shows it")
			return true
		case !a.isMethod(j.Name):
			a.warn(sanitize.Line(j.Name) + " is still running: training would disturb it; wait for it or cancel it first")
			return true
		}
	}
	return false
}

// startTask starts a step as a job, unless it runs already.
func (a *App) startTask(t steps.Task) tea.Cmd {
	name := steps.Name(t)
	if a.inTheWay(name) {
		return nil
	}
	a.addRun(a.method.run)
	a.setFocus(paneJobs)
	do := a.services.method
	return a.startAgain(name, work{do: func(ctx context.Context, j *job.Job) (any, error) { return do(ctx, steps.Clone(t), j) }})
}

// isMethod tells the method's jobs from measurements.
func (a *App) isMethod(name string) bool {
	w, ok := a.works[name]
	return ok && !w.measure
}

// resumeJob starts the job under the cursor again, which resumes where it stopped.
func (a *App) resumeJob() tea.Cmd {
	j, ok := a.currentJob()
	if !ok {
		return a.say("nothing has been started yet: " + a.keyOf("method") + " trains and fits, " + a.keyOf("measure") + " measures")
	}
	w, again := a.works[j.Name]
	switch {
	case j.State == job.Running && j.Paused:
		return a.pauseJob()
	case j.State == job.Running:
		return a.say(sanitize.Line(j.Name) + " is running")
	case !again, w.measure && j.State == job.Done:
		return a.say("start it again from its menu: " + a.keyOf("measure"))
	case w.measure && a.measuringNow(), !w.measure && a.inTheWay(j.Name):
		return nil
	}
	return a.startAgain(j.Name, w)
}

// pauseJob pauses or resumes the job under the cursor.
func (a *App) pauseJob() tea.Cmd {
	j, _ := a.currentJob()
	if j.State != job.Running || len(a.jobs) == 0 {
		return a.say("no running job is under the cursor")
	}
	// The runner publishes the change before it returns, and what is published
	// comes back through Update: asking from here would wait for itself.
	runner := a.runner
	ask := func(change func(int)) tea.Cmd {
		return guard(func() tea.Msg {
			change(j.ID)
			return nil
		})
	}
	switch {
	case j.Paused:
		a.say(sanitize.Line(j.Name) + " resumes")
		return ask(runner.Resume)
	case !a.isMethod(j.Name):
		a.say("a measurement cannot be paused: " + a.keyOf("cancel-job") + " cancels it, and it resumes when it is started again")
	default:
		a.say(sanitize.Line(j.Name) + " rests at its next step: " + a.keyOf("pause-job") + " resumes it")
		return ask(runner.Pause)
	}
	return nil
}
