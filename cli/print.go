package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/internal/figure"
)

// addJSON adds --json, which print asks for.
func (a *app) addJSON(cmd *cobra.Command) { cmd.Flags().BoolVar(&a.json, "json", false, "print JSON") }

// print prints a result: as JSON where that is asked for, else as text for people.
func (a *app) print(result any, text func(io.Writer) error) error {
	if a.json {
		return writeJSON(a.out, result)
	}
	return text(a.out)
}

// forms are the flags that choose the form of a result: text, JSON, CSV, and
// beside them a figure.
type forms struct {
	csv    bool
	figure string
}

func (f *forms) addFlags(a *app, cmd *cobra.Command, figure string) {
	a.addJSON(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.csv, "csv", false, "print comma-separated values")
	flags.StringVar(&f.figure, "figure", "", figure+" to `FILE`, which ends in .svg or .png")
}

// check refuses what cannot be written, before there is a result.
func (f *forms) check(a *app, cmd *cobra.Command) error {
	if a.json && f.csv {
		return usagef("--json and --csv: expected one of them")
	}
	if cmd.Flags().Changed("figure") {
		return checkFigure("figure", f.figure)
	}
	return nil
}

// write writes a result in the forms asked for; with a figure alone there is no
// text.
func (f *forms) write(a *app, result any, draw func() (*figure.Drawing, error), csv, text func(io.Writer) error) error {
	if f.figure != "" {
		d, err := draw()
		if err := saveFigure(f.figure, d, err); err != nil {
			return err
		}
		if !f.csv {
			a.wrote(f.figure)
		}
	}
	switch {
	case f.csv:
		return csv(a.out)
	case f.figure != "" && !a.json:
		return nil
	}
	return a.print(result, text)
}
