package tui

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// methodChoices is what the forms of the method's steps begin with: what was
// chosen last.
type methodChoices struct {
	run, data string // as typed: names or folders
	runs      []string
	preset    string
	order     steps.ClassOrder // of folders of images
	threads   int              // of training
	samples   string
	num       int
	networks  int // of the estimator
	kind      string
	changed   map[string]steps.Plan // by stepForm.asked
}

func newMethodChoices() methodChoices {
	return methodChoices{run: "digits", data: "digits", preset: "small", order: steps.ClassOrders()[0], threads: 2, samples: "samples.jsonl", num: 1000, networks: 10, kind: fit.Bilinear, changed: map[string]steps.Plan{}}
}

// openMethod chooses a step of the method: training, sampling, fitting.
func (a *App) openMethod() tea.Cmd {
	m := &menu{title: "Train and fit", hint: "enter: choose   esc: cancel"}
	for _, step := range steps.Steps() {
		m.items = append(m.items, item{label: string(step), detail: step.About(), choose: func(a *App) tea.Cmd { return a.openStep(step) }})
	}
	a.dialog = m
	return nil
}

// stepForm is the form of one step. What the run folder holds is looked up in
// the background.
type stepForm struct {
	form
	runtimeFinder
	step     steps.Step
	asked    string // what was looked up, or is
	opened   bool   // the first look is over
	followed string // run whose preset was taken
	planned  bool
	plan     steps.Plan
	planErr  error
}

// planMsg is what a step would be done with.
type planMsg struct {
	form *stepForm
	key  string
	plan steps.Plan
	err  error
	also steps.Found // in the run folder
}

func (a *App) openStep(step steps.Step) tea.Cmd {
	if (step == steps.FineTune || step == steps.Validate) && !a.hasSolution() {
		a.warn("no network is shown: " + a.keyOf("budget-up") + " raises the budget")
		return nil
	}
	f := &stepForm{step: step}
	f.form = form{title: string(step) + ": " + step.About(), fields: f.rows, status: f.note}
	a.dialog = f
	if step == steps.Fit { // needs no ONNX Runtime
		return f.look(a)
	}
	return tea.Batch(f.find(a, a.opts.Library), f.look(a))
}

// look asks for the settings of the step in the run folder.
func (f *stepForm) look(a *App) tea.Cmd {
	r, services := a.request(f.step), a.services
	f.asked, f.planned, f.planErr = fmt.Sprint(r.Name(), r.Run, r.Preset, r.Samples), false, nil
	key := f.asked
	a.working++
	return guard(func() tea.Msg {
		plan, err := services.plan(r)
		return planMsg{f, key, plan, err, services.found(r.Run)}
	})
}

func (a *App) planned(msg planMsg) tea.Cmd {
	a.working--
	a.take(msg.also)
	f := msg.form
	if f.asked != msg.key {
		return nil // asked for another meanwhile
	}
	if p := msg.plan.Preset; p != "" && f.followed != a.method.run {
		f.followed = a.method.run
		if p != a.method.preset {
			a.method.preset = p
			return f.look(a)
		}
	}
	f.planned, f.plan, f.planErr = true, msg.plan, msg.err
	if was, ok := a.method.changed[f.asked]; ok && !f.plan.Begun {
		f.plan = was
	}
	if msg.plan.Data != "" {
		a.method.data = msg.plan.Data
	}
	if !f.opened && f.plan.Begun {
		f.row = len(f.rows(a)) - 1 // enter goes on
	}
	f.opened = true
	return nil
}

// note is what the form says below its rows.
func (f *stepForm) note() (text string, bad bool) {
	switch {
	case f.missing():
		return f.found()
	case f.planErr != nil:
		return sanitize.Line(f.planErr.Error()), true
	case f.plan.Begun:
		return "this run was begun: it goes on with the settings that it has", false
	case f.plan.Have > 0:
		i := f.plan.Recorded
		return fmt.Sprintf("there are %d networks, each evaluated on %d images of %s", f.plan.Have, i.Images, sanitize.Line(i.Data)), false
	case f.step == steps.Fit:
		return "there are no samples yet: " + string(steps.Sample) + " makes them", true
	}
	return f.found()
}

func (f *stepForm) rows(a *App) []formRow {
	c := &a.method
	again := func() tea.Cmd { return f.look(a) }
	run := typed(f, "run folder", &c.run, folderName, again)
	if choose := stepThrough(&c.run, c.runs); len(c.runs) > 1 {
		run.step = func(n int) tea.Cmd {
			_ = choose(n)
			return again()
		}
	}
	rows := []formRow{run}
	data := typed(f, "data set", &c.data, anyText, nil)
	switch {
	case f.step == steps.Pipeline && f.plan.Begun:
		rows = append(rows, fixed(data)...)
	case f.step != steps.Fit:
		rows = append(rows, data)
	}
	switch f.step {
	case steps.Pipeline:
		rows = append(rows, f.pipelineRows(a)...)
	case steps.Heaviest, steps.OneShot, steps.FineTune:
		rows = append(rows, f.trainingRows(a)...)
	case steps.Sample:
		rows = append(rows, typed(f, "samples file", &c.samples, fileName, again), typed(f, "networks", &c.num, count(1, 1<<20), nil))
	case steps.Contribute:
		rows = append(rows, typed(f, "networks", &c.networks, count(1, 1<<20), nil))
	case steps.Fit:
		rows = append(rows, typed(f, "samples file", &c.samples, fileName, again),
			formRow{label: "predictor", value: c.kind, step: stepThrough(&c.kind, []string{fit.Bilinear, fit.Quadratic, fit.MLP})})
	}
	if f.missing() {
		return append(rows, f.remedy()...)
	}
	label := "start"
	if f.plan.Begun || f.plan.Have > 0 && f.step != steps.Fit {
		label = "go on"
	}
	return append(rows, formRow{label: label, start: f.startStep})
}

// preset is the row of the preset, which other settings follow.
func (f *stepForm) preset(a *App) formRow {
	choose := stepThrough(&a.method.preset, training.Presets)
	return formRow{label: "preset", value: a.method.preset, step: func(n int) tea.Cmd {
		_ = choose(n)
		return f.look(a)
	}}
}

func (f *stepForm) threads(a *App) formRow {
	return typed(f, "threads", &a.method.threads, count(1, 1024), nil)
}

// trainingRows are the settings of a training that matter most.
func (f *stepForm) trainingRows(a *App) []formRow {
	s := &f.plan.Training
	if !f.planned || f.planErr != nil {
		return []formRow{f.preset(a)}
	}
	check := func() error { return s.Check() }
	rows := []formRow{
		setting(f, "epochs", &s.Epochs, strconv.Atoi, check),
		setting(f, "batch size", &s.BatchSize, strconv.Atoi, check),
		setting(f, "learning rate", &s.LR, decimal, check),
	}
	if f.step == steps.OneShot {
		rows = append(rows,
			chosen("sampling", &s.Sampling, []training.Sampling{training.SampleBatch, training.SampleSandwich, training.SampleImage}),
			setting(f, "paths", &s.Paths, strconv.Atoi, check))
	}
	rows = append(rows,
		chosen("augmentation", &s.Augment, []string{"none", "digits", "cifar", "imagenet"}),
		trainShare(f, &s.TrainPercent, check),
		setting(f, "seed", &s.Seed, seed, check))
	if f.step != steps.Heaviest {
		i := slices.IndexFunc(rows, func(r formRow) bool { return r.label == trainShareLabel })
		rows[i] = formRow{label: rows[i].label, value: rows[i].value + " (same as heaviest)"}
	}
	if f.plan.Begun {
		return append(fixed(rows...), f.threads(a))
	}
	if f.step == steps.Heaviest {
		rows = append(rows, chosen("class order", &a.method.order, steps.ClassOrders()))
	}
	return append(append([]formRow{f.preset(a)}, rows...), f.threads(a))
}

// pipelineRows are the settings of a pipeline that matter most.
func (f *stepForm) pipelineRows(a *App) []formRow {
	s := &f.plan.Pipeline
	if !f.planned || f.planErr != nil {
		return []formRow{f.preset(a)}
	}
	check := func() error { return s.Check() }
	whole := func(label string, v *int) formRow { return setting(f, label, v, strconv.Atoi, check) }
	rows := []formRow{
		unlessSet(setting(f, "latency table", &s.LUT, tableName, check), "measured here"),
		in("px", setting(f, "image size", &s.ImageSize, numberIn("px"), check)),
		whole("heaviest epochs", &s.HeaviestEpochs), whole("oneshot epochs", &s.OneShotEpochs), whole("tuning epochs", &s.FineTuneEpochs),
		unlessSet(whole("batch size", &s.BatchSize), ofStages(s.Preset, func(t training.Settings) any { return t.BatchSize })),
		chosen("sampling", &s.Sampling, []string{string(training.SampleBatch), string(training.SampleSandwich), string(training.SampleImage)}),
		whole("paths", &s.Paths),
		trainShare(f, &s.TrainPercent, check),
		chosen("statistics", &s.BN, []string{evaluation.Running, evaluation.Recalibrated}),
		whole("samples", &s.Samples), whole("test samples", &s.TestSamples), unlessSet(whole("their images", &s.SampleImages), "all"),
		whole("pinned networks", &s.Contributions), whole("images of each", &s.PinnedImages),
		chosen("search with", &s.Predictor, steps.Predictors()),
		whole("budgets", &s.Budgets), whole("random networks", &s.Random),
		unlessSet(whole("latency rounds", &s.MeasureRounds), "the usual number"),
		setting(f, "seed", &s.Seed, seed, check),
		chosen("class order", &s.ClassOrder, steps.ClassOrders()),
	}
	if f.plan.Begun {
		return append(fixed(rows...), f.threads(a))
	}
	rates := formRow{label: "learning rates", value: ofStages(s.Preset, func(t training.Settings) any { return t.LR })}
	return append(append([]formRow{f.preset(a), rates}, rows...), f.threads(a))
}

// unlessSet is a row that shows what is meant where its setting is 0 or empty.
func unlessSet(r formRow, meant string) formRow {
	if r.value == "0" || r.value == "" {
		r.value = meant
	}
	return r
}

// ofStages is what a preset settles for heaviest, oneshot and finetune.
func ofStages(preset string, of func(training.Settings) any) string {
	var values []string
	for _, stage := range []training.Stage{training.Heaviest, training.OneShot, training.FineTune} {
		values = append(values, fmt.Sprint(of(training.Preset(preset, stage))))
	}
	return strings.Join(values, ", ") + ": the preset's, stage by stage"
}

// fixed are rows that are shown and not changed.
func fixed(rows ...formRow) []formRow {
	out := make([]formRow, len(rows))
	for i, r := range rows {
		out[i] = formRow{label: r.label, value: r.value}
	}
	return out
}

// chosen is a row to step through values.
func chosen[T ~string](label string, v *T, values []T) formRow {
	return formRow{label: label, value: string(*v), step: stepThrough(v, values)}
}

// setting is a row of a setting that is typed; check says whether the settings
// can be worked with.
func setting[T any](f *stepForm, label string, v *T, parse func(string) (T, error), check func() error) formRow {
	return typed(f, label, v, func(text string) (T, error) {
		was := *v
		x, err := parse(text)
		if err != nil {
			return was, readable(text, was)
		}
		*v = x
		err = check()
		*v = was
		return x, err
	}, nil)
}

const trainShareLabel = "train share"

// trainShare is the row of the share of the training images that is trained on.
func trainShare(f *stepForm, percent *int, check func() error) formRow {
	return in("%", setting(f, trainShareLabel, percent, numberIn("%"), check))
}

// in is a row whose value has a unit.
func in(unit string, r formRow) formRow {
	r.value += " " + unit
	return r
}

// numberIn reads a whole number with or without its unit.
func numberIn(unit string) func(string) (int, error) {
	return func(text string) (int, error) { return strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(text, unit))) }
}

// readable says what was expected in place of a text.
func readable(text string, v any) error {
	want := "a number"
	switch v.(type) {
	case int, uint64:
		want = "a whole number"
	}
	return fmt.Errorf("%.40q: expected %s", sanitize.Line(text), want)
}

func decimal(text string) (float64, error) { return strconv.ParseFloat(text, 64) }
func seed(text string) (uint64, error)     { return strconv.ParseUint(text, 10, 64) }

// tableName is a latency table, or "" to measure one.
func tableName(text string) (string, error) {
	if text == "measure" {
		return "", nil
	}
	return text, nil
}

func anyText(text string) (string, error) {
	return text, nil
}

func folderName(text string) (string, error) {
	if text == "" {
		return "", errors.New("no folder given: expected a name such as digits, or a folder")
	}
	return text, nil
}

func fileName(text string) (string, error) {
	if text == "" || text != filepath.Base(text) || filepath.Ext(text) != ".jsonl" {
		return "", fmt.Errorf("%.40q: expected a file of the run folder such as samples.jsonl", sanitize.Line(text))
	}
	return text, nil
}

// count reads a number in a range.
func count(least, most int) func(string) (int, error) {
	return func(text string) (int, error) {
		n, err := strconv.Atoi(text)
		if err != nil || n < least || n > most {
			return 0, fmt.Errorf("%.40q: expected a whole number from %d to %d", sanitize.Line(text), least, most)
		}
		return n, nil
	}
}

// typed is a row whose value is typed. The form comes back afterwards, and then
// is what else there is to do.
func typed[T any](f *stepForm, label string, v *T, parse func(string) (T, error), then func() tea.Cmd) formRow {
	value := fmt.Sprint(*v)
	return formRow{label: label, value: sanitize.Line(value), edit: func(a *App) tea.Cmd {
		e := newEntry(string(f.step), label+": ", value, func(a *App, text string) (tea.Cmd, error) {
			x, err := parse(text)
			if err != nil {
				return nil, err
			}
			*v = x
			if f.planned && !f.plan.Begun {
				a.method.changed[f.asked] = f.plan
			}
			if then != nil {
				return then(), nil
			}
			return nil, nil
		})
		e.back = f
		a.dialog = e
		return nil
	}}
}

// request is the step as it is asked for now.
func (a *App) request(step steps.Step) steps.Request {
	c := a.method
	r := steps.Request{
		Step: step, Run: steps.DefaultRun(expandHome(c.run)), Data: expandHome(c.data), Preset: c.preset, ClassOrder: c.order, Threads: c.threads, Kind: c.kind,
		Samples: c.samples, Inactive: a.setup.Inactive, Library: a.opts.Library,
	}
	switch step {
	case steps.Sample:
		r.Num = c.num
	case steps.Contribute:
		r.Num = c.networks
	case steps.FineTune, steps.Validate:
		r.Architecture = a.space().Architecture(a.solution.Path.Clone())
	}
	return r
}

// startStep starts the step of the form, unless something has to come first.
func (f *stepForm) startStep(a *App) tea.Cmd {
	if f.planErr != nil {
		a.warn(sanitize.Line(f.planErr.Error()))
		return nil
	}
	r := a.request(f.step)
	if f.planned {
		a.method.changed[f.asked] = f.plan
		plan := f.plan
		r.Training, r.Pipeline = &plan.Training, &plan.Pipeline
	}
	return a.startRequest(r)
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

// startRequest starts a step as a job, unless it runs already.
func (a *App) startRequest(r steps.Request) tea.Cmd {
	name := r.Name()
	if a.inTheWay(name) {
		return nil
	}
	a.addRun(a.method.run)
	a.setFocus(paneJobs)
	a.panes.jobs.row = len(a.jobs)
	do := a.services.method
	return a.startAgain(name, work{do: func(ctx context.Context, j *job.Job) (any, error) { return do(ctx, r, j) }})
}

// isMethod tells the method's jobs from measurements.
func (a *App) isMethod(name string) bool {
	w, ok := a.works[name]
	return ok && !w.measure
}

// resumeJob starts the job under the cursor again: it goes on where it was.
func (a *App) resumeJob() tea.Cmd {
	j, ok := a.currentJob()
	if !ok {
		a.say("nothing has been started yet: " + a.keyOf("method") + " trains and fits, " + a.keyOf("measure") + " measures")
		return nil
	}
	w, again := a.works[j.Name]
	switch {
	case j.State == job.Running && j.Paused:
		return a.pauseJob()
	case j.State == job.Running:
		a.say(sanitize.Line(j.Name) + " is running")
		return nil
	case !again, w.measure && j.State == job.Done:
		a.say("start it again from its menu: " + a.keyOf("measure"))
		return nil
	case w.measure && a.measuringNow(), !w.measure && a.inTheWay(j.Name):
		return nil
	}
	a.panes.jobs.row = len(a.jobs)
	return a.startAgain(j.Name, w)
}

// pauseJob lets the job under the cursor rest, or go on.
func (a *App) pauseJob() tea.Cmd {
	j, _ := a.currentJob()
	if j.State != job.Running || len(a.jobs) == 0 {
		a.say("no running job is under the cursor")
		return nil
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
