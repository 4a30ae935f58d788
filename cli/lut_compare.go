package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/sanitize"
)

func (a *app) lutCompareCommand() *cobra.Command {
	var sel selection
	cmd := &cobra.Command{
		Use:   "compare A B",
		Short: "Compare the latency tables of two devices",
		Long: `Compare two latency tables of one search space: whether they rank blocks alike,
how much slower B is than A, the blocks that differ most from that, and what it
costs to run on one device the networks that are best on the other.`,
		Example: "  binas-tui lut compare laptop phone.json",
		Args:    arguments("the first table", "the second table"),
		RunE: func(cmd *cobra.Command, args []string) error {
			off, err := inactiveBlocks(sel.inactive)
			if err != nil {
				return err
			}
			r, err := explore.CompareTables(cmd.Context(), "", [2]string(args), sel.predictor, off, sel.seed)
			if err != nil {
				return err
			}
			return a.print(r, func(w io.Writer) error { return writeComparison(w, r) })
		},
	}
	cmd.Flags().StringVar(&sel.predictor, "predictor", "", "predictor that says what is best, a `FILE|NAME` (default: the profile's)")
	addInactive(cmd, &sel.inactive)
	sel.addSeed(cmd, " of the evolution, where the predictor is not bilinear")
	a.addJSON(cmd)
	return cmd
}

func writeComparison(w io.Writer, r *explore.Comparison) error {
	a, b := sanitize.Line(r.A), sanitize.Line(r.B)
	sanitize.Fprintf(w, "A  %s, %s\nB  %s, %s\n\n", a, r.PrecisionA, b, r.PrecisionB)
	sanitize.Fprintf(w, "%d blocks of %s at %d pixels: rank correlation (Kendall) %.3f\n", r.Blocks, r.Space, r.ImageSize, float64(r.Kendall))
	sanitize.Fprintf(w, "%s, median over blocks\n", r.Slower())
	sanitize.Fprintf(w, "fixed part %s and %s ms\n\nfurthest from that:\nstage block  option        A ms      B ms   B/A\n",
		phrase.MS(float64(r.FixedAMS), 4), phrase.MS(float64(r.FixedBMS), 4))
	for _, c := range r.Apart {
		sanitize.Fprintf(w, "%5d %5d  %-9s %8.4f  %8.4f  %4.2f\n", c.Stage, c.Block, c.Option, float64(c.AMS), float64(c.BMS), float64(c.Ratio))
	}
	fmt.Fprintln(w, "\nthe best network for one, on the other:\n       limit ms  accuracy %  latency ms  best there %   lost  as accurate from ms")
	for _, t := range r.Transfers {
		fastest := "-"
		if t.FastestMS.Finite() {
			fastest = phrase.MS(float64(t.FastestMS), 4)
		}
		sanitize.Fprintf(w, "%s %8.3f  %10.3f  %10.3f  %12.3f  %5.3f  %19s\n", t.Way, float64(t.LimitMS), float64(t.Accuracy),
			float64(t.LatencyMS), float64(t.BestAccuracy), float64(t.Lost), fastest)
	}
	_, err := fmt.Fprintln(w, "\nlost: points below the best network of the same latency there")
	return err
}
