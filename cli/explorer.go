package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/tui"
)

// Environment variables for tests of the explorer in a pseudo-terminal: a file
// that gets a line each time the explorer is idle, and where ctrl+\ panics.
const (
	envIdle  = "BINAS_TUI_IDLE"
	envPanic = "BINAS_TUI_TEST_PANIC"
)

// explorerCommand is the root: the explorer, or where there is no terminal to
// show it on, a report by the same engine.
func (a *app) explorerCommand() *cobra.Command {
	var (
		sel     selection
		plain   bool
		library string
	)
	cmd := &cobra.Command{
		Use:   "binas-tui",
		Short: "Search a network for a latency budget",
		Long: `Explore accuracy against latency in the search space of BINAS: move the budget
and see the best network at once, with proof and explanation.

Without a terminal it prints a report. With --plain, or on a terminal that
cannot move the cursor, commands follow, one a line from standard input: all
that the explorer does, for screen readers and scripts.

Exit codes of every command: 0 done; 1 failed; 2 wrong usage, or input that
cannot be read; 3 no network fits the limit; 128 plus the number of the signal
that ended it.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			limitMS, err := sel.limitMS()
			if err != nil {
				return err
			}
			setup, err := sel.load()
			if err != nil {
				return err
			}
			if !plain && !a.interactive() && !a.dumbTerminal() {
				return a.writeReport(cmd.Context(), setup, limitMS)
			}
			o := tui.Options{LimitMS: limitMS, Library: library, ASCII: a.ASCII}
			o.ReadOwn()
			restored := false
			if limitMS == 0 && !sel.limits.any() {
				o.Notes = append(o.Notes, o.State.RestoreLimits(&setup)...)
				restored = len(setup.Limits) > 0
			}
			if plain || !a.interactive() {
				err := a.writeReport(cmd.Context(), setup, limitMS)
				if err != nil && restored && !errors.Is(err, context.Canceled) {
					_, err = fmt.Fprintln(a.out, sanitize.Line(err.Error())) // the limits of the last start can be changed
				}
				if err != nil {
					return err
				}
				return runPlain(cmd.Context(), a, setup, o)
			}
			return a.runExplorer(cmd.Context(), setup, o)
		},
	}
	sel.addFlags(cmd)
	sel.addConstraints(cmd)
	f := cmd.Flags()
	sel.addLimit(cmd, "to start with, with its unit: us, ms or s")
	f.StringVar(&library, "onnxruntime", "", "ONNX Runtime library to measure with, a `FILE` or its folder")
	f.BoolVar(&plain, "plain", false, "text, line by line: a report, then commands from standard input (help lists them)")
	return cmd
}

func (a *app) runExplorer(ctx context.Context, setup explore.Setup, o tui.Options) error {
	o.IdleFile, o.TestPanic = os.Getenv(envIdle), os.Getenv(envPanic)
	o.Tour = !o.State.TourSeen
	for _, note := range o.Notes { // for after it has ended, too
		fmt.Fprintln(a.Err, "binas-tui: "+note)
	}
	err := tui.Run(ctx, setup, o)
	if errors.Is(err, context.Canceled) || errors.Is(err, tui.ErrSignal) {
		return errEnded // the exit code is that of the signal, where there was one
	}
	return err
}

// runPlain is the explorer line by line; a prompt is for a person.
func runPlain(ctx context.Context, a *app, setup explore.Setup, o tui.Options) error {
	err := tui.RunPlain(ctx, setup, o, a.In, a.out, isTerminal(a.In))
	if errors.Is(err, context.Canceled) {
		return errEnded
	}
	return err
}

func isTerminal(stream any) bool { return terminalOf(stream) != nil }

// dumbTerminal reports a person at a terminal that cannot move the cursor.
func (a *app) dumbTerminal() bool { return isTerminal(a.In) && isTerminal(a.Out) && !a.interactive() }

// interactive reports whether the explorer can be shown: input and output are
// terminals that can move the cursor.
func (a *app) interactive() bool {
	if !isTerminal(a.In) || !isTerminal(a.Out) {
		return false
	}
	name := os.Getenv("TERM")
	return name != "dumb" && (name != "" || runtime.GOOS == "windows")
}
