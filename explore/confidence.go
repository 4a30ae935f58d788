package explore

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/binas-tui/binas-tui/solver"
)

// Certain is the answer of a search that keeps the limit by the table with a
// stated probability.
type Certain struct {
	SearchResult
	Confidence  float64
	DeviationMS float64 // one standard deviation of the answer's latency
	LoweredMS   float64 // limit that the search was made with: what is proved is proved of it
}

// ErrNoDeviation is wrapped by errors about a table that does not say how far it
// may be off.
var ErrNoDeviation = errors.New("the table does not know its errors")

// Solves of FindCertain: for the fixed point, and at most.
const (
	fixedPointSolves = 4
	certainSolves    = 16
)

// FindCertain is Find for a limit T that is kept with a probability by the table
// alone: latency + z · deviation ≤ T, z being that quantile of the normal
// distribution. It searches below a lowered limit, T - z · deviation of the
// answer, which is found in a few solves. That the answer keeps T so is checked; that
// it is the best is proved of the lowered limit alone: a network of which the
// table is more certain may be better.
//
// Errors wrap [ErrNoDeviation] where the table does not know its errors and
// [ErrNoNetwork] where no network is that certain.
func (e *Engine) FindCertain(ctx context.Context, r Request, confidence float64) (Certain, error) {
	z := distuv.UnitNormal.Quantile(confidence)
	limit, best := r.LimitMS, Certain{Confidence: confidence}
	for solve := range certainSolves {
		asked := r
		asked.LimitMS = limit
		found, err := e.Search(ctx, asked)
		if err != nil {
			return best, err
		}
		if found.Status == solver.Infeasible {
			if solve == 0 { // without any doubt
				return Certain{SearchResult: found, Confidence: confidence}, nil
			}
			break
		}
		deviation, known := e.LatencyDeviation(found.Path)
		if !known {
			return best, fmt.Errorf("confidence by the table alone: %w: measure it again (lut measure), or search with --on-device", ErrNoDeviation)
		}
		excess := found.LatencyMS + z*deviation - r.LimitMS
		if excess <= 0 && (best.Path.Depth == nil || found.Accuracy > best.Accuracy) {
			best.SearchResult, best.DeviationMS, best.LoweredMS = found, deviation, limit
		}
		next := r.LimitMS - z*deviation
		if excess > 0 {
			next = min(next, limit-excess)
		}
		if best.Path.Depth != nil && (solve+1 >= fixedPointSolves || math.Abs(next-limit) < 1e-6*r.LimitMS) {
			break
		}
		limit = next
	}
	if best.Path.Depth == nil {
		return best, fmt.Errorf("%w of %v ms with a probability of %g%% by the table", ErrNoNetwork, r.LimitMS, 100*confidence)
	}
	best.LimitMS = r.LimitMS
	l := &best.Limits[0]
	l.Cap, l.Slack = r.LimitMS, r.LimitMS-l.Used
	return best, nil
}
