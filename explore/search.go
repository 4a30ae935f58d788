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

// SearchResult is the answer to a Request. The limits of the Setup hold for all of
// it.
type SearchResult struct {
	solver.Solution
	// SolveTime is that of the search method alone, without the certificate.
	// Of the methods that take microseconds it is the shortest of three runs:
	// the first one finds the caches cold.
	SolveTime time.Duration
	// Top are the best networks, best first, distinct as networks; the first is
	// the Solution. nil unless asked for.
	Top []solver.MultiLimitNetwork
	// Limits are the latency limit and those of the Setup, with what the best
	// network uses of each.
	Limits []Limit
}

// ProofTime is how long the exact search of a quadratic predictor goes on for a
// proof where a Request does not say.
const ProofTime = 10 * time.Second

// Search answers a Request. Where the predictor is bilinear or quadratic, the exact
// search certifies the answer of another method: Bound is what nothing within the
// limit exceeds, and Status is Optimal where the answer is within ProvedGap of it.
// For other predictors nothing is proved: Bound is +Inf. With limits beside the
// latency, or several networks, the exact search of a bilinear predictor alone
// applies.
//
// Limits that no network keeps give Status Infeasible and no error. A search that
// was cancelled, or is out of time, gives the best network so far and no error,
// unless it has none. Equal seeds give equal answers, unless the exact search of a
// quadratic predictor ran out of time.
func (e *Engine) Search(ctx context.Context, r Request) (SearchResult, error) {
	known := e.Optimizers()
	if r.Method == "" {
		r.Method = known[0]
	}
	if !slices.Contains(known, r.Method) {
		return SearchResult{}, e.optimizerError(r.Method)
	}
	if len(e.Limits) == 0 && r.Top == 0 && !math.IsInf(r.LimitMS, 1) {
		return e.searchLatency(ctx, r)
	}
	if r.Method != solver.IQCP || !e.Bilinear() {
		return SearchResult{}, e.severalError(r.Method)
	}
	if _, err := e.withLimits(ctx); err != nil {
		return SearchResult{}, err
	}
	ctx, cancel := e.timed(ctx, r)
	defer cancel()
	start := time.Now()
	found, limits, err := e.searchLimits(ctx, r.LimitMS, max(r.Top, 1))
	if err != nil {
		return SearchResult{}, err
	}
	out := SearchResult{Solution: limitedSolution(found, r.LimitMS), SolveTime: time.Since(start), Limits: limits}
	if len(e.Limits) == 0 { // the search for one limit has the tighter relaxation, and its price
		var s solver.Solution
		if err := e.exact.Clone().Solve(ctx, &s, r.LimitMS); err != nil {
			return SearchResult{}, err
		}
		out.Solution.ShadowPrice, out.Limits = s.ShadowPrice, []Limit{LatencyLimit(&s)}
	}
	if r.Top > 0 {
		out.Top = found.Best
	}
	return out, nil
}

// searchLatency runs one method under the latency limit alone.
func (e *Engine) searchLatency(ctx context.Context, r Request) (SearchResult, error) {
	m, err := e.method(r)
	if err != nil {
		return SearchResult{}, err
	}
	timed, cancel := e.timed(ctx, r)
	defer cancel()
	runs := 1
	if e.live(r.Method) {
		runs = 3
	}
	f := SearchResult{SolveTime: math.MaxInt64}
	for range runs {
		start := time.Now()
		err = m.Solve(timed, &f.Solution, r.LimitMS)
		f.SolveTime = min(f.SolveTime, time.Since(start))
	}
	if err != nil && (f.Status == solver.Infeasible || timed.Err() == nil) {
		return SearchResult{}, err
	}
	err = e.certify(ctx, &f.Solution, r)
	f.Limits = []Limit{LatencyLimit(&f.Solution)}
	return f, err
}

// live reports that a method takes microseconds.
func (e *Engine) live(method solver.Optimizer) bool {
	return e.Bilinear() && method != solver.Evolution
}

func (e *Engine) method(r Request) (solver.Method, error) {
	switch {
	case r.Method == solver.Evolution:
		return solver.NewEvolution(e.problem, e.objective, solver.EvolutionSettings{Seed: r.Seed, Progress: r.Progress})
	case e.live(r.Method) && r.Method == solver.IQCP:
		return e.exact, nil
	case e.live(r.Method):
		return e.bcfw, nil
	case r.Method == solver.IQCP:
		return e.quad.Solver(solver.QuadraticSettings{Seed: r.Seed, Progress: r.Progress}), nil
	}
	return solver.NewBCFW(e.problem, e.objective, solver.BCFWSettings{Seed: r.Seed})
}

// timed is the time that a search has.
func (e *Engine) timed(ctx context.Context, r Request) (context.Context, context.CancelFunc) {
	limit := r.TimeLimit
	if limit == 0 && r.Method == solver.IQCP && e.quad != nil {
		limit = ProofTime
	}
	if limit == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, limit)
}

// certify proves what can be proved about a solution.
func (e *Engine) certify(ctx context.Context, s *solver.Solution, r Request) error {
	if s.Status == solver.Infeasible || s.Optimizer == solver.IQCP {
		return nil
	}
	if !e.Bilinear() && e.quad == nil {
		s.Bound = math.Inf(1)
		if s.Optimizer == solver.Evolution {
			s.ShadowPrice = math.NaN()
		}
		return nil
	}
	r.Method, r.Progress = solver.IQCP, nil
	m, err := e.method(r)
	if err != nil {
		return err
	}
	ctx, cancel := e.timed(ctx, r)
	defer cancel()
	var best solver.Solution
	if err := m.Solve(ctx, &best, r.LimitMS); err != nil {
		return err
	}
	s.Bound, s.ShadowPrice = best.Bound, best.ShadowPrice
	s.Accuracy = min(s.Accuracy, s.Bound) // sums in another order differ by 1e-12 points
	if s.Status = solver.Feasible; s.Gap() <= ProvedGap {
		s.Status = solver.Optimal
	}
	return nil
}

// optimizerError is an error about a search method, an ErrOptimizer.
type optimizerError string

func (e optimizerError) Error() string      { return string(e) }
func (optimizerError) Is(target error) bool { return target == ErrOptimizer }

func (e *Engine) optimizerError(method solver.Optimizer) error {
	all := []solver.Optimizer{solver.BCFW, solver.IQCP, solver.Evolution}
	if !slices.Contains(all, method) {
		return optimizerError(fmt.Sprintf("optimizer %q: expected %s", string(method), names(all)))
	}
	return optimizerError(fmt.Sprintf("optimizer %s bounds sums of pairs of decisions, for which the predictor has to be bilinear or quadratic; %s is of type %s: expected %s",
		method, e.PredictorName, e.Predictor.Kind(), names(e.Optimizers())))
}

// severalError says what several limits and several networks need.
func (e *Engine) severalError(method solver.Optimizer) error {
	return optimizerError(fmt.Sprintf("optimizer %s takes a limit on the latency alone and finds one network: several limits or networks need iqcp and a bilinear predictor", method))
}

// names lists methods: "bcfw, iqcp or evo".
func names(methods []solver.Optimizer) string {
	var out []string
	for _, m := range methods {
		out = append(out, string(m))
	}
	last := len(out) - 1
	return strings.Join(out[:last], ", ") + " or " + out[last]
}

// NoNetwork is the error that says that limitMS is below every network.
func (e *Engine) NoNetwork(limitMS float64) error {
	needed := math.Ceil(1000*e.MinLatencyMS()) / 1000 // upwards: a limit that can be kept
	return fmt.Errorf("%w of %v ms: at least %.3f ms are needed", ErrNoNetwork, limitMS, needed)
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
