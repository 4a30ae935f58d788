package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"
)

// statusLine says how far a command is, on standard error: one line that is
// rewritten on a terminal, else a line now and then.
type statusLine struct {
	w       io.Writer
	width   int // of the terminal; 0 where there is none
	last    time.Time
	written bool
}

func (a *app) newStatusLine() *statusLine {
	r := &statusLine{w: a.Err, last: time.Now()}
	if f := terminalOf(a.Err); f != nil && os.Getenv("TERM") != "dumb" {
		if width, _, err := term.GetSize(f.Fd()); err == nil {
			r.width = width
		}
	}
	return r
}

func (r *statusLine) show(text string) {
	if r.width > 0 {
		fmt.Fprint(r.w, "\r"+ansi.Truncate(text, r.width-1, "")+"\x1b[K")
		r.written = true
		return
	}
	if now := time.Now(); now.Sub(r.last) >= reportEvery {
		r.last = now
		fmt.Fprintln(r.w, text)
	}
}

// end removes the line that was rewritten.
func (r *statusLine) end() {
	if r.written {
		fmt.Fprint(r.w, "\r\x1b[K")
		r.written = false
	}
}
