package explore

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/solver"
)

// How much of a comparison is shown.
const (
	comparedBudgets = 5
	comparedBlocks  = 8
)

// Comparison is two tables compared, the JSON of lut compare, calibrations applied.
type Comparison struct {
	A           string         `json:"a"`
	B           string         `json:"b"`
	PrecisionA  onnx.Precision `json:"precision_a"`
	PrecisionB  onnx.Precision `json:"precision_b"`
	Space       string         `json:"space"`
	ImageSize   int            `json:"image_size"`
	Blocks      int            `json:"blocks"`
	Kendall     Number         `json:"kendall"`      // of the blocks' latencies
	MedianRatio Number         `json:"median_ratio"` // of B to A, over blocks
	Spread      Number         `json:"spread"`       // (q75-q25)/median of the ratios
	FixedAMS    Number         `json:"fixed_a_ms"`
	FixedBMS    Number         `json:"fixed_b_ms"`
	// Apart are the blocks whose ratio is furthest from the median.
	Apart     []ComparedBlock `json:"worst"`
	Transfers []Transfer      `json:"transfers"`
	All       []ComparedBlock `json:"-"` // every block, the furthest first
}

// Slower says how many times slower, or faster, B is than A, by the median block,
// with the spread of the blocks.
func (c *Comparison) Slower() string {
	ratio, how := float64(c.MedianRatio), "slower"
	switch {
	case !(ratio > 0) || math.IsInf(ratio, 1):
		return "how much slower B is cannot be told: blocks of no latency"
	case ratio < 1:
		ratio, how = 1/ratio, "faster"
	}
	return fmt.Sprintf("B is %.2f× %s (IQR %.0f %%)", ratio, how, 100*float64(c.Spread))
}

// ComparedBlock is one block in both tables. Stages count from 1; block 1 stands
// for all but the first.
type ComparedBlock struct {
	Key    string `json:"key"`
	Stage  int    `json:"stage"`
	Block  int    `json:"block"`
	Option string `json:"option"`
	AMS    Number `json:"a_ms"`
	BMS    Number `json:"b_ms"`
	Ratio  Number `json:"ratio"` // of B to A
}

// Transfer is the best network for one device within a limit, run on the other.
type Transfer struct {
	From      string `json:"from"`
	To        string `json:"to"`
	LimitMS   Number `json:"limit_ms"`           // on From
	Accuracy  Number `json:"predicted_accuracy"` // percent
	LatencyMS Number `json:"latency_ms"`         // on To
	// BestAccuracy is the best on To within LatencyMS, Lost what the network is
	// below it, in points.
	BestAccuracy Number `json:"best_accuracy"`
	Lost         Number `json:"lost"`
	// FastestMS is the least latency on To of a network as accurate; null where
	// the predictor leaves it open.
	FastestMS    Number `json:"fastest_ms"`
	Architecture string `json:"architecture"`

	// Way says it in words: "A on B".
	Way string `json:"-"`
}

// CompareTables is [CompareDevices] of two tables, by name or file, with a profile's
// predictor unless another is named.
func CompareTables(ctx context.Context, profile string, tables [2]string, predictor string, inactive model.InactiveBlocks, seed uint64) (*Comparison, error) {
	var engines [2]*Engine
	for i, name := range tables {
		setup, err := Load(profile, name, predictor)
		if err == nil {
			setup.Inactive = inactive
			engines[i], err = New(ctx, setup)
		}
		if err != nil {
			return nil, err
		}
	}
	return CompareDevices(ctx, engines[0], engines[1], seed)
}

// CompareDevices compares the tables of two engines of one space, and what it
// costs to run on one device the networks that are best on the other. Equal
// seeds give equal answers. Tables of other spaces give latency.ErrLUTMismatch.
func CompareDevices(ctx context.Context, a, b *Engine, seed uint64) (*Comparison, error) {
	switch {
	case a.Space.Name != b.Space.Name:
		return nil, fmt.Errorf("compare: %w: %s is of %s, %s of %s", latency.ErrLUTMismatch, a.LUTName, a.Space.Name, b.LUTName, b.Space.Name)
	case a.Space.ImageSize != b.Space.ImageSize:
		return nil, fmt.Errorf("compare: %w: %s is for %d pixels, %s for %d",
			latency.ErrLUTMismatch, a.LUTName, a.Space.ImageSize, b.LUTName, b.Space.ImageSize)
	}
	blocks := compareBlocks(a.Space, a.Table, b.Table)
	r := &Comparison{
		A: a.LUTName, B: b.LUTName, Space: a.Space.Name, ImageSize: a.Space.ImageSize, Blocks: len(blocks),
		PrecisionA: a.LUT.Provenance.ComputesIn(), PrecisionB: b.LUT.Provenance.ComputesIn(), FixedAMS: Number(a.Table.FixedMS), FixedBMS: Number(b.Table.FixedMS),
	}
	var msA, msB, ratios []float64
	for _, c := range blocks {
		msA, msB = append(msA, float64(c.AMS)), append(msB, float64(c.BMS))
		if c.Ratio.Finite() {
			ratios = append(ratios, float64(c.Ratio))
		}
	}
	middle := latency.Quantile(ratios, 0.5)
	r.Kendall, r.MedianRatio = Number(model.KendallTau(msA, msB)), Number(middle)
	r.Spread = Number((latency.Quantile(ratios, 0.75) - latency.Quantile(ratios, 0.25)) / middle)

	apart := func(c ComparedBlock) float64 {
		if d := math.Abs(math.Log(float64(c.Ratio) / middle)); !math.IsNaN(d) {
			return d
		}
		return math.Inf(1)
	}
	slices.SortStableFunc(blocks, func(x, y ComparedBlock) int { return cmp.Compare(apart(y), apart(x)) })
	r.All = blocks
	r.Apart = blocks[:min(comparedBlocks, len(blocks))]

	for _, pair := range []struct {
		from, to *Engine
		way      string
	}{{a, b, "A on B"}, {b, a, "B on A"}} {
		moved, err := transfers(ctx, pair.from, pair.to, seed)
		if err != nil {
			return nil, err
		}
		for i := range moved {
			moved[i].Way = pair.way
		}
		r.Transfers = append(r.Transfers, moved...)
	}
	return r, nil
}

// compareBlocks lists every distinct block of the space once.
func compareBlocks(s *model.Space, a, b *latency.Table) []ComparedBlock {
	var out []ComparedBlock
	for block := range s.NumBlocks() {
		if block%s.MaxDepth > 1 {
			continue // shares its entries with block 1
		}
		for i, o := range s.Options {
			at := block*s.NumOptions() + i
			out = append(out, ComparedBlock{
				Key: s.Block(block).LUTKey(o), Stage: block/s.MaxDepth + 1, Block: block % s.MaxDepth, Option: o.String(),
				AMS: Number(a.BlockMS[at]), BMS: Number(b.BlockMS[at]), Ratio: Number(b.BlockMS[at] / a.BlockMS[at]),
			})
		}
	}
	return out
}

// complete is a search that has to run to its end.
func (e *Engine) complete(ctx context.Context, r Request) (SearchResult, error) {
	found, err := e.Search(ctx, r)
	return found, cmp.Or(err, ctx.Err())
}

// transfers runs the best networks for one device on another, at limits spread
// over what the first can reach.
func transfers(ctx context.Context, from, to *Engine, seed uint64) ([]Transfer, error) {
	frontier, exact, err := to.Pareto(ctx, seed)
	if err != nil {
		return nil, err
	}
	var out []Transfer
	lo, hi := from.MinLatencyMS(), from.MaxLatencyMS()
	for i := range comparedBudgets {
		limit := lo + (hi-lo)*(float64(i)+0.5)/comparedBudgets
		found, err := from.complete(ctx, Request{LimitMS: limit, Seed: seed})
		if err != nil {
			return nil, err
		}
		if found.Status == solver.Infeasible {
			continue
		}
		on := to.LatencyMS(found.Path)
		best, err := to.complete(ctx, Request{LimitMS: on, Seed: seed})
		if err != nil {
			return nil, err
		}
		t := Transfer{
			From: from.LUTName, To: to.LUTName, LimitMS: Number(limit), Accuracy: Number(found.Accuracy),
			LatencyMS: Number(on), BestAccuracy: Number(max(best.Accuracy, found.Accuracy)),
			Lost: Number(max(0, best.Accuracy-found.Accuracy)), FastestMS: Number(math.NaN()),
			Architecture: from.Space.Architecture(found.Path).String(),
		}
		if exact {
			for _, p := range frontier {
				if p.Accuracy >= found.Accuracy-ProvedGap {
					t.FastestMS = Number(min(p.LatencyMS, on))
					break
				}
			}
		}
		out = append(out, t)
	}
	return out, nil
}
