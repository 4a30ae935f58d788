package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/job"
	"github.com/binas-tui/binas-tui/sanitize"
)

// drawJobs lists what runs and what has run, and says of the one under the
// cursor how far it is and what it logged last.
func (a *App) drawJobs(s *screen, r rect) {
	t := s.theme
	if len(a.jobs) == 0 {
		a.drawLines(s, r, []string{
			"nothing has been started yet:",
			a.keyOf("measure") + " measures this machine: the network shown, or a whole latency table",
		})
		return
	}
	list := min(len(a.jobs), max(1, r.h/2))
	top := scrollTop(a.jobRow, len(a.jobs), list)
	for i := range list {
		j, y := a.jobs[top+i], r.y+i
		selected := top+i == a.jobRow && a.focus == paneJobs
		if selected {
			s.fill(rect{r.x, y, r.w, 1}, t.selected, " ")
		}
		line := fmt.Sprintf(" %-10s%4.0f%%  %6s  %s", j.State, 100*j.Fraction(), clock(j.Elapsed), sanitize.Line(j.Name))
		if j.Left > 0 {
			line += "  " + clock(j.Left) + " left"
		}
		s.text(r.x, y, r.w, over(selected, jobStyle(t, j.State), t), line)
	}
	a.drawJob(s, rect{r.x, r.y + list + 1, r.w, r.h - list - 1}, a.jobs[min(a.jobRow, len(a.jobs)-1)])
}

// drawJob shows one job: progress, what it is doing, the end of its log.
func (a *App) drawJob(s *screen, r rect, j job.Snapshot) {
	t := s.theme
	if r.h < 2 {
		return
	}
	s.bar(r.x+1, r.y, r.w-2, t.accent, j.Fraction(), 1)
	status, st := sanitize.Line(j.Status), t.text
	if j.Err != nil {
		status, st = sanitize.Line(j.Err.Error()), t.bad
	}
	s.text(r.x+1, r.y+1, r.w-2, st, status)
	hint := a.keyOf("job-open") + " opens the table"
	if j.State == job.Running {
		hint += ", " + a.keyOf("cancel-job") + " cancels"
	}
	s.text(r.x+1, r.y+2, r.w-2, t.dim, hint)
	room := r.h - 3
	log := j.Log[max(0, len(j.Log)-max(0, room)):]
	for i, line := range log {
		s.text(r.x+1, r.y+3+i, r.w-2, t.dim, sanitize.Line(line))
	}
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

func (a *App) clickJobs(inside rect, _, y int) tea.Cmd {
	list := min(len(a.jobs), max(1, inside.h/2))
	if y < list {
		a.jobRow = y + scrollTop(a.jobRow, len(a.jobs), list)
	}
	return nil
}

// openJob shows what the job under the cursor measures or has measured.
func (a *App) openJob() tea.Cmd {
	if len(a.jobs) == 0 {
		a.say("nothing has been measured yet: " + a.keyOf("measure") + " opens the menu")
		return nil
	}
	if r, ok := a.jobs[a.jobRow].Result.(explore.CalibratedTable); ok {
		a.dialog = &verification{result: r}
		return nil
	}
	a.dialog = &measurement{job: a.jobs[a.jobRow].ID}
	return nil
}
