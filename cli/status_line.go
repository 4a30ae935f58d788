package cli

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/latency"
)

// How often the line is rewritten on a terminal, and where there is none printed
// anew.
const (
	rewriteEvery = 50 * time.Millisecond
	reportEvery  = 5 * time.Second
)

// statusLine says how far a command is, on standard error: one line that is
// rewritten on a terminal, else a line now and then.
type statusLine struct {
	w       io.Writer
	width   int // of the terminal; 0 where there is none
	now     func() time.Time
	last    time.Time // that it was shown
	written bool      // there is a line to remove
}

func (a *app) newStatusLine() *statusLine {
	l := &statusLine{w: a.Err, now: time.Now, last: time.Now()}
	if f := terminalOf(a.Err); f != nil && os.Getenv("TERM") != "dumb" {
		if width, _, err := term.GetSize(f.Fd()); err == nil {
			l.width, l.last = width, time.Time{}
		}
	}
	return l
}

// show shows a line in place of the one before, unless that was a moment ago.
func (l *statusLine) show(line func() string) {
	now, every := l.now(), reportEvery
	if l.width > 0 {
		every = rewriteEvery
	}
	if now.Sub(l.last) < every {
		return
	}
	l.last = now
	if text := sanitize.Line(line()); l.width > 0 {
		fmt.Fprint(l.w, "\r"+ansi.Truncate(text, l.width-1, "")+"\x1b[K")
		l.written = true
	} else {
		fmt.Fprintln(l.w, text)
	}
}

// count shows how many of something are done.
func (l *statusLine) count(what string) func(done, total int) {
	return func(done, total int) {
		l.show(func() string { return fmt.Sprintf("%d of %d %s", done, total, what) })
	}
}

// log prints a line that stays.
func (l *statusLine) log(line string) {
	l.end()
	fmt.Fprintln(l.w, "binas-tui: "+sanitize.Line(line))
}

// end removes the line that was rewritten.
func (l *statusLine) end() {
	if l.written {
		fmt.Fprint(l.w, "\r\x1b[K")
		l.written = false
	}
}

type measureStatus struct {
	*statusLine
	at     job.Snapshot
	rounds int    // that count, or networks, as last reported
	unit   string // round or network
}

func (a *app) newMeasureStatus() *measureStatus { return &measureStatus{statusLine: a.newStatusLine()} }

// report is a MeasureOptions.Progress.
func (s *measureStatus) report(p latency.MeasureProgress) {
	if !p.Preparing {
		s.at = s.at.At(p.Done, p.Total)
		s.rounds, s.unit = p.Round, cmp.Or(p.Unit, "round")
	}
	s.show(func() string {
		if p.Preparing {
			return fmt.Sprintf("preparing %d of %d", p.Done, p.Total)
		}
		return fmt.Sprintf("%s, %d%%, %s left", p, int(100*s.at.Fraction()), phrase.Duration(p.Remaining))
	})
}
