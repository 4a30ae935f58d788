package explore

import (
	"context"
	"math"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
)

// Effects say what pays in which stage: one block more, or the least to the
// greatest value of a dimension. Where the predictor is not bilinear they are
// of first order, about the mean of all networks.
func (e *Engine) Effects() []solver.StageEffect {
	p := *e.problem
	if !e.Bilinear() {
		n := e.Space.NumAlphas()
		x, slope := make([]float64, e.Space.EncodingSize()), make([]float64, e.Space.EncodingSize())
		for i := range x {
			x[i] = 1 / float64(e.Space.NumOptions())
			if i >= n {
				x[i] = 1 / float64(e.Space.NumDepths())
			}
		}
		model.Gradient(e.Predictor, x, slope)
		p.Alpha, p.Beta, p.Q = slope[:n], slope[n:], nil
	}
	return solver.StageEffects(&p, e.Space.Options)
}

// Sensitivity says what every decision not taken would cost: the explanation
// of a solution found by this engine. Limits are those of the SearchResult, with the prices
// that the decisions are charged; without any beside the latency they may be nil.
func (e *Engine) Sensitivity(s *solver.Solution, limits []Limit) solver.Sensitivity {
	switch {
	case !e.Bilinear():
		return e.sensitivityByScores(s)
	case len(e.Limits) == 0:
		return e.exact.Sensitivity(s)
	}
	l, err := e.withLimits(context.Background())
	if err != nil || s.Status == solver.Infeasible || len(limits) != 1+len(e.Limits) {
		return solver.Sensitivity{ShadowPrice: s.ShadowPrice}
	}
	caps, prices := make([]float64, len(limits)), make([]float64, len(limits))
	for i, m := range limits {
		caps[i], prices[i] = m.Cap, m.ShadowPrice
	}
	return l.Sensitivity(s.Path, caps, prices)
}

// sensitivityByScores predicts every network that is one decision away.
func (e *Engine) sensitivityByScores(s *solver.Solution) solver.Sensitivity {
	out := solver.Sensitivity{ShadowPrice: s.ShadowPrice}
	if s.Status == solver.Infeasible {
		return out
	}
	var paths []model.Path
	for b, o := range s.Path.Option {
		for other := range e.Space.NumOptions() {
			if e.Space.Active(s.Path, b) && other != o {
				path := s.Path.Clone()
				path.Option[b] = other
				paths = append(paths, path)
				out.Options = append(out.Options, solver.OptionChange{Block: b, Option: other, Pinned: !e.Pins.Allows(b, other)})
			}
		}
	}
	for st, d := range s.Path.Depth {
		for other := e.Space.MinDepth; other <= e.Space.MaxDepth; other++ {
			if other != d {
				paths = append(paths, e.withDepth(s, st, other))
				out.Depths = append(out.Depths, solver.DepthChange{Stage: st, Depth: other, Pinned: !e.Pins.AllowsDepth(st, other)})
			}
		}
	}
	accuracy := make([]float64, len(paths))
	e.objective.Score(paths, accuracy)
	change := func(i int) solver.Change {
		c := solver.Change{Accuracy: accuracy[i] - s.Accuracy, LatencyMS: e.problem.LatencyMS(paths[i]) - s.LatencyMS}
		c.ReducedCost = c.Accuracy - s.ShadowPrice*c.LatencyMS
		return c
	}
	for i := range out.Options {
		out.Options[i].Change = change(i)
	}
	for i := range out.Depths {
		out.Depths[i].Change = change(len(out.Options) + i)
	}
	return out
}

// withDepth is the network with another depth of a stage. Blocks that come on
// take, one after the other, the best allowed option at the shadow price.
func (e *Engine) withDepth(s *solver.Solution, stage, depth int) model.Path {
	path := s.Path.Clone()
	first := stage * e.Space.MaxDepth
	for b := first + depth; b < first+e.Space.MaxDepth; b++ {
		if e.Inactive == model.InactiveMean {
			path.Option[b] = model.Off
		}
	}
	old := path.Depth[stage]
	for d := old; d < depth; d++ {
		path.Depth[stage] = d + 1
		best, option := math.Inf(-1), 0
		var options []int
		var paths []model.Path
		for o := range e.Space.NumOptions() {
			if e.Pins.Allows(first+d, o) {
				next := path.Clone()
				next.Option[first+d] = o
				options, paths = append(options, o), append(paths, next)
			}
		}
		accuracy := make([]float64, len(paths))
		e.objective.Score(paths, accuracy)
		price := s.ShadowPrice
		if math.IsNaN(price) {
			price = 0
		}
		for i, a := range accuracy {
			if v := a - price*e.problem.LatencyMS(paths[i]); v > best {
				best, option = v, options[i]
			}
		}
		path.Option[first+d] = option
	}
	path.Depth[stage] = depth
	return path
}
