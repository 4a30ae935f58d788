package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/latency"
)

// lutCommand groups the commands about latency tables; each is in a file
// lut_NAME.go.
func (a *app) lutCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lut",
		Short: "Measure, verify, compare, show and convert latency tables",
		Args:  cobra.ArbitraryArgs,

		SuggestionsMinimumDistance: 2,
	}
	cmd.AddCommand(a.lutShowCommand(), a.lutConvertCommand(), a.lutMeasureCommand(), a.lutVerifyCommand(), a.lutCompareCommand(), a.lutForgetCommand())
	cmd.RunE = a.groupUsage
	return cmd
}

// groupUsage is what a command that only groups others does by itself.
func (a *app) groupUsage(cmd *cobra.Command, args []string) error {
	if err := noArguments(cmd, args); err != nil {
		return usageError{err}
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return usagef("%s needs a command: %s", called(cmd), strings.Join(names, ", "))
}

// lutSource says in one phrase how a table was obtained.
func lutSource(l *latency.LUT) string {
	p := l.Provenance
	var parts []string
	add := func(format, text string) {
		if text != "" {
			parts = append(parts, fmt.Sprintf(format, sanitize.Line(text)))
		}
	}
	add("%s", p.Source)
	add("on %s", p.Processor)
	add("with %s", p.Runtime)
	if p.Threads > 0 {
		parts = append(parts, fmt.Sprintf("%d %s", p.Threads, plural(p.Threads, "thread")))
	}
	if p.Batch > 0 {
		parts = append(parts, fmt.Sprintf("batch %d", p.Batch))
	}
	if l.Calibration.Set() {
		parts = append(parts, fmt.Sprintf("calibrated on %d networks", l.Calibration.Networks))
	}
	if text := learntText(l.Learnt); text != "" {
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return "the file does not say how they were measured"
	}
	return strings.Join(parts, ", ")
}

// learntText says what searches on the device have learnt about a table; empty
// where there were none.
func learntText(l latency.Learnt) string {
	text := ""
	switch {
	case l.Unused != "":
		text = sanitize.Line(l.Unused) + ": not used here"
	case l.Set():
		text = fmt.Sprintf("times %.3f ± %.3f as %d %s of %d %s say", l.Level, l.SD, l.Measurements, plural(l.Measurements, "measurement"), l.Networks, plural(l.Networks, "network"))
	}
	if l.Lost != "" {
		text += " (" + sanitize.Line(l.Lost) + ")"
	}
	return text
}
