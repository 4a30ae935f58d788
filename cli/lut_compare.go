package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/sanitize"
	"github.com/binas-tui/binas-tui/solver"
)

// How much of a comparison is shown.
const (
	comparedBudgets = 5
	comparedBlocks  = 8
)

func (a *app) lutCompareCommand() *cobra.Command {
	var (
		predictor string
		seed      uint64
		asJSON    bool
	)
	cmd := &cobra.Command{
		Use:   "compare A B",
		Short: "Compare the latency tables of two devices",
		Long: `Compare two latency tables of one search space: whether they rank blocks alike,
how much slower B is than A, the blocks that differ most from that, and what it
costs to run on one device the networks that are best on the other.`,
		Example: "  binas-tui lut compare laptop phone.json",
		Args:    arguments("the first table", "the second table"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var engines [2]*explore.Engine
			for i, name := range args {
				setup, err := explore.Load("", name, predictor)
				if err == nil {
					engines[i], err = explore.New(cmd.Context(), setup)
				}
				if err != nil {
					return err
				}
			}
			r, err := compareLUTs(cmd.Context(), engines[0], engines[1], seed)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.out, r)
			}
			return r.write(a.out)
		},
	}
	f := cmd.Flags()
	f.StringVar(&predictor, "predictor", "", "predictor that says what is best, a `FILE|NAME` (default: the profile's)")
	f.Uint64Var(&seed, "seed", 1, "seed of the evolution that stands in where the predictor is not bilinear")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// compareReport is the JSON of two tables compared, calibrations applied.
type compareReport struct {
	A           string         `json:"a"`
	B           string         `json:"b"`
	Space       string         `json:"space"`
	ImageSize   int            `json:"image_size"`
	Blocks      int            `json:"blocks"`
	Kendall     explore.Number `json:"kendall"`      // of the blocks' latencies
	MedianRatio explore.Number `json:"median_ratio"` // of B to A, over blocks
	Spread      explore.Number `json:"spread"`       // (q75-q25)/median of the ratios
	FixedAMS    explore.Number `json:"fixed_a_ms"`
	FixedBMS    explore.Number `json:"fixed_b_ms"`
	// Apart are the blocks whose ratio is furthest from the median.
	Apart     []comparedBlock `json:"worst"`
	Transfers []transfer      `json:"transfers"`
}

// comparedBlock is one block in both tables. Stages count from 1; block 1 stands
// for all but the first.
type comparedBlock struct {
	Key    string         `json:"key"`
	Stage  int            `json:"stage"`
	Block  int            `json:"block"`
	Option string         `json:"option"`
	AMS    explore.Number `json:"a_ms"`
	BMS    explore.Number `json:"b_ms"`
	Ratio  explore.Number `json:"ratio"` // of B to A
}

// transfer is the best network for one device within a limit, run on the other.
type transfer struct {
	From      string         `json:"from"`
	To        string         `json:"to"`
	LimitMS   explore.Number `json:"limit_ms"`           // on From
	Accuracy  explore.Number `json:"predicted_accuracy"` // percent
	LatencyMS explore.Number `json:"latency_ms"`         // on To
	// BestAccuracy is the best on To within LatencyMS, Lost what the network is
	// below it, in points.
	BestAccuracy explore.Number `json:"best_accuracy"`
	Lost         explore.Number `json:"lost"`
	// FastestMS is the least latency on To of a network as accurate; null where
	// the predictor leaves it open.
	FastestMS    explore.Number `json:"fastest_ms"`
	Architecture string         `json:"architecture"`

	way string
}

func compareLUTs(ctx context.Context, a, b *explore.Engine, seed uint64) (*compareReport, error) {
	switch {
	case a.Space.Name != b.Space.Name:
		return nil, fmt.Errorf("compare: %w: %s is of %s, %s of %s", latency.ErrLUTMismatch, a.LUTName, a.Space.Name, b.LUTName, b.Space.Name)
	case a.Space.ImageSize != b.Space.ImageSize:
		return nil, fmt.Errorf("compare: %w: %s is for %d pixels, %s for %d",
			latency.ErrLUTMismatch, a.LUTName, a.Space.ImageSize, b.LUTName, b.Space.ImageSize)
	}
	blocks := compareBlocks(a.Space, a.Table, b.Table)
	r := &compareReport{
		A: a.LUTName, B: b.LUTName, Space: a.Space.Name, ImageSize: a.Space.ImageSize, Blocks: len(blocks),
		FixedAMS: explore.Number(a.Table.FixedMS), FixedBMS: explore.Number(b.Table.FixedMS),
	}
	var msA, msB, ratios []float64
	for _, c := range blocks {
		msA, msB = append(msA, float64(c.AMS)), append(msB, float64(c.BMS))
		if c.Ratio.Finite() {
			ratios = append(ratios, float64(c.Ratio))
		}
	}
	middle := median(ratios)
	r.Kendall, r.MedianRatio = explore.Number(model.KendallTau(msA, msB)), explore.Number(middle)
	r.Spread = explore.Number((quantile(ratios, 0.75) - quantile(ratios, 0.25)) / middle)

	apart := func(c comparedBlock) float64 {
		if d := math.Abs(math.Log(float64(c.Ratio) / middle)); !math.IsNaN(d) {
			return d
		}
		return math.Inf(1)
	}
	slices.SortStableFunc(blocks, func(x, y comparedBlock) int { return cmp.Compare(apart(y), apart(x)) })
	r.Apart = blocks[:min(comparedBlocks, len(blocks))]

	for _, pair := range []struct {
		from, to *explore.Engine
		way      string
	}{{a, b, "A on B"}, {b, a, "B on A"}} {
		moved, err := transfers(ctx, pair.from, pair.to, seed)
		if err != nil {
			return nil, err
		}
		for i := range moved {
			moved[i].way = pair.way
		}
		r.Transfers = append(r.Transfers, moved...)
	}
	return r, nil
}

// compareBlocks lists every distinct block of the space once.
func compareBlocks(s *model.Space, a, b *latency.Table) []comparedBlock {
	var out []comparedBlock
	for block := range s.NumBlocks() {
		if block%s.MaxDepth > 1 {
			continue // shares its entries with block 1
		}
		for i, o := range s.Options {
			at := block*s.NumOptions() + i
			out = append(out, comparedBlock{
				Key: s.Block(block).LUTKey(o), Stage: block/s.MaxDepth + 1, Block: block % s.MaxDepth, Option: o.String(),
				AMS: explore.Number(a.BlockMS[at]), BMS: explore.Number(b.BlockMS[at]), Ratio: explore.Number(b.BlockMS[at] / a.BlockMS[at]),
			})
		}
	}
	return out
}

// transfers runs the best networks for one device on another, at limits spread
// over what the first can reach.
func transfers(ctx context.Context, from, to *explore.Engine, seed uint64) ([]transfer, error) {
	frontier, exact, err := to.Pareto(ctx, seed)
	if err != nil {
		return nil, err
	}
	var out []transfer
	lo, hi := from.MinLatencyMS(), from.MaxLatencyMS()
	for i := range comparedBudgets {
		limit := lo + (hi-lo)*(float64(i)+0.5)/comparedBudgets
		found, err := from.Search(ctx, "", limit, seed)
		if err != nil {
			return nil, err
		}
		if found.Status == solver.Infeasible {
			continue
		}
		on := to.LatencyMS(found.Path)
		best, err := to.Search(ctx, "", on, seed)
		if err != nil {
			return nil, err
		}
		t := transfer{
			From: from.LUTName, To: to.LUTName, LimitMS: explore.Number(limit), Accuracy: explore.Number(found.Accuracy),
			LatencyMS: explore.Number(on), BestAccuracy: explore.Number(max(best.Accuracy, found.Accuracy)),
			Lost: explore.Number(max(0, best.Accuracy-found.Accuracy)), FastestMS: explore.Number(math.NaN()),
			Architecture: from.Space.Architecture(found.Path).String(),
		}
		if exact {
			for _, p := range frontier {
				if p.Accuracy >= found.Accuracy-explore.ProvedGap {
					t.FastestMS = explore.Number(min(p.LatencyMS, on))
					break
				}
			}
		}
		out = append(out, t)
	}
	return out, nil
}

func (r *compareReport) write(w io.Writer) error {
	a, b := sanitize.Line(r.A), sanitize.Line(r.B)
	fmt.Fprintf(w, "A  %s\nB  %s\n\n", a, b)
	fmt.Fprintf(w, "%d blocks of %s at %d pixels: rank correlation (Kendall) %.3f\n", r.Blocks, r.Space, r.ImageSize, float64(r.Kendall))
	fmt.Fprintf(w, "B takes %.3g times A (median; half of the blocks lie within %.0f %% of each other)\n", float64(r.MedianRatio), 100*float64(r.Spread))
	fmt.Fprintf(w, "fixed part %s and %s ms\n\nfurthest from that:\nstage block  option        A ms      B ms   B/A\n",
		formatMS(float64(r.FixedAMS), 4), formatMS(float64(r.FixedBMS), 4))
	for _, c := range r.Apart {
		fmt.Fprintf(w, "%5d %5d  %-9s %8.4f  %8.4f  %4.2f\n", c.Stage, c.Block, c.Option, float64(c.AMS), float64(c.BMS), float64(c.Ratio))
	}
	fmt.Fprintln(w, "\nthe best network for one, on the other:\n       limit ms  accuracy %  latency ms  best there %   lost  as accurate from ms")
	for _, t := range r.Transfers {
		fastest := "-"
		if t.FastestMS.Finite() {
			fastest = formatMS(float64(t.FastestMS), 4)
		}
		fmt.Fprintf(w, "%s %8.3f  %10.3f  %10.3f  %12.3f  %5.3f  %19s\n", t.way, float64(t.LimitMS), float64(t.Accuracy),
			float64(t.LatencyMS), float64(t.BestAccuracy), float64(t.Lost), fastest)
	}
	_, err := fmt.Fprintln(w, "\nlost: points below the best network of the same latency there")
	return err
}
