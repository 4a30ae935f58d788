package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"

	"github.com/binas-tui/binas-tui/latency"
)

// reportEvery is how often progress is a new line where the output is no
// terminal that can rewrite one.
const reportEvery = 5 * time.Second

// measureReport writes the progress of a measurement: one line that is
// rewritten on a terminal, else a line now and then.
type measureReport struct {
	w       io.Writer
	width   int // of the terminal; 0 where there is none
	last    time.Time
	written bool
	now     func() time.Time

	rounds int    // that count, or networks, as last reported
	unit   string // round or network
}

func (a *app) newMeasureReport() *measureReport {
	r := &measureReport{w: a.Err, now: time.Now, last: time.Now()}
	if f := terminalOf(a.Err); f != nil && os.Getenv("TERM") != "dumb" {
		if width, _, err := term.GetSize(f.Fd()); err == nil {
			r.width = width
		}
	}
	return r
}

// report is a MeasureOptions.Progress.
func (r *measureReport) report(p latency.MeasureProgress) {
	if !p.Preparing {
		r.rounds, r.unit = p.Round, choose(p.Unit, "round")
	}
	r.show(func() string { return progressLine(p) })
}

// show shows a line in place of the one before.
func (r *measureReport) show(line func() string) {
	if r.width > 0 {
		fmt.Fprint(r.w, "\r"+ansi.Truncate(line(), r.width-1, "")+"\x1b[K")
		r.written = true
		return
	}
	if now := r.now(); now.Sub(r.last) >= reportEvery {
		r.last = now
		fmt.Fprintln(r.w, line())
	}
}

// end removes the line that was rewritten.
func (r *measureReport) end() {
	if r.written {
		fmt.Fprint(r.w, "\r\x1b[K")
		r.written = false
	}
}

// progressLine says how far a measurement is and how long it will take.
func progressLine(p latency.MeasureProgress) string {
	if p.Preparing {
		return fmt.Sprintf("preparing %d of %d", p.Done, p.Total)
	}
	return fmt.Sprintf("%s, %d%%, %s left", p, 100*p.Done/max(p.Total, 1), remaining(p.Remaining))
}

// remaining is a duration for people: whole seconds, and minutes from two on.
func remaining(d time.Duration) string {
	d = d.Round(time.Second)
	if d < 2*time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}
