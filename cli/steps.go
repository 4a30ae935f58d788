package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// runStep does a step as a job, shows on standard error how far it is, and returns
// its result. A step that was ended says the command that resumes it. Whether files
// can be written is found out before the work begins.
func runStep[T any](cmd *cobra.Command, a *app, t steps.Task, files ...string) (out T, s job.Snapshot, err error) {
	line := a.newStatusLine()
	c := t.Shared()
	c.Ranks = a.ranks
	c.Given = given(cmd, t.Values())
	if err := checkGiven(t.Values(), c.Given, t.Step() != steps.Pipeline); err != nil {
		return out, s, err
	}
	c.Note = func(text string) {
		if !slices.Contains(a.notes, text) {
			a.notes = append(a.notes, text)
		}
	}
	c.Ready = func() error {
		for _, file := range files {
			if file != "" {
				if err := checkWritable(file); err != nil {
					return err
				}
			}
		}
		line.end()
		a.sayNotes()
		return nil
	}
	if t, ok := t.(*steps.Training); ok && t.Metric != nil {
		metric := t.Metric
		t.Metric = func(m training.Metric) {
			line.end()
			metric(m)
		}
	}
	result, s, err := runJob(cmd.Context(), a, line, cmd.Name(), t.Work)
	out, _ = result.(T)
	switch {
	case err == nil && a.ranks != nil && a.ranks.Rank() > 0:
		err = errFollowed
	case err == nil:
		a.sayNotes()
	case errors.Is(err, context.Canceled) && t.Step() != steps.Fit && t.Step() != steps.Validate:
		fmt.Fprintf(a.Err, "binas-tui: to resume:\n  %s\n", againCommand(cmd))
		err = fmt.Errorf("%w: %w", errEnded, err)
	case errors.Is(err, onnx.ErrNoLibrary), errors.Is(err, onnx.ErrTooOld):
		err = libraryError(err, c.Library)
	}
	return out, s, err
}

// againCommand is the command line of a command with the flags it was given.
func againCommand(cmd *cobra.Command) string {
	words := []string{cmd.CommandPath()}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		word := "--" + f.Name
		if f.Value.Type() != "bool" {
			word += " " + phrase.ShellWord(f.Value.String())
		} else if f.Value.String() != "true" {
			word += "=false"
		}
		words = append(words, word)
	})
	return sanitize.Line(strings.Join(words, " "))
}

// sayNotes says on standard error what is worth knowing and was not said yet, once
// nothing refuses the command: a refusal is one line.
func (a *app) sayNotes() {
	for ; a.said < len(a.notes); a.said++ {
		fmt.Fprintln(a.Err, "note: "+sanitize.Line(a.notes[a.said]))
	}
}
