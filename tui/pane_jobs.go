package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/steps"
)

// paneJobs is the name of the pane of jobs.
const paneJobs paneID = "jobs"

// jobsPane lists what runs and what has run, and says of the one under the cursor
// how far it is and what it logged last.
type jobsPane struct{ card }

func newJobsPane() *jobsPane {
	return &jobsPane{card{id: paneJobs, name: "Jobs", question: "what is running, how far, what did it find?",
		key: "J", help: "go to the jobs: what is running and what it found"}}
}

func (p *jobsPane) keys() []action {
	return []action{
		{"job-open", []string{"space"}, "Device", "open what the job under the cursor has found", "open", (*App).openJob},
		{"pause-job", []string{"P"}, "Device", "pause the job under the cursor, or let it go on", "pause", (*App).pauseJob},
		{"resume-job", []string{"r"}, "Device", "start the job under the cursor again: it resumes where it stopped", "again", (*App).resumeJob},
	}
}

func (p *jobsPane) rows(a *App, r rect) rows {
	return rows{n: len(a.jobs), at: rect{r.x, r.y, r.w, min(len(a.jobs), max(1, r.h/3))}}
}

// currentJob is the job under the cursor of the pane.
func (a *App) currentJob() (job.Snapshot, bool) {
	if len(a.jobs) == 0 {
		return job.Snapshot{}, false
	}
	return a.jobs[min(a.panes.jobs.row, len(a.jobs)-1)], true
}

func (p *jobsPane) draw(a *App, s *screen, r rect) {
	current, ok := a.currentJob()
	if !ok {
		s.lines(r, []string{
			"nothing has been started yet:",
			a.keyOf("measure") + " measures this machine: the network shown, or a whole latency table",
			a.keyOf("method") + " trains a supernet, samples networks of it and fits predictors",
		})
		return
	}
	list := p.rows(a, r)
	p.drawRows(a, s, list, func(i int, l listRow) {
		j := a.jobs[i]
		state := j.State.String()
		if j.Paused && j.State == job.Running {
			state = "paused"
		}
		text := fmt.Sprintf("%-10s%4.0f%%  %6s  %s", state, 100*j.Fraction(), clock(j.Elapsed), sanitize.Line(j.Name))
		if j.Left > 0 {
			text += "  " + clock(j.Left) + " left"
		}
		l.text(1, r.w, jobStyle(s.theme, j.State), text)
	})
	a.drawJob(s, r.below(list.at.h+1), current)
}

// drawJob shows one job: progress, what it is doing, the end of its log.
func (a *App) drawJob(s *screen, r rect, j job.Snapshot) {
	t := s.theme
	if r.h < 2 {
		return
	}
	s.bar(r.x+1, r.y, r.w-2, t.accent, j.Fraction(), 1)
	status, st := []string{j.Status}, t.text
	if j.Err != nil { // to be read whole
		status, st = wrap(sanitize.Line(j.Err.Error()), r.w-2), t.bad
	}
	status = status[:min(len(status), max(1, r.h-2))]
	for i, line := range status {
		s.text(r.x+1, r.y+1+i, r.w-2, st, line)
	}
	top := r.y + 1 + len(status)
	s.text(r.x+1, top, r.w-2, t.dim, a.jobHint(j))
	top++
	bottom := r.y + r.h
	if top < bottom {
		logs := min(len(j.Log), 3) // beside curves a few lines of the log stay
		top += a.drawPartial(s, rect{r.x, top, r.w, bottom - top - logs}, j.Result)
	}
	var log []string
	for _, line := range j.Log {
		log = append(log, wrap(sanitize.Line(line), r.w-2)...)
	}
	log = log[max(0, len(log)-max(0, bottom-top)):]
	for i, line := range log {
		s.text(r.x+1, top+i, r.w-2, t.dim, line)
	}
}

// jobHint says what can be done with a job.
func (a *App) jobHint(j job.Snapshot) string {
	running := j.State == job.Running
	_, again := a.works[j.Name]
	switch {
	case running && a.isMethod(j.Name) && j.Paused:
		return a.keyOf("pause-job") + " goes on, " + a.keyOf("cancel-job") + " cancels; what it has is kept"
	case running && a.isMethod(j.Name):
		return a.keyOf("pause-job") + " pauses, " + a.keyOf("cancel-job") + " cancels; what it has is kept"
	case running && isTable(j):
		return a.keyOf("job-open") + " opens the table, " + a.keyOf("cancel-job") + " cancels"
	case running:
		return a.keyOf("cancel-job") + " cancels"
	case isFit(j.Result):
		return a.keyOf("use-measured") + " explores with the predictor, " + a.keyOf("job-open") + " shows how well it predicts"
	case j.State != job.Done && again:
		return a.keyOf("resume-job") + " starts it again: it goes on where it was"
	case a.isMethod(j.Name):
		return a.keyOf("method") + " starts the next step"
	case isTable(j):
		return a.keyOf("job-open") + " opens the table"
	case isKept(j.Result):
		return a.keyOf("job-open") + " shows the network that keeps the limit, " + a.keyOf("use-measured") + " explores with what the table has learnt"
	case isVerification(j.Result):
		return a.keyOf("job-open") + " shows how well it predicts"
	}
	return ""
}

// isTable reports a job that measures, or has measured, a table.
func isTable(j job.Snapshot) bool {
	switch j.Result.(type) {
	case explore.PartialTable, explore.MeasuredTable:
		return true
	}
	return strings.HasPrefix(j.Name, tableJob)
}

func isKept(result any) bool {
	_, ok := result.(explore.Kept)
	return ok
}

func isVerification(result any) bool {
	_, ok := result.(explore.VerifiedTable)
	return ok
}

// isFit reports that a job's result is a predictor that was fitted.
func isFit(result any) bool {
	switch result.(type) {
	case steps.Fitted, steps.Ranked:
		return true
	}
	return false
}

// jobStyle sets states off; their names are written too.
func jobStyle(t *theme, s job.State) uv.Style {
	switch s {
	case job.Failed:
		return t.bad
	case job.Cancelled:
		return t.dim
	case job.Running:
		return t.strong
	}
	return t.text
}

// openJob shows what the job under the cursor measures or has measured.
func (a *App) openJob() tea.Cmd {
	j, ok := a.currentJob()
	switch r := j.Result.(type) {
	case explore.VerifiedTable:
		a.dialog = &verification{result: r}
		return nil
	case explore.Kept:
		a.dialog = &onDevice{kept: r}
		return nil
	}
	switch {
	case !ok:
		a.say("nothing has been started yet: " + a.keyOf("measure") + " measures, " + a.keyOf("method") + " trains and fits")
	case isFit(j.Result):
		a.setFocus(paneFit)
	case isTable(j):
		a.dialog = &measurement{job: j.ID}
	default:
		a.say("what it has so far is shown here: " + a.keyOf("zoom") + " gives it the whole screen")
	}
	return nil
}
