package cli

import (
	"context"
	"errors"
	"os"
	"runtime"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/tui"
)

// Environment variables for tests of the explorer in a pseudo-terminal: a file
// that gets a line each time the explorer is idle, and a key that panics.
const (
	envIdle  = "BINAS_TUI_IDLE"
	envPanic = "BINAS_TUI_TEST_PANIC"
)

// explorerCommand is the root: the explorer, or where there is no terminal to
// show it on, a report by the same engine.
func (a *app) explorerCommand() *cobra.Command {
	var (
		sel     selection
		limit   string
		plain   bool
		library string
	)
	cmd := &cobra.Command{
		Use:   "binas-tui",
		Short: "Search a network for a latency budget",
		Long: `Explore the trade of accuracy against latency in the search space of BINAS: move
the budget and see the best network at once, proved and explained.

Without a terminal, or with --plain, it prints a report instead.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			limitMS := 0.0
			if cmd.Flags().Changed("limit") {
				var err error
				if limitMS, err = latency.ParseLimit(limit); err != nil {
					return usageError{err}
				}
			}
			setup, err := sel.load()
			if err != nil {
				return err
			}
			if plain || !a.interactive() {
				return a.writeReport(cmd.Context(), setup, limitMS)
			}
			return runExplorer(cmd.Context(), setup, tui.Options{LimitMS: limitMS, Library: library})
		},
	}
	sel.addFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&limit, "limit", "", "latency limit to start with, with its `UNIT`: us, ms or s")
	f.StringVar(&library, "onnxruntime", "", "ONNX Runtime library to measure with, a `FILE` or its folder")
	f.BoolVar(&plain, "plain", false, "print a report as text, also on a terminal")
	return cmd
}

func runExplorer(ctx context.Context, setup explore.Setup, o tui.Options) error {
	o.State, o.Keys = tui.LoadState(), tui.LoadKeys()
	o.IdleFile, o.TestPanic = os.Getenv(envIdle), os.Getenv(envPanic) != ""
	err := tui.Run(ctx, setup, o)
	if errors.Is(err, context.Canceled) || errors.Is(err, tui.ErrTerminated) || errors.Is(err, tui.ErrHangup) {
		return errEnded // the exit code is that of the signal, where there was one
	}
	return err
}

// interactive reports whether the explorer can be shown: input and output are
// terminals that can move the cursor.
func (a *app) interactive() bool {
	for _, stream := range []any{a.In, a.Out} {
		f, ok := stream.(*os.File)
		if !ok || !term.IsTerminal(f.Fd()) {
			return false
		}
	}
	name := os.Getenv("TERM")
	return name != "dumb" && (name != "" || runtime.GOOS == "windows")
}
