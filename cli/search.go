package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/sanitize"
	"github.com/binas-tui/binas-tui/solver"
)

func (a *app) searchCommand() *cobra.Command {
	var (
		sel    selection
		limit  string
		method string
		seed   uint64
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "search --limit 45ms",
		Short: "Find the best network within a latency limit",
		Long: `Find the network with the best predicted accuracy whose latency is at or below
the limit, and say what is proved about it.`,
		Example: `  binas-tui search --limit 45ms
  binas-tui search --limit 9800us --lut phone.pkl --predictor bilinear.pth --json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit == "" {
				return usagef("search needs a latency limit, for example --limit 45ms")
			}
			if cmd.Flags().Changed("nas-optimizer") && method == "" {
				return usagef("--nas-optimizer is empty: expected bcfw, iqcp or evo")
			}
			limitMS, err := latency.ParseLimit(limit)
			if err != nil {
				return usageError{err}
			}
			engine, err := sel.engine(cmd.Context())
			if err != nil {
				return err
			}
			found, err := engine.Search(cmd.Context(), solver.Optimizer(method), limitMS, seed)
			if err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(a.out, explore.NewResult(engine, found))
			} else if found.Status != solver.Infeasible {
				err = writeSearch(a.out, engine, found)
			}
			if err == nil && found.Status == solver.Infeasible {
				err = engine.NoNetwork(limitMS)
			}
			return err
		},
	}
	sel.addFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&limit, "limit", "", "latency limit with its `UNIT`: us, ms or s, for example 45ms (required)")
	f.StringVar(&method, "nas-optimizer", "", "search `METHOD`: bcfw, iqcp (exact) or evo (default iqcp, or evo where the predictor is not bilinear)")
	f.Uint64Var(&seed, "seed", 1, "seed of evo")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// writeSearch prints a search for people. The architecture is the last line.
func writeSearch(w io.Writer, e *explore.Engine, f explore.Finding) error {
	r := explore.NewResult(e, f)
	fmt.Fprintf(w, "%s\n\n", verdict(f))
	fmt.Fprintf(w, "latency   %s ms (limit %s ms; reachable from %s ms, nothing gained beyond %s ms)\n",
		formatMS(f.LatencyMS, 4), formatMS(f.LimitMS, 4), formatMS(e.MinLatencyMS(), 4), formatMS(e.MaxLatencyMS(), 4))
	beyond := ""
	if e.PredictorInfo.Extrapolates(f.Accuracy) {
		beyond = ", extrapolated beyond what the predictor was fitted on"
	}
	fmt.Fprintf(w, "accuracy  %.2f %% predicted%s\n", f.Accuracy, beyond)
	writeSources(w, e.Setup)
	if e.Bilinear() {
		fmt.Fprintf(w, "price     %.3f points for one more millisecond\n", f.ShadowPrice)
	}
	fmt.Fprintf(w, "solved    in %v by %s\n\n", f.SolveTime, f.Optimizer)
	fmt.Fprintln(w, "stage block  kernel  expansion  se    latency ms  contribution")
	for _, b := range r.Blocks {
		se := "-"
		if b.SE > 0 {
			se = fmt.Sprint(b.SE)
		}
		fmt.Fprintf(w, "%5d %5d  %6d  %9v  %-4s  %10.3f  %+12.3f\n",
			b.Stage, b.Block, b.Kernel, b.Expansion, se, float64(b.LatencyMS), float64(b.Contribution))
	}
	fmt.Fprintf(w, "fixed (stem, first block, head) %24.3f\n\n", e.Table.FixedMS)
	_, err := fmt.Fprintln(w, *r.Architecture)
	return err
}

// verdict says in one line what is proved.
func verdict(f explore.Finding) string {
	switch {
	case f.Status == solver.Optimal:
		return "optimal: no network within the limit is predicted to be better"
	case explore.Number(f.Bound).Finite():
		return fmt.Sprintf("feasible: at most %.4f points below the best within the limit", f.Gap())
	}
	return "feasible: the predictor is not bilinear, so better networks may exist"
}

// writeSources says where accuracies and latencies come from.
func writeSources(w io.Writer, s explore.Setup) {
	fmt.Fprintf(w, "          from %s: %s\n", sanitize.Line(s.PredictorName), sanitize.Line(s.AccuracySource()))
	fmt.Fprintf(w, "          latencies from %s: %s\n", sanitize.Line(s.LUTName), lutSource(s.LUT))
}
