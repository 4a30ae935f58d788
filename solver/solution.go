package solver

import (
	"context"

	"github.com/binas-tui/binas-tui/model"
)

// Method searches one Problem at any limit: [Exact], [BCFWSolver],
// [EvolutionSolver] or a [QuadraticSolver]. Solve writes a network whose latency, as
// [Problem.LatencyMS] gives it, is at most limitMS to dst, reusing its slices;
// Status is Infeasible where there is none. Methods that prove nothing, and a
// Quadratic that was stopped, say Feasible. On cancellation dst is the best network
// so far.
type Method interface {
	Solve(ctx context.Context, dst *Solution, limitMS float64) error
}

// Status says what is known about a Solution.
type Status uint8

const (
	// Infeasible: no network fits the limit; the Path is meaningless.
	Infeasible Status = iota
	// Feasible: the Path fits the limit; better ones may exist.
	Feasible
	// Optimal: the Path fits the limit and nothing better does.
	Optimal
)

// String returns infeasible, feasible or optimal.
func (s Status) String() string {
	return [...]string{"infeasible", "feasible", "optimal"}[s]
}

// Optimizer names a search method, as the --nas-optimizer flag does.
type Optimizer string

// The search methods of the paper.
const (
	BCFW      Optimizer = "bcfw" // block-coordinate Frank-Wolfe (Alg. 1)
	IQCP      Optimizer = "iqcp" // exact, with certificate
	Evolution Optimizer = "evo"
)

// Solution is the answer to a Problem at one limit. Fields are meaningful
// unless Status is Infeasible.
type Solution struct {
	Path      model.Path
	Optimizer Optimizer
	Status    Status
	LimitMS   float64
	LatencyMS float64
	Accuracy  float64 // predicted, percent
	Bound     float64 // no network within the limit is above this, percent; +Inf where unknown
	// ShadowPrice is the multiplier of the latency constraint in the LP
	// relaxation at the solution: accuracy points per millisecond.
	ShadowPrice float64
}

// Gap is Bound - Accuracy in points: 0 when the solution is proved optimal.
func (s *Solution) Gap() float64 { return s.Bound - s.Accuracy }
