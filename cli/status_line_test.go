package cli

import (
	"bytes"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/latency"
)

func TestStatusLine(t *testing.T) {
	var w bytes.Buffer
	now := time.Unix(0, 0)
	s := &measureStatus{statusLine: &statusLine{w: &w, now: func() time.Time { return now }, last: now}}
	p := latency.MeasureProgress{Round: 4, Rounds: 30, Inconclusive: 2, Done: 50, Total: 200, Remaining: 42 * time.Second}
	s.report(p)
	now = now.Add(reportEvery)
	s.report(p)
	s.report(p)
	s.end()
	if want := "round 5 of 30, 2 repeated because the machine was busy, 25%, 42 s left\n"; w.String() != want || s.rounds != 4 {
		t.Errorf("%q, want %q", w.String(), want)
	}
	w.Reset()
	s.width = 20
	for range 3 {
		now = now.Add(rewriteEvery)
		s.report(latency.MeasureProgress{Preparing: true, Done: 3, Total: 121})
		s.report(p) // too soon
	}
	s.log("one\x1b[31m two")
	now = now.Add(rewriteEvery)
	s.report(p)
	s.end()
	s.end()
	preparing := "\rpreparing 3 of 121\x1b[K"
	if want := preparing + preparing + preparing + "\r\x1b[Kbinas-tui: one two\n\rround 5 of 30, 2 re\x1b[K\r\x1b[K"; w.String() != want {
		t.Errorf("on a terminal %q, want %q", w.String(), want)
	}
}
