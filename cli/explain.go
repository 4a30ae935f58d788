package cli

import (
	"context"
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/figure"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/solver"
)

func (a *app) explainCommand() *cobra.Command {
	var sel selection
	var form forms
	cmd := &cobra.Command{
		Use:   "explain [--limit 5ms]",
		Short: "Explain what pays off in the space, or why a network is what it is",
		Long: `Without a limit: what one more block, a wider expansion, a larger kernel and
squeeze-excite are worth in every stage, in accuracy points and milliseconds.
With a limit: the best network within it, and for every decision not taken its
change of accuracy and latency, and its reduced cost: what it would cost at this
limit once the rest of the network has made room for it. With several limits
each charges a decision for what it uses, at its own price.`,
		Example: `  binas-tui explain
  binas-tui explain --limit 5ms --figure why.svg
  binas-tui explain --limit 5ms --csv > why.csv
  binas-tui explain --limit 5ms --max-params 6M`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := form.check(a, cmd); err != nil {
				return err
			}
			limitMS, err := sel.limitMS()
			if err != nil {
				return err
			}
			if limitMS == 0 && sel.limits.any() {
				limitMS = math.Inf(1)
			}
			engine, err := sel.engine(cmd.Context())
			if err != nil {
				return err
			}
			x, err := newExplanation(cmd.Context(), engine, limitMS, sel.seed)
			if err != nil {
				return err
			}
			return form.write(a, x, func() (*figure.Drawing, error) { return x.heat(engine) }, x.writeCSV,
				func(w io.Writer) error { return x.writeText(w, engine) })
		},
	}
	sel.addFlags(cmd)
	sel.addLimit(cmd, "with its unit: us, ms or s, for example 5ms")
	sel.addConstraints(cmd)
	form.addFlags(a, cmd, "draw a heat map")
	sel.addSeed(cmd, "")
	return cmd
}

// explanation is the JSON of explain. What belongs to a network is there with a
// limit alone.
type explanation struct {
	Stages            []stageEffects        `json:"stages"`
	FirstOrder        bool                  `json:"first_order"` // the predictor is not bilinear: effects are about the mean network
	Architecture      string                `json:"architecture,omitempty"`
	LimitMS           *explore.Number       `json:"limit_ms,omitempty"`
	LatencyMS         *explore.Number       `json:"latency_ms,omitempty"`
	LatencyDeviation  *explore.Number       `json:"latency_deviation_ms,omitempty"` // one standard deviation; without where the table does not know
	PredictedAccuracy *explore.Number       `json:"predicted_accuracy,omitempty"`
	ShadowPrice       *explore.Number       `json:"shadow_price,omitempty"`
	Status            string                `json:"status,omitempty"`
	Limits            []explore.ReportLimit `json:"limits,omitempty"`
	Decisions         []decision            `json:"decisions,omitempty"`
	LUT               string                `json:"lut"`
	Predictor         string                `json:"predictor"`
	AccuracySource    string                `json:"accuracy_source"`

	found explore.SearchResult
}

// ofNetwork says that it is about a network.
func (x *explanation) ofNetwork() bool { return x.Architecture != "" }

// stageEffects are what the dimensions pay in one stage.
type stageEffects struct {
	Stage     int    `json:"stage"`
	Depth     effect `json:"depth"`     // one block more
	Expansion effect `json:"expansion"` // least to greatest, as the next two
	Kernel    effect `json:"kernel"`
	SE        effect `json:"se"`
}

type effect struct {
	Accuracy    explore.Number `json:"accuracy"` // points
	LatencyMS   explore.Number `json:"latency_ms"`
	PointsPerMS explore.Number `json:"points_per_ms"` // null where latency does not change
}

// dimensions names the effects of a stage, in the order of all.
var dimensions = [...]string{"depth", "expansion", "kernel", "se"}

func (s stageEffects) all() [4]effect { return [...]effect{s.Depth, s.Expansion, s.Kernel, s.SE} }

// decision is one option of a block, or with block null one depth of a stage,
// against what was chosen.
type decision struct {
	Stage       int            `json:"stage"`
	Block       *int           `json:"block"`
	Choice      string         `json:"choice"` // "k5 e3 se", or "3 blocks"
	Chosen      bool           `json:"chosen"`
	Accuracy    explore.Number `json:"accuracy"`     // points, positive is better
	LatencyMS   explore.Number `json:"latency_ms"`   // positive is slower
	ReducedCost explore.Number `json:"reduced_cost"` // accuracy less what it uses at the shadow prices
	// Charges are what each of the limits takes for it, in points; without limits
	// beside the latency there are none.
	Charges []explore.Number `json:"charges,omitempty"`

	option int // column of a heat map
}

// newExplanation explains the space, and with a limit its best network.
func newExplanation(ctx context.Context, e *explore.Engine, limitMS float64, seed uint64) (*explanation, error) {
	x := &explanation{FirstOrder: !e.Bilinear(), LUT: e.LUTName, Predictor: e.PredictorName, AccuracySource: e.AccuracySource()}
	for i, s := range e.Effects() {
		of := func(v solver.Effect) effect {
			return effect{explore.Number(v.Accuracy), explore.Number(v.LatencyMS), explore.Number(v.PerMS())}
		}
		x.Stages = append(x.Stages, stageEffects{i + 1, of(s.Depth), of(s.Expansion), of(s.Kernel), of(s.SqueezeExcite)})
	}
	if limitMS == 0 {
		return x, nil
	}
	found, err := e.Search(ctx, explore.Request{LimitMS: limitMS, Seed: seed})
	if err != nil {
		return nil, err
	}
	if found.Status == solver.Infeasible {
		return nil, e.NoNetworkWithin(ctx, limitMS)
	}
	x.Architecture, x.Status = e.Space.Architecture(found.Path).String(), found.Status.String()
	x.LimitMS, x.LatencyMS = new(explore.Number(limitMS)), new(explore.Number(found.LatencyMS))
	if ms, known := e.LatencyDeviation(found.Path); known {
		x.LatencyDeviation = new(explore.Number(ms))
	}
	x.PredictedAccuracy, x.ShadowPrice = new(explore.Number(found.Accuracy)), new(explore.Number(found.ShadowPrice))
	x.found, x.Limits = found, explore.NewReport(e, found).Limits
	x.decide(e)
	return x, nil
}

// decide lists the decisions of a network: per stage its depths, then the
// options of its blocks.
func (x *explanation) decide(e *explore.Engine) {
	s := &x.found.Solution
	sensitivity := e.Sensitivity(s, x.found.Limits)
	add := func(d decision, c solver.Change) {
		if limits := x.found.Limits; len(limits) > 1 {
			d.Charges = make([]explore.Number, len(limits))
			for i, used := range c.Uses {
				d.Charges[i] = explore.Number(limits[i].Charge(used))
			}
		}
		d.Accuracy, d.LatencyMS, d.ReducedCost = explore.Number(c.Accuracy), explore.Number(c.LatencyMS), explore.Number(c.ReducedCost)
		x.Decisions = append(x.Decisions, d)
	}
	for st, depth := range s.Path.Depth {
		for d := e.Space.MinDepth; d <= e.Space.MaxDepth; d++ {
			change := solver.Change{}
			for _, c := range sensitivity.Depths {
				if c.Stage == st && c.Depth == d {
					change = c.Change
				}
			}
			add(decision{Stage: st + 1, Choice: fmt.Sprintf("%d blocks", d), Chosen: d == depth, option: d - e.Space.MinDepth}, change)
		}
		for k := range depth {
			b := st*e.Space.MaxDepth + k
			for o, option := range e.Space.Options {
				change := solver.Change{}
				for _, c := range sensitivity.Options {
					if c.Block == b && c.Option == o {
						change = c.Change
					}
				}
				add(decision{Stage: st + 1, Block: &k, Choice: option.String(), Chosen: o == s.Path.Option[b], option: o}, change)
			}
		}
	}
}

// writeText prints the insight table, or the decisions of a network: of every
// block what was chosen, the closest other option and the one that costs most.
func (x *explanation) writeText(w io.Writer, e *explore.Engine) error {
	if !x.ofNetwork() {
		x.writeStages(w)
		writeSources(w, e.Setup)
		_, err := fmt.Fprintln(w, "\nWhy a network is what it is: --limit "+exampleLimit(e))
		return err
	}
	limits := x.found.Limits
	if len(limits) > 1 {
		writeLimits(w, limits)
	}
	limit := "no limit"
	if x.LimitMS.Finite() {
		limit = "limit " + phrase.MS(float64(*x.LimitMS), 4) + " ms"
	}
	fmt.Fprintf(w, "latency   %s ms (%s)\n", latencyText(e, x.found.Path, float64(*x.LatencyMS)), limit)
	sanitize.Fprintf(w, "accuracy  %.2f %% predicted, %s\n", float64(*x.PredictedAccuracy), x.Status)
	writeSources(w, e.Setup)
	sanitize.Fprintf(w, "price     %.3f points per ms at the limit (shadow price)\n\n", float64(*x.ShadowPrice))
	fmt.Fprint(w, "                        chosen     instead     points       ms   at this limit")
	if len(limits) > 1 {
		fmt.Fprint(w, "   charged by")
		for _, l := range limits {
			fmt.Fprintf(w, "  %*s", chargeWidth(l), sanitize.Line(l.Name()))
		}
	}
	fmt.Fprintln(w)
	for i := 0; i < len(x.Decisions); {
		end := i + 1
		for end < len(x.Decisions) && x.Decisions[end].Stage == x.Decisions[i].Stage && (x.Decisions[end].Block == nil) == (x.Decisions[i].Block == nil) &&
			(x.Decisions[i].Block == nil || *x.Decisions[end].Block == *x.Decisions[i].Block) {
			end++
		}
		writeDecision(w, x.Decisions[i:end], limits)
		i = end
	}
	_, err := fmt.Fprintln(w, "\nEvery option of every block: --csv, --json or --figure why.svg")
	return err
}

// writeStages prints what pays most in which stage.
func (x *explanation) writeStages(w io.Writer) {
	if x.FirstOrder {
		fmt.Fprint(w, "To first order, about the mean of all networks:\n\n")
	}
	fmt.Fprintln(w, "        one block more          expansion 3→6           kernel 3→5              squeeze-excite")
	fmt.Fprintln(w, "stage   points     ms  pt/ms    points     ms  pt/ms    points     ms  pt/ms    points     ms  pt/ms")
	for _, s := range x.Stages {
		fmt.Fprintf(w, "%5d", s.Stage)
		for _, v := range s.all() {
			sanitize.Fprintf(w, "   %+6.3f %6.3f %6.2f", float64(v.Accuracy), float64(v.LatencyMS), float64(v.PointsPerMS))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w)
}

// writeDecision prints what was chosen, and of the others the closest and the
// costliest by reduced cost.
func writeDecision(w io.Writer, group []decision, limits []explore.Limit) {
	where := fmt.Sprintf("stage %d depth", group[0].Stage)
	if group[0].Block != nil {
		where = fmt.Sprintf("stage %d block %d", group[0].Stage, *group[0].Block)
	}
	var chosen, closest, costliest *decision
	cost := func(d *decision) float64 {
		if d.ReducedCost.Finite() {
			return float64(d.ReducedCost)
		}
		return float64(d.Accuracy)
	}
	for i := range group {
		d := &group[i]
		if d.Chosen {
			chosen = d
			continue
		}
		if closest == nil || cost(d) > cost(closest) {
			closest = d
		}
		if costliest == nil || cost(d) < cost(costliest) {
			costliest = d
		}
	}
	name := ""
	if chosen != nil {
		name = chosen.Choice
	}
	for _, d := range []*decision{closest, costliest} {
		if d == nil || d == costliest && costliest == closest && where == "" {
			continue
		}
		sanitize.Fprintf(w, "%-16s %13s  %10s  %+9.3f  %+7.3f  %+9.3f", where, name, d.Choice, float64(d.Accuracy), float64(d.LatencyMS), orZero(float64(d.ReducedCost)))
		for i, c := range d.Charges {
			gap := ""
			if i == 0 {
				gap = "                  "
			}
			sanitize.Fprintf(w, "%s  %+*.3f", gap, chargeWidth(limits[i]), float64(c))
		}
		fmt.Fprintln(w)
		where, name = "", ""
	}
}

// chargeWidth is the width of a limit's column.
func chargeWidth(l explore.Limit) int { return max(7, len(sanitize.Line(l.Name()))) }

func orZero(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}
