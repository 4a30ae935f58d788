package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/latency"
)

func (a *app) lutShowCommand() *cobra.Command {
	var profile string
	cmd := &cobra.Command{
		Use:   "show [FILE|NAME]",
		Short: "Show a latency table and how it was measured",
		Long: `Show what each block takes, and how that was measured. Without an argument it is
the table of the default profile.`,
		Example: `  binas-tui lut show
  binas-tui lut show phone.pkl --json`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := explore.FindProfile(profile)
			if err != nil {
				return usageError{err}
			}
			name := p.LUT
			if len(args) == 1 {
				name = args[0]
			}
			lut, err := explore.LoadLUT(name)
			if err != nil {
				return err
			}
			if a.json {
				data, err := latency.EncodeLUT(lut)
				if err != nil {
					return err
				}
				_, err = a.out.Write(sanitize.JSON(data))
				return err
			}
			space, err := explore.SpaceOf(lut, p)
			if err != nil {
				return err
			}
			table, err := lut.Table(space)
			if err != nil {
				return fmt.Errorf("latency table %s: %w", name, err)
			}
			return writeLUT(a.out, name, lut, explore.Setup{Space: space}, table)
		},
	}
	cmd.Flags().StringVar(&profile, "profile", "", "profile `NAME` whose table is shown (default "+explore.Profiles()[0].Name+")")
	a.addJSON(cmd)
	cmd.Flags().Lookup("json").Usage = "print this program's JSON form"
	return cmd
}

// writeLUT prints the provenance, then a row for every distinct block and a
// column for every option.
func writeLUT(w io.Writer, name string, l *latency.LUT, s explore.Setup, t *latency.Table) error {
	p := l.Provenance
	field := func(label, value string) {
		if value != "" && value != "0" {
			fmt.Fprintf(w, "%-12s %s\n", label, sanitize.Line(value))
		}
	}
	field("table", name)
	field("name", p.Name)
	field("source", p.Source)
	field("host", p.Host)
	field("device", p.Device)
	field("processor", p.Processor)
	field("runtime", p.Runtime)
	field("threads", fmt.Sprint(p.Threads))
	field("precision", string(p.ComputesIn()))
	field("batch", fmt.Sprint(p.Batch))
	field("space", fmt.Sprintf("%s at %d pixels", s.Space.Name, s.Space.ImageSize))
	if !p.Date.IsZero() {
		field("date", p.Date.Format(time.DateOnly))
	}
	field("method", string(p.Method))
	if l.Quality != nil {
		field("quality", qualityText(l.Quality))
		field("disturbed", l.Quality.Disturbed)
	}
	field("note", p.Note)
	if c := l.Calibration; c.Set() {
		field("calibration", fmt.Sprintf("%.4g × sum %+.4g ms, on %d networks", c.Slope, c.InterceptMS, c.Networks))
	}
	if text := l.Learnt.String(); text != "" {
		field("level", text+"; "+l.Learnt.File+"; lut forget removes it")
	}
	sanitize.Fprintf(w, "%-12s %.4f ms (stem, first block, last convolution, head)\n\n", "fixed", t.FixedMS)

	fmt.Fprint(w, "milliseconds   ")
	for _, o := range s.Space.Options {
		fmt.Fprintf(w, " %9s", o)
	}
	fmt.Fprintln(w)
	n := s.Space.NumOptions()
	for b := range s.Space.NumBlocks() {
		stage, k := b/s.Space.MaxDepth+1, b%s.Space.MaxDepth
		blocks := "block 0"
		if k == 1 {
			blocks = "others"
		}
		if k > 1 { // shares its entries with block 1
			continue
		}
		fmt.Fprintf(w, "stage %d %-7s", stage, blocks)
		for _, ms := range t.BlockMS[b*n : (b+1)*n] {
			sanitize.Fprintf(w, " %9.4f", ms)
		}
		fmt.Fprintln(w)
	}
	_, err := fmt.Fprintln(w, "\nk: kernel, e: expansion, se: squeeze-excite")
	return err
}
