package explore

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
)

// Request is one search in full. The zero value of every field but LimitMS
// works.
type Request struct {
	Method  solver.Optimizer // "" is the default of Engine.Optimizers
	LimitMS float64          // +Inf is none
	Seed    uint64
	Top     int // how many of the best networks; 0 is the best alone

	// TimeLimit stops a search that takes longer, with the best so far; 0 is
	// ProofTime for the exact search of a quadratic predictor, else none.
	TimeLimit time.Duration
	// Progress, if set, is called with every better network of evolution and
	// of the exact search of a quadratic predictor, and there with every lower
	// bound. The solution is not to be kept or changed.
	Progress func(*solver.Solution)
}

// Found is the answer to a Request. The limits of the Setup hold for all of it.
type Found struct {
	Finding
	// Top are the best networks, best first, distinct as networks; the first is
	// the Finding. nil unless asked for.
	Top []solver.MultiLimitNetwork
	// Limits are the latency limit and those of the Setup, with what the best
	// network uses of each.
	Limits []Limit
}

// Find answers a Request. What holds of [Engine.Search] holds here, but that a
// search which was cancelled, or is out of time, gives the best network so far
// and no error. With limits beside the latency, or several networks, the exact
// search of a bilinear predictor alone applies.
func (e *Engine) Find(ctx context.Context, r Request) (Found, error) {
	known := e.Optimizers()
	if r.Method == "" {
		r.Method = known[0]
	}
	if len(e.Limits) == 0 && r.Top == 0 && !math.IsInf(r.LimitMS, 1) {
		f, err := e.search(ctx, r)
		return Found{Finding: f, Limits: []Limit{e.latencyLimit(&f.Solution)}}, err
	}
	if !slices.Contains(known, r.Method) {
		return Found{}, e.optimizerError(r.Method)
	}
	if r.Method != solver.IQCP || !e.Bilinear() {
		return Found{}, e.severalError(r.Method)
	}
	if _, err := e.withLimits(ctx); err != nil {
		return Found{}, err
	}
	if r.TimeLimit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.TimeLimit)
		defer cancel()
	}
	start := time.Now()
	found, limits, err := e.searchLimits(ctx, r.LimitMS, max(r.Top, 1))
	if err != nil {
		return Found{}, err
	}
	out := Found{Finding: Finding{limitedSolution(found, r.LimitMS), time.Since(start)}, Limits: limits}
	if r.Top > 0 {
		out.Top = found.Best
	}
	return out, nil
}

// limitedSolution is the best network of a search under several limits, of which
// the latency is the first.
func limitedSolution(r solver.MultiLimitResult, limitMS float64) solver.Solution {
	s := solver.Solution{Optimizer: solver.IQCP, Status: r.Status, LimitMS: limitMS}
	if r.Status != solver.Infeasible {
		best := r.Best[0]
		s.Path, s.LatencyMS, s.Accuracy = best.Path, best.Used[0], best.Accuracy
		s.Bound, s.ShadowPrice = r.Bound, r.Prices[0]
	}
	return s
}

// latencyLimit is the one limit of a search without others.
func (e *Engine) latencyLimit(s *solver.Solution) Limit {
	l := Limit{Cap: s.LimitMS, Used: s.LatencyMS, ShadowPrice: s.ShadowPrice}
	if s.Status == solver.Infeasible {
		l.Used, l.ShadowPrice = math.NaN(), math.NaN()
	}
	l.Slack, l.Binding = l.Cap-l.Used, l.ShadowPrice > 0
	return l
}

// Difference is one decision in which a network differs from another. Stages
// count from 1. Block is -1 for a depth.
type Difference struct {
	Stage    int
	Block    int
	From, To string // "3 blocks", or an option: "k5 e3 se"; "off" where a block is off
}

// Where is the decision as people name it: "stage 2", or "2.1" for a block.
func (d Difference) Where() string {
	if d.Block < 0 {
		return fmt.Sprintf("stage %d", d.Stage)
	}
	return fmt.Sprintf("%d.%d", d.Stage, d.Block)
}

// Differences lists the decisions in which a network differs from another.
func (e *Engine) Differences(from, to model.Path) []Difference {
	s := e.Space
	var out []Difference
	option := func(p model.Path, b int) string {
		if !s.Active(p, b) {
			return "off"
		}
		return s.Options[p.Option[b]].String()
	}
	for st := range s.Stages {
		if a, b := from.Depth[st], to.Depth[st]; a != b {
			out = append(out, Difference{st + 1, -1, fmt.Sprintf("%d blocks", a), fmt.Sprintf("%d blocks", b)})
		}
		for k := range s.MaxDepth {
			b := st*s.MaxDepth + k
			if x, y := option(from, b), option(to, b); x != y {
				out = append(out, Difference{st + 1, k, x, y})
			}
		}
	}
	return out
}
