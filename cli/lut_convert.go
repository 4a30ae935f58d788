package cli

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/latency"
)

func (a *app) lutConvertCommand() *cobra.Command {
	var to, unit string
	cmd := &cobra.Command{
		Use:   "convert IN OUT",
		Short: "Convert a latency table between BINAS .pkl and JSON",
		Long: `Convert a latency table. IN is a name or a file of either form; the ending of
OUT, or --to, says which form is written: .pkl as BINAS reads it, in seconds,
or .json, this program's own, in milliseconds. OUT may be - for standard output.

A BINAS table has no unit in it and is taken to be in seconds. One that is too
slow for that is refused; --unit says what its numbers are.`,
		Example: "  binas-tui lut convert lut.pkl lut.json\n  binas-tui lut convert --unit ms lut.pkl lut.json",
		Args:    arguments("the table to read", "the file to write"),
		RunE: func(_ *cobra.Command, args []string) error {
			form, err := lutForm(args[1], to)
			if err != nil {
				return err
			}
			if args[1] != "-" {
				if err := tableFile.Check(args[1]); err != nil {
					return err
				}
			}
			load := explore.LoadLUT
			switch u := latency.Unit(unit); u {
			case "":
			case latency.Seconds, latency.Milliseconds:
				load = func(name string) (*latency.LUT, error) { return explore.LoadLUTIn(u, name) }
			default:
				return usagef("--unit %q: expected s or ms", unit)
			}
			lut, err := load(args[0])
			if err != nil {
				return err
			}
			data, leftOut, err := encodeTable(lut, form == "pkl")
			if err != nil {
				return err
			}
			if form == "json" {
				data = sanitize.JSON(data) // it may go to a terminal
			}
			write := safefile.Bytes(data)
			if args[1] == "-" {
				err = write(a.out)
			} else {
				err = safefile.Replace(args[1], true, write)
			}
			if err == nil {
				a.sayLeftOut(args[1], leftOut)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&unit, "unit", "", "`UNIT` of the numbers of IN, a BINAS table: s or ms")
	cmd.Flags().StringVar(&to, "to", "", "`FORM` to write, pkl or json, whatever the name of OUT")
	return cmd
}

// lutForm is the form to write: to, else what the ending of the name says.
func lutForm(name, to string) (string, error) {
	form := to
	if form == "" {
		form = strings.TrimPrefix(strings.ToLower(filepath.Ext(name)), ".")
	}
	switch {
	case form == "pkl" || form == "json":
		return form, nil
	case to != "":
		return "", usagef("--to %q: expected pkl or json", to)
	}
	return "", usagef("%q: expected a name that ends in .pkl or .json, or --to pkl, or --to json", name)
}
