package solver

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/binas-tui/binas-tui/model"
)

// Objective is a predictor as the gradient method sees it.
type Objective struct {
	// Gradient returns the accuracy of inputs x, [alphas, betas], in percent,
	// and writes its derivative by every input to dst.
	Gradient func(x, dst []float64) float64
	// Score predicts whole networks.
	Score Scorer
}

// SolveGradient is block-coordinate Frank-Wolfe for any predictor that has a
// gradient: options and depths are relaxed to distributions, and each in turn
// moves towards the best vertex of the linearised problem under the latency
// constraint, as far as that gains. Depths are then rounded, options taken from
// the linearised knapsack, again at the rounded network while that gains, and
// the result is improved by changes that the gradient proposes and Score
// decides. The space, latencies and pins are those of p, whose accuracy terms
// are not used.
//
// Every network scored keeps the limit. Status is Feasible, or Infeasible where
// nothing fits; nothing is proved, Bound is +Inf. Equal settings give equal
// answers. On cancellation the best network so far is returned with the
// context's error.
func SolveGradient(ctx context.Context, p *Problem, f Objective, limitMS float64, settings BCFWSettings) (Solution, error) {
	sol := Solution{Optimizer: BCFW, LimitMS: limitMS, Bound: math.Inf(1)}
	t, err := newTables(p.latencyAlone())
	if err != nil {
		return sol, err
	}
	if settings.Starts <= 0 {
		settings.Starts = 12
	}
	s := newGradientSearch(t, f)
	s.limit = stepsLimit(limitSteps(limitMS)) - t.fixed
	if limitSteps(limitMS) < 0 || !s.cheapest() {
		return sol, nil
	}
	s.random = rand.New(rand.NewPCG(settings.Seed, 0x9e3779b97f4a7c15))
	for start := range settings.Starts {
		if ctx.Err() != nil {
			break
		}
		s.begin(start)
		s.climb(ctx)
		s.roundDepths(ctx)
	}
	s.improve(ctx)
	sol.Status, sol.Path, sol.Accuracy = Feasible, s.best, s.accuracy
	sol.LatencyMS = p.LatencyMS(s.best)
	s.at(s.best)
	s.knapsackPath(s.best.Depth)
	sol.ShadowPrice = s.core.best.price / float64(t.options)
	return sol, ctx.Err()
}

// gradientSearch is one call of SolveGradient.
type gradientSearch struct {
	t      *tables
	f      Objective
	limit  int64
	random *rand.Rand

	alpha    []float64 // [block*options+option], distributions
	weight   []float64 // [stage*depths+depth], distributions
	activity []float64 // per block, the chance that it is on
	x, slope []float64 // inputs of the predictor at that point, and its gradient
	value    float64
	store    knapsackStore
	core     core

	best     model.Path
	accuracy float64
	tried    map[string]bool
}

func newGradientSearch(t *tables, f Objective) *gradientSearch {
	n := t.blocks * t.options
	betas := len(t.p.Beta)
	s := &gradientSearch{t: t, f: f, alpha: make([]float64, n), weight: make([]float64, betas),
		activity: make([]float64, t.blocks), x: make([]float64, n+betas), slope: make([]float64, n+betas),
		accuracy: math.Inf(-1), tried: map[string]bool{}}
	s.core.reserve(t.blocks)
	s.core.maxStates = maxRoundingStates
	return s
}

// cheapest scores the fastest network. It reports false where that is above
// the limit.
func (s *gradientSearch) cheapest() bool {
	p := s.t.p
	depth := make([]int, p.Stages)
	for st := range depth {
		depth[st] = s.allowedDepths(st)[0]
	}
	path, ok := s.knapsackPath(depth)
	if ok {
		s.score([]model.Path{path})
	}
	return ok
}

func (s *gradientSearch) allowedDepths(stage int) []int {
	p := s.t.p
	var out []int
	for d := p.MinDepth; d <= p.MaxDepth; d++ {
		if p.Pins.AllowsDepth(stage, d) {
			out = append(out, d)
		}
	}
	return out
}

// begin sets a start: uniform options, and depths that are the mean of all, the
// least, the greatest, then random.
func (s *gradientSearch) begin(start int) {
	t, p := s.t, s.t.p
	clear(s.alpha)
	clear(s.weight)
	for b := range t.blocks {
		for _, o := range t.order[b] {
			s.alpha[b*t.options+int(o)] = 1 / float64(len(t.order[b]))
		}
	}
	for st := range p.Stages {
		depths := s.allowedDepths(st)
		w := s.weight[st*p.NumDepths() : (st+1)*p.NumDepths()]
		switch start {
		case 0:
			for _, d := range depths {
				w[d-p.MinDepth] = 1 / float64(len(depths))
			}
		case 1:
			w[depths[0]-p.MinDepth] = 1
		case 2:
			w[depths[len(depths)-1]-p.MinDepth] = 1
		default:
			w[depths[s.random.IntN(len(depths))]-p.MinDepth] = 1
		}
	}
}

// inputs writes the predictor's inputs of a point to dst: a block that is
// partly off counts its mean for that part.
func (s *gradientSearch) inputs(dst, alpha, weight, activity []float64) {
	t, p := s.t, s.t.p
	for st := range p.Stages {
		on := 1.0
		for k := range p.MaxDepth {
			if k >= p.MinDepth {
				on = max(on-weight[st*p.NumDepths()+k-p.MinDepth], 0)
			}
			activity[st*p.MaxDepth+k] = on
		}
	}
	for b, on := range activity {
		if p.Inactive == model.InactiveFree {
			on = 1
		}
		for o := range t.options {
			i := b*t.options + o
			dst[i] = on*alpha[i] + (1-on)/float64(t.options)
		}
	}
	copy(dst[len(alpha):], weight)
}

// evaluate brings x, slope and value up to the point.
func (s *gradientSearch) evaluate() {
	s.inputs(s.x, s.alpha, s.weight, s.activity)
	s.value = s.f.Gradient(s.x, s.slope)
}

// climbRounds bounds how often options and depths take turns.
const climbRounds = 8

// climb alternates between options and depths until neither gains.
func (s *gradientSearch) climb(ctx context.Context) {
	s.evaluate()
	for round := range climbRounds {
		before := s.value
		if alpha, ok := s.optionVertex(); ok && ctx.Err() == nil {
			// The start need not keep the limit: the first vertex is taken whole.
			s.move(s.alpha, alpha, round == 0)
		}
		if weight, ok := s.depthVertex(); ok && ctx.Err() == nil {
			s.move(s.weight, weight, false)
		}
		if ctx.Err() != nil || round > 0 && s.value < before+1e-4 {
			return
		}
	}
}

// move goes from a block of variables towards a vertex: whole, or as far as a
// parabola through value, slope and the value at the vertex says, whichever is
// better, if it gains.
func (s *gradientSearch) move(from, to []float64, whole bool) {
	old := slices.Clone(from)
	oldX, oldSlope, oldValue := slices.Clone(s.x), slices.Clone(s.slope), s.value
	copy(from, to)
	s.evaluate()
	if whole || s.value >= oldValue && dotDifference(s.slope, s.x, oldX) >= 0 {
		return // still rising at the vertex
	}
	rise := dotDifference(oldSlope, s.x, oldX)
	curve := s.value - oldValue - rise
	if step := -rise / (2 * curve); curve < 0 && step > 0 && step < 1 {
		for i := range from {
			from[i] = old[i] + step*(to[i]-old[i])
		}
		s.evaluate()
	}
	if s.value < oldValue {
		copy(from, old)
		s.evaluate()
	}
}

func dotDifference(g, a, b []float64) float64 {
	sum := 0.0
	for i, v := range g {
		sum += v * (a[i] - b[i])
	}
	return sum
}

// units turns a slope into the whole units of a knapsack.
func (s *gradientSearch) units(v float64) int64 {
	return accuracyUnits(max(min(v, 1e3), -1e3), s.t.options)
}

// optionVertex is the best vertex of the linearised options at the depths as
// they are: the LP relaxation of a knapsack over all blocks.
func (s *gradientSearch) optionVertex() ([]float64, bool) {
	t := s.t
	s.store.reset()
	k := s.store.begin(0)
	for b, on := range s.activity {
		first, worth := len(s.store.items), on
		if t.p.Inactive == model.InactiveFree {
			worth = 1
		}
		for _, o := range t.order[b] {
			i := b*t.options + int(o)
			s.store.add(first, item{int64(on * float64(t.latency[b*t.stride+int(o)])), s.units(worth * s.slope[i]), int32(o)})
		}
		s.store.closeGroup(&k, first)
	}
	return s.vertex(&k, make([]float64, len(s.alpha)), func(group, id int) int { return group*t.options + id })
}

// depthVertex is the best vertex of the linearised depths at the options as
// they are: a knapsack with a group for every stage.
func (s *gradientSearch) depthVertex() ([]float64, bool) {
	t, p := s.t, s.t.p
	s.store.reset()
	k := s.store.begin(0)
	for st := range p.Stages {
		first, latency, worth := len(s.store.items), 0.0, 0.0
		for d := range p.MaxDepth + 1 {
			if d >= p.MinDepth && p.Pins.AllowsDepth(st, d) {
				j := st*p.NumDepths() + d - p.MinDepth
				s.store.add(first, item{int64(latency), s.units(worth + s.slope[len(s.alpha)+j]), int32(d - p.MinDepth)})
			}
			if d == p.MaxDepth {
				break
			}
			b := st*p.MaxDepth + d
			for o := range t.options {
				i := b*t.options + o
				latency += s.alpha[i] * float64(t.latency[b*t.stride+o])
				if p.Inactive == model.InactiveMean {
					worth += (s.alpha[i] - 1/float64(t.options)) * s.slope[i]
				}
			}
		}
		s.store.closeGroup(&k, first)
	}
	return s.vertex(&k, make([]float64, len(s.weight)), func(group, id int) int { return group*p.NumDepths() + id })
}

// vertex solves the LP of a knapsack and writes the weight of every item.
func (s *gradientSearch) vertex(k *knapsack, dst []float64, at func(group, id int) int) ([]float64, bool) {
	s.store.end(k)
	bound, brk, _ := k.bound(s.limit)
	if bound == none {
		return nil, false
	}
	latency, _ := k.take(s.core.chosen, brk)
	for g := range k.groups {
		dst[at(int(g), int(s.store.items[s.core.chosen[g]].id))] = 1
	}
	if rest := s.limit - latency; brk < int(k.steps) && rest > 0 {
		next := &k.path()[brk]
		to, from := &s.store.items[next.item], &s.store.items[s.core.chosen[next.group]]
		share := float64(rest) / float64(to.latency-from.latency)
		dst[at(int(next.group), int(to.id))] = share
		dst[at(int(next.group), int(from.id))] = 1 - share
	}
	return dst, true
}

// knapsackPath is the best network of the given depths by the slopes, within
// the limit.
func (s *gradientSearch) knapsackPath(depth []int) (model.Path, bool) {
	t, p := s.t, s.t.p
	s.store.reset()
	k := s.store.begin(0)
	path := model.Path{Depth: slices.Clone(depth), Option: make([]int, t.blocks)}
	var blocks []int
	for b := range t.blocks {
		if b%p.MaxDepth >= depth[b/p.MaxDepth] {
			path.Option[b] = s.offOption(b)
			continue
		}
		first := len(s.store.items)
		for _, o := range t.order[b] {
			s.store.add(first, item{t.latency[b*t.stride+int(o)], s.units(s.slope[b*t.options+int(o)]), int32(o)})
		}
		s.store.closeGroup(&k, first)
		blocks = append(blocks, b)
	}
	s.store.end(&k)
	bound, brk, exact := k.bound(s.limit)
	if bound == none {
		return path, false
	}
	s.core.best.found = false
	s.core.round(&k, 0, s.limit, brk)
	if !exact {
		s.core.solve(&k, 0, s.limit, bound, brk)
	}
	for g, b := range blocks {
		path.Option[b] = int(s.store.items[s.core.best.chosen[g]].id)
	}
	return path, true
}

// offOption is the option of a switched-off block: the best by the slopes where
// it is a free choice.
func (s *gradientSearch) offOption(block int) int {
	if s.t.p.Inactive == model.InactiveMean {
		return model.Off
	}
	best, option := math.Inf(-1), model.Off
	for _, o := range s.t.order[block] {
		if v := s.slope[block*s.t.options+int(o)]; v > best {
			best, option = v, int(o)
		}
	}
	return option
}
