package explore

import (
	"context"
	"time"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
)

// ParetoPoint is a network that none of those found beats.
type ParetoPoint struct {
	solver.Point
	Path model.Path
}

// sweepLimits is how many limits are answered where the frontier cannot be
// computed exactly, and sweepTime how long a proof may take at each.
const (
	sweepLimits = 16
	sweepTime   = 2 * time.Second
)

// Pareto returns the best networks by strictly rising latency and accuracy, of
// those that keep the limits of the Setup, for which the predictor has to be
// bilinear. exact says that these are all there are: that is so where it is.
// Otherwise the default method answers 16 limits spread evenly over the
// latencies that can be reached, with the given seed, and what another of the
// answers beats is left out. Calls of the Engine's other methods must wait until
// it returns.
func (e *Engine) Pareto(ctx context.Context, seed uint64) (points []ParetoPoint, exact bool, err error) {
	if e.Bilinear() {
		f, err := e.Frontier(ctx, nil)
		if err != nil {
			return nil, false, err
		}
		return ParetoPoints(f), true, nil
	}
	if len(e.Limits) > 0 {
		return nil, false, e.severalError(e.Optimizers()[0])
	}
	lo, hi := e.MinLatencyMS(), e.MaxLatencyMS()
	for i := range sweepLimits {
		limit := lo + (hi-lo)*float64(i)/(sweepLimits-1)
		r := Request{LimitMS: limit, Seed: seed}
		if e.quad != nil {
			r.TimeLimit = sweepTime
		}
		s, err := e.complete(ctx, r)
		if err != nil {
			return nil, false, err
		}
		if s.Status == solver.Infeasible {
			continue
		}
		points = insert(points, ParetoPoint{solver.Point{LatencyMS: s.LatencyMS, Accuracy: s.Accuracy}, s.Path})
	}
	return points, false, nil
}

// ParetoPoints are the points of a frontier with their networks.
func ParetoPoints(f *solver.Frontier) []ParetoPoint {
	points := make([]ParetoPoint, len(f.Points))
	for i, p := range f.Points {
		points[i].Point = p
		f.Path(&points[i].Path, i)
	}
	return points
}

// insert adds a point unless another beats it, and drops those it beats.
func insert(points []ParetoPoint, p ParetoPoint) []ParetoPoint {
	var out []ParetoPoint
	placed := false
	for _, q := range points {
		if q.LatencyMS <= p.LatencyMS && q.Accuracy >= p.Accuracy {
			return points
		}
		if q.LatencyMS >= p.LatencyMS && q.Accuracy <= p.Accuracy {
			continue
		}
		if !placed && q.LatencyMS > p.LatencyMS {
			out, placed = append(out, p), true
		}
		out = append(out, q)
	}
	if !placed {
		out = append(out, p)
	}
	return out
}
