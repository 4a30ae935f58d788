package explore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
)

// Errors of a search, for callers to test.
var (
	// ErrNoNetwork is wrapped by errors about a limit that no network keeps.
	ErrNoNetwork = errors.New("no network fits the limit")
	// ErrOptimizer is wrapped by errors about a search method that is not
	// known or does not apply to the predictor.
	ErrOptimizer = errors.New("search method cannot be used")
)

// ProvedGap is the gap in accuracy points up to which a solution counts as
// proved optimal.
const ProvedGap = 1e-9

// Optimizers lists the search methods that apply to the predictor, the default
// first.
func (e *Engine) Optimizers() []solver.Optimizer {
	if e.Bilinear() || e.quad != nil {
		return []solver.Optimizer{solver.IQCP, solver.BCFW, solver.Evolution}
	}
	return []solver.Optimizer{solver.BCFW, solver.Evolution}
}

// Finding is what one search found.
type Finding struct {
	solver.Solution
	// SolveTime is that of the search method alone, without the certificate.
	// Of the methods that take microseconds it is the shortest of three runs:
	// the first one finds the caches cold.
	SolveTime time.Duration
}

// Search runs one search method at one limit; "" is the default of
// [Engine.Optimizers]. Where the predictor is bilinear or quadratic, the exact
// search then certifies the answer of another method: Bound is what nothing
// within the limit exceeds, and Status is Optimal where the answer is within
// ProvedGap of it. For other predictors nothing is proved: Bound is +Inf. A
// limit that no network keeps gives Status Infeasible and no error. Equal seeds
// give equal answers, unless the exact search of a quadratic predictor ran out
// of time.
func (e *Engine) Search(ctx context.Context, method solver.Optimizer, limitMS float64, seed uint64) (Finding, error) {
	f, err := e.search(ctx, Request{Method: method, LimitMS: limitMS, Seed: seed})
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return Finding{}, err
	}
	return f, nil
}

// ProofTime is how long the exact search of a quadratic predictor goes on for a
// proof where a Request does not say.
const ProofTime = 10 * time.Second

// search runs one method under the latency limit alone. Where it is cancelled
// or out of time the best so far is no error.
func (e *Engine) search(ctx context.Context, r Request) (Finding, error) {
	known := e.Optimizers()
	if r.Method == "" {
		r.Method = known[0]
	}
	if !slices.Contains(known, r.Method) {
		return Finding{}, e.optimizerError(r.Method)
	}
	whole := ctx
	if r.TimeLimit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.TimeLimit)
		defer cancel()
	}
	var f Finding
	var err error
	start := time.Now()
	switch {
	case r.Method == solver.Evolution:
		f.Solution, err = solver.Evolve(ctx, e.problem, e.scorer(), r.LimitMS, solver.EvolutionSettings{Seed: r.Seed, Progress: r.evolved()})
	case e.quad != nil && r.Method == solver.IQCP:
		f.Solution = e.prove(ctx, r.LimitMS, r)
	case !e.Bilinear():
		f.Solution, err = solver.SolveGradient(ctx, e.problem, e.objective(), r.LimitMS, solver.BCFWSettings{Seed: r.Seed})
	case r.Method == solver.IQCP:
		f.SolveTime = shortest(func() { e.exact.Solve(&f.Solution, r.LimitMS) })
	default:
		f.SolveTime = shortest(func() { e.bcfw.Solve(&f.Solution, r.LimitMS) })
	}
	if f.SolveTime == 0 {
		f.SolveTime = time.Since(start)
	}
	if err != nil && (f.Status == solver.Infeasible || ctx.Err() == nil) {
		return Finding{}, err
	}
	e.certify(whole, &f.Solution, r)
	return f, nil
}

// prove runs the exact search of a quadratic predictor.
func (e *Engine) prove(ctx context.Context, limitMS float64, r Request) solver.Solution {
	if r.TimeLimit == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, ProofTime)
		defer cancel()
	}
	return e.quad.Solve(ctx, limitMS, solver.QuadraticSettings{Seed: r.Seed, Progress: r.Progress})
}

// objective is the predictor for the gradient method.
func (e *Engine) objective() solver.Objective {
	return solver.Objective{
		Gradient: func(x, dst []float64) float64 { return model.Gradient(e.Predictor, x, dst) },
		Score:    e.scorer(),
	}
}

// shortest runs solve three times and returns the shortest time.
func shortest(solve func()) time.Duration {
	best := time.Duration(math.MaxInt64)
	for range 3 {
		start := time.Now()
		solve()
		best = min(best, time.Since(start))
	}
	return best
}

// certify proves what can be proved about a solution.
func (e *Engine) certify(ctx context.Context, s *solver.Solution, r Request) {
	if s.Status == solver.Infeasible || s.Optimizer == solver.IQCP {
		return
	}
	var best solver.Solution
	switch {
	case e.Bilinear():
		e.exact.Solve(&best, r.LimitMS)
	case e.quad != nil:
		r.Progress = nil
		if r.TimeLimit > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, r.TimeLimit)
			defer cancel()
		}
		best = e.prove(ctx, r.LimitMS, r)
	default:
		s.Bound = math.Inf(1)
		if s.Optimizer == solver.Evolution {
			s.ShadowPrice = math.NaN()
		}
		return
	}
	s.Bound, s.ShadowPrice = best.Bound, best.ShadowPrice
	s.Accuracy = min(s.Accuracy, s.Bound) // sums in another order differ by 1e-12 points
	if s.Status = solver.Feasible; s.Gap() <= ProvedGap {
		s.Status = solver.Optimal
	}
}

func (e *Engine) optimizerError(method solver.Optimizer) error {
	all := []solver.Optimizer{solver.BCFW, solver.IQCP, solver.Evolution}
	if !slices.Contains(all, method) {
		return fmt.Errorf("optimizer %q: %w: expected one of %s", string(method), ErrOptimizer, names(all))
	}
	return fmt.Errorf("optimizer %s: %w: it bounds sums of pairs of decisions, for which the predictor has to be bilinear or quadratic; %s is of type %s: expected %s",
		method, ErrOptimizer, e.PredictorName, e.Predictor.Kind(), names(e.Optimizers()))
}

// severalError says what several limits and several networks need.
func (e *Engine) severalError(method solver.Optimizer) error {
	return fmt.Errorf("optimizer %s: %w with limits beside the latency or for several networks: they need iqcp and a bilinear predictor",
		method, ErrOptimizer)
}

func names(methods []solver.Optimizer) string {
	var out []string
	for _, m := range methods {
		out = append(out, string(m))
	}
	return strings.Join(out, ", ")
}

// NoNetwork is the error that says that limitMS is below every network.
func (e *Engine) NoNetwork(limitMS float64) error {
	return fmt.Errorf("%w of %v ms: at least %v ms are needed", ErrNoNetwork, limitMS, e.MinLatencyMS())
}

// Contributions are what the decisions of a network add, each by itself and in
// pairs, by a bilinear predictor.
func (e *Engine) Contributions(p model.Path) solver.Contributions {
	return solver.NewContributions(e.problem, p)
}

// Contribution is what the chosen option of an active block adds to the
// predicted accuracy, in points, over the mean of the block's options, all
// else being equal.
func (e *Engine) Contribution(p model.Path, block int) float64 {
	n := e.Space.NumOptions()
	x := e.Space.Encode(nil, p, e.Inactive)
	chosen := e.Predictor.Accuracy(x)
	for i := range n {
		x[block*n+i] = 1 / float64(n)
	}
	return chosen - e.Predictor.Accuracy(x)
}
