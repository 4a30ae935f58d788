package latency

import (
	"fmt"
	"strings"

	"github.com/binas-tui/binas-tui/internal/phrase"
)

// Source says in one phrase how a table was obtained, as far as it tells.
func (l *LUT) Source() string {
	p := l.Provenance
	var parts []string
	add := func(format, text string) {
		if text != "" {
			parts = append(parts, fmt.Sprintf(format, text))
		}
	}
	add("%s", p.Source)
	add("on %s", p.Machine())
	add("with %s", p.Runtime)
	if p.Threads > 0 {
		parts = append(parts, phrase.Count(p.Threads, "thread"))
	}
	if p.Batch > 0 {
		parts = append(parts, fmt.Sprintf("batch %d", p.Batch))
	}
	if p.Precision != "" {
		parts = append(parts, string(p.Precision))
	}
	if l.Calibration.Set() {
		parts = append(parts, fmt.Sprintf("calibrated on %d networks", l.Calibration.Networks))
	}
	if l.Quality != nil && l.Quality.Disturbed != "" {
		parts = append(parts, "less certain than it should be")
	}
	add("%s", l.Learnt.String())
	if len(parts) == 0 {
		return "the file does not say how they were measured"
	}
	return strings.Join(parts, ", ")
}

// Machine is the processor, with the host that it is of; "" where both are unknown.
func (p Provenance) Machine() string {
	if p.Host == "" || p.Processor == "" {
		return p.Host + p.Processor
	}
	return p.Host + " (" + p.Processor + ")"
}

// String says what searches on the device have learnt about a table; empty where
// there were none.
func (l Learnt) String() string {
	text := ""
	switch {
	case l.Unused != "":
		text = l.Unused + ": not used here"
	case l.Set():
		text = fmt.Sprintf("times %.3f ± %.3f, learnt from %s of %s", l.Level, l.SD, phrase.Count(l.Measurements, "measurement"), phrase.Count(l.Networks, "network"))
	}
	if l.Lost != "" {
		text += " (" + l.Lost + ")"
	}
	return text
}
