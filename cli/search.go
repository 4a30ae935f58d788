package cli

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
)

func (a *app) searchCommand() *cobra.Command {
	var (
		sel    selection
		method string
		top    int
		period time.Duration
		how    certainty
	)
	cmd := &cobra.Command{
		Use:   "search --limit 5ms",
		Short: "Find the best network within a latency limit",
		Long: `Find the network with the best predicted accuracy whose latency is at or below
the limit, and what is proved about it. With a bilinear predictor there can be
several limits at once, and the K best networks (--top).

With --on-device networks are measured on this machine, or on the host of the
table, which --on names, until the answer's measured latency keeps the limit,
and nothing that could be shown to keep it is predicted better by more than 0.03
points: a few seconds. What is measured corrects the table from then on (lut
show says how; lut forget removes it). Interrupted, the same command resumes.`,
		Example: `  binas-tui search --limit 5ms
  binas-tui search --limit 5ms --max-params 6M --max-macs 300M \
    --limit-on phone.pkl=12ms
  binas-tui search --limit 5ms --top 10
  binas-tui search --limit 5ms --on-device
  binas-tui search --limit 5ms --on-device --confidence 99% --json
  binas-tui search --limit 25ms --lut pi --on-device --on pi
  binas-tui search --limit 9800us --lut phone.pkl \
    --predictor bilinear.pth --json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkCount(cmd, "top", top, 1, maxTop); err != nil {
				return err
			}
			request := explore.Request{Method: solver.Optimizer(method), LimitMS: math.Inf(1), Seed: sel.seed, Top: top, TimeLimit: period}
			if period < 0 || cmd.Flags().Changed("time-limit") && period == 0 {
				return usagef("--time-limit %v: expected more than 0, for example 5s", period)
			}
			limitMS, err := sel.limitMS()
			switch {
			case err != nil:
				return err
			case limitMS > 0:
				request.LimitMS = limitMS
			case !sel.limits.any():
				return usagef("search needs a limit, for example --limit 5ms")
			}
			confidence, err := how.probability()
			if err != nil {
				return err
			}
			if (how.onDevice || confidence > 0) && sel.limit == "" {
				return usagef("--on-device and --confidence are about the latency: they need --limit")
			}
			if how.device != "" && !how.onDevice {
				return usagef("--device is for --on-device: it measures there")
			}
			if how.on != "" && !how.onDevice {
				return usagef("--on is for --on-device: nothing is measured without it")
			}
			if (how.onDevice || confidence > 0) && top > 0 {
				return usagef("--top %d does not go with --on-device or --confidence, which end with one network", top)
			}
			engine, err := sel.engine(cmd.Context())
			switch {
			case err != nil:
				return err
			case how.onDevice:
				return a.searchOnDevice(cmd.Context(), engine, request, confidence, how)
			case confidence > 0:
				return a.searchCertain(cmd.Context(), engine, request, confidence)
			}
			found, err := engine.Search(cmd.Context(), request)
			if err != nil {
				return err
			}
			return a.answer(cmd.Context(), engine, found)
		},
	}
	sel.addFlags(cmd)
	f := cmd.Flags()
	sel.addLimit(cmd, "with its unit: us, ms or s, for example 5ms")
	sel.addConstraints(cmd)
	f.IntVar(&top, "top", 0, "print the `K` best networks, and how they differ from the best")
	f.StringVar(&method, "nas-optimizer", "", "search `METHOD`: bcfw, iqcp (exact) or evo (default iqcp, or bcfw with an mlp predictor, for which there is no exact one)")
	sel.addSeed(cmd, "")
	f.DurationVar(&period, "time-limit", 0, "stop after this `TIME` with the best network so far and what is proved about it (default 10s for iqcp with a quadratic predictor, else none)")
	how.addFlags(cmd)
	a.addJSON(cmd)
	return cmd
}

// maxTop bounds how many of the best networks can be asked for.
const maxTop = 10000

func (a *app) answer(ctx context.Context, engine *explore.Engine, found explore.SearchResult) error {
	var err error
	if a.json {
		err = writeJSON(a.out, explore.NewReport(engine, found))
	} else if found.Status != solver.Infeasible {
		err = writeFound(a.out, engine, found)
	}
	if err == nil && found.Status == solver.Infeasible {
		err = engine.NoNetworkWithin(ctx, found.LimitMS)
	}
	return err
}

// writeSearch prints a search for people. The architecture is the last line.
func writeSearch(w io.Writer, e *explore.Engine, f explore.SearchResult) error {
	r := explore.NewReport(e, f)
	fmt.Fprintf(w, "%s\n\n", verdict(f))
	limit := "no limit"
	if !math.IsInf(f.LimitMS, 1) {
		limit = "limit " + phrase.MS(f.LimitMS, 4) + " ms"
	}
	fmt.Fprintf(w, "latency   %s ms (%s; reachable from %s ms, no improvement above %s ms)\n",
		latencyText(e, f.Path, f.LatencyMS), limit, phrase.MS(e.MinLatencyMS(), 4), phrase.MS(e.MaxLatencyMS(), 4))
	beyond := ""
	if e.PredictorInfo.Extrapolates(f.Accuracy) {
		beyond = ", extrapolated beyond what the predictor was fitted on"
	}
	deviation := ""
	if points, ok := e.Deviation(f.Path); ok {
		deviation = fmt.Sprintf(" ± %.2f", points)
	}
	sanitize.Fprintf(w, "accuracy  %.2f%s %% predicted%s\n", f.Accuracy, deviation, beyond)
	if pins := e.PinTexts(); len(pins) > 0 {
		fmt.Fprintf(w, "pinned    %s\n", strings.Join(pins, " "))
	}
	writeSources(w, e.Setup)
	if explore.Number(f.ShadowPrice).Finite() {
		fmt.Fprintln(w, "price     "+priceText(e, f))
	}
	fmt.Fprintf(w, "solved    in %v by %s\n\n", f.SolveTime, f.Optimizer)
	fmt.Fprintln(w, "stage block  kernel  expansion  se    latency ms  contribution")
	for _, b := range r.Blocks {
		se := "-"
		if b.SE > 0 {
			se = fmt.Sprint(b.SE)
		}
		sanitize.Fprintf(w, "%5d %5d  %6d  %9v  %-4s  %10.3f  %+12.3f\n",
			b.Stage, b.Block, b.Kernel, b.Expansion, se, float64(b.LatencyMS), float64(b.Contribution))
	}
	sanitize.Fprintf(w, "fixed (stem, first block, head) %24.3f\n\n", e.Table.FixedMS)
	_, err := fmt.Fprintln(w, *r.Architecture)
	return err
}

// priceText says what more time is worth: at the limit itself, the shadow price, and
// of a whole millisecond, which buys less the more is bought.
func priceText(e *explore.Engine, f explore.SearchResult) string {
	text := fmt.Sprintf("%.3f points per ms at the limit (shadow price)", f.ShadowPrice)
	if e.Bilinear() && len(e.Limits) == 0 && !math.IsInf(f.LimitMS, 1) {
		var more solver.Solution
		e.Optimum(&more, f.LimitMS+1)
		text += fmt.Sprintf("; 1 ms more buys %.2f points", more.Accuracy-f.Bound)
	}
	return text
}

// latencyText is a latency by the table, with ± where it knows its errors.
func latencyText(e *explore.Engine, p model.Path, ms float64) string {
	if deviation, ok := e.LatencyDeviation(p); ok {
		return phrase.PlusMinus(ms, deviation, 4)
	}
	return phrase.MS(ms, 4)
}

// verdict says in one line what is proved.
func verdict(f explore.SearchResult) string {
	switch {
	case f.Status == solver.Optimal:
		return "optimal: no network within the limit is predicted to be better"
	case explore.Number(f.Bound).Finite():
		return fmt.Sprintf("feasible: at most %.4f points below the best within the limit", f.Gap())
	}
	return "feasible, uncertified: there is no proof for this type of predictor, so better networks may exist"
}

// writeSources says where accuracies and latencies come from.
func writeSources(w io.Writer, s explore.Setup) {
	fmt.Fprintf(w, "          from %s: %s\n", sanitize.Line(s.PredictorName), sanitize.Line(s.AccuracySource()))
	fmt.Fprintf(w, "          latencies from %s: %s\n", sanitize.Line(s.LUTName), sanitize.Line(s.LUT.Source()))
}
