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
	if e.Bilinear() {
		return []solver.Optimizer{solver.IQCP, solver.BCFW, solver.Evolution}
	}
	return []solver.Optimizer{solver.Evolution}
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
// [Engine.Optimizers]. Where the predictor is bilinear, the exact search then
// certifies the answer: Bound is the proved optimum, and Status is Optimal
// where the answer is within ProvedGap of it. For other predictors nothing is
// proved: Bound is +Inf and ShadowPrice not a number. A limit that no network
// keeps gives Status Infeasible and no error. Equal seeds give equal answers.
func (e *Engine) Search(ctx context.Context, method solver.Optimizer, limitMS float64, seed uint64) (Finding, error) {
	known := e.Optimizers()
	if method == "" {
		method = known[0]
	}
	if !slices.Contains(known, method) {
		return Finding{}, e.optimizerError(method)
	}
	var f Finding
	var err error
	switch method {
	case solver.IQCP:
		f.SolveTime = shortest(func() { e.exact.Solve(&f.Solution, limitMS) })
	case solver.BCFW:
		f.SolveTime = shortest(func() { e.bcfw.Solve(&f.Solution, limitMS) })
	case solver.Evolution:
		start := time.Now()
		f.Solution, err = e.Evolve(ctx, limitMS, seed)
		f.SolveTime = time.Since(start)
	}
	if err != nil {
		return Finding{}, err
	}
	e.certify(&f.Solution, limitMS)
	return f, nil
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
func (e *Engine) certify(s *solver.Solution, limitMS float64) {
	if s.Status == solver.Infeasible || s.Optimizer == solver.IQCP {
		return
	}
	if !e.Bilinear() {
		s.Bound, s.ShadowPrice = math.Inf(1), math.NaN()
		return
	}
	var best solver.Solution
	e.exact.Solve(&best, limitMS)
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
	return fmt.Errorf("optimizer %s: %w: it needs a bilinear predictor, %s is of type %s: expected %s",
		method, ErrOptimizer, e.PredictorName, e.Predictor.Kind(), names(e.Optimizers()))
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
	return fmt.Errorf("%w of %v ms: the least reachable latency is %v ms", ErrNoNetwork, limitMS, e.MinLatencyMS())
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
