package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/internal/figure"
)

// forms are the flags that choose the form of a result: text, JSON, CSV, and
// beside them a figure.
type forms struct {
	json, csv bool
	figure    string
}

func (f *forms) addFlags(cmd *cobra.Command, figure string) {
	flags := cmd.Flags()
	flags.BoolVar(&f.json, "json", false, "print JSON")
	flags.BoolVar(&f.csv, "csv", false, "print comma-separated values")
	flags.StringVar(&f.figure, "figure", "", figure+" to `FILE`, which ends in .svg or .png")
}

// check refuses what cannot be written, before there is a result.
func (f *forms) check(cmd *cobra.Command) error {
	if f.json && f.csv {
		return usagef("--json and --csv: expected one of them")
	}
	if cmd.Flags().Changed("figure") {
		_, err := figureFormat("figure", f.figure)
		return err
	}
	return nil
}

// write writes a result in the forms asked for; with a figure alone there is no
// text.
func (f *forms) write(w io.Writer, result any, draw func() (*figure.Drawing, error), csv, text func(io.Writer) error) error {
	if f.figure != "" {
		d, err := draw()
		if err := saveFigure(f.figure, d, err); err != nil {
			return err
		}
	}
	switch {
	case f.json:
		return writeJSON(w, result)
	case f.csv:
		return csv(w)
	case f.figure != "":
		return nil
	}
	return text(w)
}
