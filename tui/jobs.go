package tui

import (
	"context"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// jobMsg is what a job has become.
type jobMsg job.Snapshot

type work struct {
	do      func(context.Context, *job.Job) (any, error)
	measure bool // nothing else may run beside it, and it cannot rest
}

// startJob runs work in the background; its snapshots come back as jobMsg.
func (a *App) startJob(name string, do func(context.Context, *job.Job) (any, error)) tea.Cmd {
	runner, ctx := a.runner, a.ctx
	return guard(func() tea.Msg {
		return jobMsg(runner.Start(ctx, name, do).Snapshot())
	})
}

// startAgain starts a job and remembers how, so that it can be resumed after it was
// cancelled.
func (a *App) startAgain(name string, w work) tea.Cmd {
	if a.works == nil {
		a.works = map[string]work{}
	}
	a.works[name] = w
	return a.startJob(name, w.do)
}

// tableJob begins the names of jobs that measure tables.
const tableJob = "table "

func (a *App) startTable(want explore.Measuring) tea.Cmd {
	if a.measuringNow() {
		return nil
	}
	a.dialog = &measurement{}
	services := a.services
	return a.startAgain(tableJob+want.TableName(), work{measure: true, do: func(ctx context.Context, j *job.Job) (any, error) {
		return services.table(ctx, want, j)
	}})
}

func (a *App) startNetwork(want explore.Measuring) tea.Cmd {
	if !a.hasSolution() || a.measuringNow() {
		return nil
	}
	arch, predictedMS := a.space().Architecture(a.solution.Path), a.solution.LatencyMS
	if want.ImageSize != a.space().ImageSize || want.Host != a.engine.LUT.Provenance.Host {
		predictedMS = 0 // the table says nothing about this size, or that machine
	}
	services := a.services
	return a.startJob("network", func(ctx context.Context, j *job.Job) (any, error) {
		return services.network(ctx, want, arch, predictedMS, j)
	})
}

func (a *App) startVerify(want explore.Measuring) tea.Cmd {
	if a.measuringNow() {
		return nil
	}
	want.ImageSize = a.space().ImageSize
	table, lut, services := a.engine.LUTName, a.engine.LUT, a.services
	name := map[string]string{"verify": "verification of ", "calibrate": "calibration of "}[a.verifyVerb()]
	return a.startAgain(name+sourceLabel(table), work{measure: true, do: func(ctx context.Context, j *job.Job) (any, error) {
		return services.verify(ctx, want, table, lut, verifiedNetworks, j)
	}})
}

func (a *App) startInstall() tea.Cmd {
	return a.startJob("ONNX Runtime", func(ctx context.Context, j *job.Job) (any, error) {
		return a.services.install(ctx, j)
	})
}

// exampleJob ends the names of jobs that make an example data set.
const exampleJob = " data set"

func (a *App) startExample(name string) tea.Cmd {
	if a.measuringNow() {
		return nil
	}
	a.setFocus(paneJobs)
	example := a.services.example
	return a.startAgain(name+exampleJob, work{measure: true, do: func(ctx context.Context, j *job.Job) (any, error) { return example(ctx, name, j) }})
}

// measuringNow reports, and says, that something is being measured: two
// measurements at once would disturb each other.
func (a *App) measuringNow() bool {
	j, running := a.findJob(func(j job.Snapshot) bool { return j.State == job.Running && !j.Paused })
	if running {
		a.warn(j.Name + " is still running: wait for it or cancel it first")
	}
	return running
}

// jobChanged takes in a snapshot of a job.
func (a *App) jobChanged(s job.Snapshot) tea.Cmd {
	i := slices.IndexFunc(a.jobs, func(j job.Snapshot) bool { return j.ID == s.ID })
	if i < 0 {
		a.jobs = append(a.jobs, job.Snapshot{ID: s.ID})
		i = len(a.jobs) - 1
		a.panes.jobs.row = i
	} else if a.jobs[i].State != job.Running && s.State == job.Running {
		return nil // an older snapshot that came late
	}
	if s.Result == nil {
		s.Result = a.jobs[i].Result
	}
	ended := s.State != job.Running && a.jobs[i].State == job.Running
	a.pipelineHas(a.jobs[i].Result, s.Result)
	a.jobs[i] = s
	if !ended && i < len(a.jobs)-1 {
		return nil
	}
	switch s.State {
	case job.Failed:
		a.warn(s.Name + ": " + s.Err.Error())
	case job.Cancelled:
		text := s.Name + " cancelled"
		if _, again := a.works[s.Name]; again {
			text += ": " + a.keyOf("resume-job") + " in the jobs pane resumes it"
		}
		a.say(text)
	case job.Done:
		if strings.HasSuffix(s.Name, exampleJob) {
			a.say("the " + s.Name + " is made: " + a.keyOf("method") + " trains on it")
		}
		return a.jobDone(s)
	}
	return nil
}

func (a *App) jobDone(s job.Snapshot) tea.Cmd {
	switch r := s.Result.(type) {
	case explore.MeasuredTable:
		a.results.offered = offer{lut: r.Name}
		text := "table " + r.Name + " is measured: " + a.keyOf("use-measured") + " uses it"
		if q := r.LUT.Quality; q != nil && q.Disturbed != "" {
			text += "; the machine was disturbed: " + q.Disturbed
		}
		a.say(text)
	case explore.VerifiedTable:
		v := r.Verification
		text := sanitize.Sprintf("table %s: shape error %.1f%%, Kendall tau %.3f, level %.3f", r.Name, 100*v.ShapeMAPE, v.Kendall, v.Level)
		if r.Calibrated {
			a.results.offered = offer{lut: r.Name}
			text = sanitize.Sprintf("table %s is calibrated: error %.1f%%, Kendall tau %.3f: %s uses it", r.Name, 100*v.MAPE, v.Kendall, a.keyOf("use-measured"))
		}
		a.say(text)
		a.openLater(&verification{result: r})
	case explore.MeasuredNetwork:
		text := sanitize.Sprintf("measured %s ms (least %s, spread %.1f%%)", a.ms(r.MedianMS), a.ms(r.MinMS), 100*r.Spread)
		if r.PredictedMS > 0 {
			text += sanitize.Sprintf(", the table says %s ms (%+.1f%%)", a.ms(r.PredictedMS), 100*(r.PredictedMS/r.MedianMS-1))
		}
		a.say(text)
	case explore.Kept:
		a.onDeviceDone(r)
	case onnx.Library:
		a.say("ONNX Runtime is installed: " + r.Path)
	case steps.Fitted:
		a.fittedNow(r)
	case steps.Estimator:
		a.offerPredictor(r.File, r.LUT, " is measured")
	case steps.Estimate:
		a.estimated(s.Name, r)
	case steps.Finished:
		a.say(s.Name + " is done: the report is " + r.Report)
	case steps.Trained:
		if r.Accuracy.Images > 0 {
			a.accuracyMeasured(s.Name, r.Accuracy)
			break
		}
		text := s.Name + " is done"
		for _, sc := range r.Scores {
			text += sanitize.Sprintf(", %s %s %%", sc.Network, cell.Number(sc.Top1, 2))
		}
		a.say(text)
	case steps.Exported:
		if i := slices.IndexFunc(a.jobs, func(j job.Snapshot) bool { return j.ID == s.ID }); i >= 0 {
			a.jobs[i].Log = append(a.jobs[i].Log, r.Lines()...)
		}
		a.say("written to " + r.File)
	case steps.Sampled:
		text, _ := samplesNote(r.Samples)
		a.say(text + ": " + a.keyOf("method") + " fits a predictor on them")
	case steps.Validated:
		a.accuracyMeasured(s.Name, r.Accuracy)
	}
	return nil
}

// pipelineHas takes in what a pipeline has so far, when it is new.
func (a *App) pipelineHas(before, now any) {
	switch r := now.(type) {
	case steps.Ranked:
		if _, same := before.(steps.Ranked); !same {
			for _, f := range steps.FittedBy(r) {
				a.fittedNow(f)
			}
		}
	case steps.Networks:
		for _, acc := range steps.AccuraciesOf(r) {
			a.addAccuracy(acc)
		}
	}
}

// accuracyMeasured keeps what a network was found to reach.
func (a *App) accuracyMeasured(name string, acc steps.Accuracy) {
	a.addAccuracy(acc)
	text := name + " is done"
	if acc.Images > 0 {
		text += ": " + acc.String()
	}
	a.say(text)
}

// cancelJob ends the running job: in the jobs pane that under the cursor.
func (a *App) cancelJob() tea.Cmd {
	j, ok := a.currentJob()
	if !ok || a.focus != paneJobs || j.State != job.Running {
		j, ok = a.runningJob()
	}
	switch {
	case ok:
		a.runner.Cancel(j.ID)
		a.say("cancelling " + j.Name)
	case !a.stopSearch():
		a.say("nothing is running")
	}
	return nil
}

func (a *App) jobOf(id int) (j job.Snapshot, ok bool) {
	return a.findJob(func(j job.Snapshot) bool { return j.ID == id })
}

// runningJob is the first job that runs, paused or not.
func (a *App) runningJob() (j job.Snapshot, ok bool) {
	return a.findJob(func(j job.Snapshot) bool { return j.State == job.Running })
}

func (a *App) findJob(is func(job.Snapshot) bool) (j job.Snapshot, ok bool) {
	if i := slices.IndexFunc(a.jobs, is); i >= 0 {
		return a.jobs[i], true
	}
	return j, false
}

// jobActivity is the running job in a few words, for the hint bar.
func (a *App) jobActivity() string {
	j, ok := a.runningJob()
	if !ok {
		return ""
	}
	text := sanitize.Sprintf("%s %.0f%%", j.Name, 100*j.Fraction())
	if p, ok := j.Result.(evaluation.Samples); ok {
		if note, ok := samplesNote(p); ok {
			text = j.Name + ": " + note
		}
	}
	switch {
	case j.Paused:
		text += " paused"
	case j.Left > 0:
		text += " " + cell.Clock(j.Left) + " left"
	}
	return text
}
