package tui

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/supernet/training"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// jobsPane lists what runs and what has run, and says of the one under the cursor
// how far it is and what it logged last.
type jobsPane struct{ card }

func newJobsPane() *jobsPane {
	return &jobsPane{card{id: paneJobs, name: "Jobs", short: "jobs", question: "what is running, how far, what did it find?",
		key: "J", help: "go to the jobs: what is running and what it found"}}
}

func (p *jobsPane) keys() []action {
	return []action{
		{"job-open", []string{"enter", "space"}, "Device", "open what the job under the cursor has found", "open", (*App).openJob},
		{"pause-job", []string{"P"}, "Device", "pause or resume the job under the cursor", "pause", (*App).pauseJob},
		{"resume-job", []string{"r"}, "Device", "start the job under the cursor again: it resumes where it stopped", "again", (*App).resumeJob},
	}
}

// offers reports that an action makes sense for the job under the cursor.
func (p *jobsPane) offers(a *App, id string) bool {
	j, ok := a.currentJob()
	running := ok && j.State == job.Running
	switch id {
	case "pause-job":
		return running && a.isMethod(j.Name)
	case "resume-job":
		_, again := a.works[j.Name]
		return ok && again && j.State != job.Done && !running && !asksOtherwise(j.Err)
	}
	return ok
}

func (p *jobsPane) rows(a *App, r cell.Rect) cell.Rows {
	return cell.Rows{N: len(a.jobs), At: cell.At(r.X, r.Y, r.W, min(len(a.jobs), max(1, r.H/3)))}
}

// currentJob is the job under the cursor of the pane.
func (a *App) currentJob() (job.Snapshot, bool) {
	if len(a.jobs) == 0 {
		return job.Snapshot{}, false
	}
	return a.jobs[min(a.panes.jobs.row, len(a.jobs)-1)], true
}

func (p *jobsPane) draw(a *App, s *cell.Screen, r cell.Rect) {
	current, ok := a.currentJob()
	if !ok {
		s.Lines(r, []string{
			"nothing has been started yet:",
			a.keyOf("measure") + " measures this machine: the network shown, or a whole latency table",
			a.keyOf("method") + " trains a supernet, samples networks of it and fits predictors",
		})
		return
	}
	list := p.rows(a, r)
	p.drawRows(a, s, list, func(i int, l cell.Row) {
		j := a.jobs[i]
		state := j.State.String()
		if j.Paused && j.State == job.Running {
			state = "paused"
		}
		text := fmt.Sprintf("%-10s%4.0f%%  %6s  %s", state, 100*j.Fraction(), cell.Clock(j.Elapsed), j.Name)
		if j.Left > 0 {
			text += "  " + cell.Clock(j.Left) + " left"
		}
		l.Text(1, r.W, jobStyle(s.Theme, j.State), text)
	})
	a.drawJob(s, r.Below(list.At.H+1), current)
}

func (a *App) drawJob(s *cell.Screen, r cell.Rect, j job.Snapshot) {
	t := s.Theme
	if r.H < 2 {
		return
	}
	s.Bar(r.X+1, r.Y, r.W-2, t.Accent, j.Fraction(), 1)
	status, st := []string{j.Status}, t.Text
	if j.Err != nil { // to be read whole
		status, st = cell.Wrap(j.Err.Error(), r.W-2), t.Bad
	}
	if room := max(1, r.H-2); len(status) > room { // the rest is in the log
		status = append(status[:room-1], s.Glyphs.Ellipsis+" "+a.keyOf("job-open")+" reads it whole")
	}
	for i, line := range status {
		s.Text(r.X+1, r.Y+1+i, r.W-2, st, line)
	}
	top := r.Y + 1 + len(status)
	for _, line := range cell.Wrap(a.jobHint(j), r.W-2) {
		s.Text(r.X+1, top, r.W-2, t.Dim, line)
		top++
	}
	bottom := r.Y + r.H
	if top < bottom {
		logs := min(len(j.Log), 3) // beside curves a few lines of the log stay
		top += a.drawPartial(s, cell.At(r.X, top, r.W, bottom-top-logs), j.Result)
	}
	var log []string
	for _, line := range j.Log {
		log = append(log, cell.Wrap(line, r.W-2)...)
	}
	log = log[max(0, len(log)-max(0, bottom-top)):]
	for i, line := range log {
		s.Text(r.X+1, top+i, r.W-2, t.Dim, line)
	}
}

func (a *App) jobHint(j job.Snapshot) string {
	running := j.State == job.Running
	_, again := a.works[j.Name]
	switch {
	case running && a.isMethod(j.Name) && j.Paused:
		return a.keyOf("pause-job") + " resumes, " + a.keyOf("cancel-job") + " cancels; what it has is kept"
	case running && a.isMethod(j.Name):
		return a.keyOf("pause-job") + " pauses, " + a.keyOf("cancel-job") + " cancels; what it has is kept"
	case running && isTable(j):
		return a.keyOf("job-open") + " opens the table, " + a.keyOf("cancel-job") + " cancels"
	case running:
		return a.keyOf("cancel-job") + " cancels"
	case isFit(j.Result):
		return a.keyOf("use-measured") + " explores with the predictor, " + a.keyOf("job-open") + " shows how well it predicts"
	case j.State != job.Done && again && asksOtherwise(j.Err):
		return a.keyOf(map[bool]string{true: "method", false: "measure"}[a.isMethod(j.Name)]) + " starts it with other settings; " + a.keyOf("job-open") + " shows its log"
	case j.State != job.Done && again:
		return a.keyOf("resume-job") + " starts it again: it resumes where it stopped; " + a.keyOf("job-open") + " shows its log"
	case a.isMethod(j.Name):
		return a.keyOf("method") + " starts the next step"
	case isTable(j):
		return a.keyOf("job-open") + " opens the table"
	case is[explore.Kept](j.Result):
		return a.keyOf("job-open") + " shows the network that keeps the limit, " + a.keyOf("use-measured") + " explores with what the table has learnt"
	case is[explore.VerifiedTable](j.Result):
		return a.keyOf("job-open") + " shows how well it predicts"
	}
	return ""
}

// asksOtherwise reports an error that the same settings would have again.
func asksOtherwise(err error) bool {
	return slices.ContainsFunc([]error{
		steps.ErrRequest, steps.ErrSettings, steps.ErrMismatch, training.ErrSettings, training.ErrMismatch, onnx.ErrTargetUnavailable, onnx.ErrNoCgo,
	}, func(is error) bool { return errors.Is(err, is) })
}

// isTable reports a job that measures, or has measured, a table.
func isTable(j job.Snapshot) bool {
	return is[explore.PartialTable](j.Result) || is[explore.MeasuredTable](j.Result) || strings.HasPrefix(j.Name, tableJob)
}

// is reports a result of a type.
func is[T any](result any) bool {
	_, ok := result.(T)
	return ok
}

// isFit reports that a job's result is a predictor that was fitted.
func isFit(result any) bool { return is[steps.Fitted](result) || is[steps.Ranked](result) }

// jobStyle sets states off; their names are written too.
func jobStyle(t *cell.Theme, s job.State) uv.Style {
	switch s {
	case job.Failed:
		return t.Bad
	case job.Cancelled:
		return t.Dim
	case job.Running:
		return t.Strong
	}
	return t.Text
}

func (a *App) openJob() tea.Cmd {
	j, ok := a.currentJob()
	switch r := j.Result.(type) {
	case explore.VerifiedTable:
		return a.Open(&verification{result: r})
	case explore.PartialTable:
		if j.State != job.Running && j.Err != nil {
			return a.Open(&jobLog{id: j.ID})
		}
	case explore.Kept:
		return a.Open(&onDevice{kept: r})
	}
	switch {
	case !ok:
		a.say("nothing has been started yet: " + a.keyOf("measure") + " measures, " + a.keyOf("method") + " trains and fits")
	case isFit(j.Result):
		a.setFocus(paneFit)
	case isTable(j):
		a.dialog = &measurement{job: j.ID}
	default:
		a.dialog = &jobLog{id: j.ID}
	}
	return nil
}
