package solver

import (
	"context"
	"math"
	"math/rand/v2"

	"github.com/binas-tui/binas-tui/model"
)

// BCFWSettings tune block-coordinate Frank-Wolfe. The zero value works.
type BCFWSettings struct {
	Starts int    // points to climb from; 0 is 4 with a bilinear objective, else 12
	Seed   uint64 // of the starts after the first three
}

// BCFWSolver is the paper's block-coordinate Frank-Wolfe (Alg. 1 of arXiv
// 2110.12399; Lacoste-Julien et al. 2013) for any predictor that has a
// gradient. Options and depths are relaxed to distributions alpha and beta; each
// block of variables z in turn moves towards the best vertex of its linearised
// problem under the latency constraint,
//
//	v = argmax ∇f(z)·v  such that latency(v) ≤ limit,   z ← z + γ (v - z),
//
// which is the LP relaxation of a knapsack. γ maximises the parabola through
// value and slope at z and the value at v: 1 where f is linear in the block.
//
// Depths are then rounded, options taken from the linearised knapsack, again at
// the rounded network while that gains, and the best network is improved by
// changes that the gradient proposes and Score decides. Every network scored keeps
// the limit. One goroutine at a time may use a BCFWSolver.
type BCFWSolver struct {
	p        *Problem
	t        *tables // of the latencies alone
	f        Objective
	settings BCFWSettings
	depths   [][]int   // per stage, those that the pins allow
	latency  []float64 // [block*Options+option], in units
	limit    int64     // in units, without the fixed part
	random   rand.PCG

	at, trial relaxed
	climbed   relaxed   // where a climb ended
	vertex    []float64 // of either block of variables
	store     knapsackStore
	search    knapsackSearch

	best     model.Path
	accuracy float64 // of best, -Inf for none
	price    float64 // of the limit at best, units of accuracy for one of latency
	seen     []uint8 // bilinear: vectors of depths rounded, Stages bytes each
	tried    map[string]bool
	depth    []int
	base     []int
	paths    []model.Path // one path and its score, for descend
	scores   []float64
}

// relaxed is a point of the relaxed problem.
type relaxed struct {
	alpha    []float64 // [block*Options+option]
	beta     []float64 // [stage*NumDepths+depth-MinDepth]
	activity []float64 // per block, the chance that it is on
	x, slope []float64 // inputs of the predictor, and its gradient there
	value    float64
}

func newRelaxed(t *tables) relaxed {
	alphas, betas := t.blocks*t.options, len(t.beta)
	floats := make([]float64, 3*(alphas+betas)+t.blocks)
	part := func(n int) []float64 {
		v := floats[:n:n]
		floats = floats[n:]
		return v
	}
	return relaxed{alpha: part(alphas), beta: part(betas), activity: part(t.blocks), x: part(alphas + betas), slope: part(alphas + betas)}
}

func (r *relaxed) copyFrom(o *relaxed) {
	copy(r.alpha, o.alpha)
	copy(r.beta, o.beta)
}

// maxRoundingStates bounds the work on the options of one vector of depths.
const maxRoundingStates = 1 << 12

// NewBCFW makes a search of the space, latencies and pins of p with any
// objective. The accuracy terms of p are not used and may be nil; p must not
// change afterwards.
func NewBCFW(p *Problem, f Objective, settings BCFWSettings) (*BCFWSolver, error) {
	t, err := newTables(p.latencyAlone())
	if err != nil {
		return nil, err
	}
	if settings.Starts <= 0 {
		if settings.Starts = 12; f.Bilinear {
			settings.Starts = 4
		}
	}
	s := &BCFWSolver{p: p, t: t, f: f, settings: settings, at: newRelaxed(t), trial: newRelaxed(t), climbed: newRelaxed(t),
		vertex: make([]float64, max(t.blocks*t.options, len(t.beta))),
		depth:  make([]int, p.Stages), base: make([]int, p.Stages), scores: make([]float64, 1)}
	newPath := func() model.Path {
		return model.Path{Depth: make([]int, p.Stages), Option: make([]int, t.blocks)}
	}
	s.best, s.paths = newPath(), []model.Path{newPath()}
	for st := range p.Stages {
		s.depths = append(s.depths, p.AllowedDepths(st))
	}
	for _, ms := range p.BlockLatencyMS {
		s.latency = append(s.latency, ms*unitsPerMS)
	}
	s.search.reserve(t.blocks)
	s.search.maxStates = maxRoundingStates
	return s, nil
}

// Solve writes a network within limitMS to dst, reusing its slices. Status is
// Feasible, or Infeasible where nothing fits; nothing is proved, Bound is +Inf.
// The answer is a function of problem, objective, settings and limit. On
// cancellation it is the best network so far, with the context's error.
func (s *BCFWSolver) Solve(ctx context.Context, dst *Solution, limitMS float64) error {
	*dst = Solution{Path: dst.Path, Optimizer: BCFW, LimitMS: limitMS, Bound: math.Inf(1)}
	limit := limitPicoseconds(limitMS)
	s.limit = picosecondsLimit(limit) - s.t.fixed
	s.accuracy, s.price, s.seen = math.Inf(-1), 0, s.seen[:0]
	clear(s.at.slope)
	clear(s.at.x)
	if limit < 0 || !s.fastest() {
		return nil
	}
	s.tried = nil
	s.random.Seed(s.settings.Seed, 0x9e3779b97f4a7c15)
	for start := 0; start < s.settings.Starts && ctx.Err() == nil; start++ {
		s.begin(start)
		s.climb(ctx)
		s.roundDepths(ctx)
	}
	s.improve(ctx)
	if !s.f.Bilinear {
		s.moveTo(s.best)
		s.knapsackPath(s.best.Depth)
		s.price = s.search.best.price
	}
	dst.Status, dst.Accuracy = Feasible, s.accuracy
	dst.LatencyMS = s.p.LatencyMS(s.best)
	dst.ShadowPrice = s.price / float64(s.t.options)
	dst.Path.Depth = append(dst.Path.Depth[:0], s.best.Depth...)
	dst.Path.Option = append(dst.Path.Option[:0], s.best.Option...)
	return ctx.Err()
}

// fastest scores the fastest network. It reports false where that is above the
// limit.
func (s *BCFWSolver) fastest() bool {
	for st, depths := range s.depths {
		s.depth[st] = depths[0]
	}
	if !s.knapsackPath(s.depth) {
		return false
	}
	s.score(s.paths, s.scores)
	return true
}

// begin sets a start: uniform options, and depths that are the mean of all, the
// least, the greatest, then random.
func (s *BCFWSolver) begin(start int) {
	t, p := s.t, s.p
	clear(s.at.alpha)
	clear(s.at.beta)
	for b, order := range t.order {
		for _, o := range order {
			s.at.alpha[b*t.options+int(o)] = 1 / float64(len(order))
		}
	}
	for st, depths := range s.depths {
		w, n := s.at.beta[st*p.NumDepths():], len(depths)
		switch start {
		case 0:
			for _, d := range depths {
				w[d-p.MinDepth] = 1 / float64(n)
			}
		case 1:
			w[depths[0]-p.MinDepth] = 1
		case 2:
			w[depths[n-1]-p.MinDepth] = 1
		default:
			w[depths[s.random.Uint64()%uint64(n)]-p.MinDepth] = 1
		}
	}
}

// evaluate brings inputs, gradient and value up to alpha and beta: a block that
// is partly off counts its mean for that part.
func (s *BCFWSolver) evaluate(r *relaxed) {
	t, p := s.t, s.p
	for st := range p.Stages {
		on := 1.0
		for k := range p.MaxDepth {
			if k >= p.MinDepth {
				if on -= r.beta[st*p.NumDepths()+k-p.MinDepth]; on < 1e-12 {
					on = 0
				}
			}
			r.activity[st*p.MaxDepth+k] = on
		}
	}
	copy(r.x, r.alpha)
	copy(r.x[len(r.alpha):], r.beta)
	for b, on := range r.activity {
		if on == 1 || p.Inactive == model.InactiveFree {
			continue
		}
		off := (1 - on) / float64(t.options)
		for i := b * t.options; i < (b+1)*t.options; i++ {
			r.x[i] = on*r.alpha[i] + off
		}
	}
	r.value = s.f.Gradient(r.x, r.slope)
}

const (
	climbSteps = 16   // at most
	climbGain  = 1e-4 // points: a step that gains less is idle
)

// climb moves options and depths in turn until neither gains. A bilinear objective
// is linear in the options, so that one idle step ends it.
func (s *BCFWSolver) climb(ctx context.Context) {
	s.evaluate(&s.at)
	for step, idle := 0, 0; step < climbSteps && ctx.Err() == nil; step++ {
		before := s.at.value
		if step%2 == 0 && s.optionVertex() {
			// The start need not keep the limit: the first vertex is taken whole.
			s.move(s.at.alpha, s.trial.alpha, step == 0)
		} else if step%2 == 1 && s.depthVertex() {
			s.move(s.at.beta, s.trial.beta, false)
		}
		if idle++; step == 0 || s.at.value >= before+climbGain {
			idle = 0
		}
		if idle == 2 || idle == 1 && s.f.Bilinear {
			return
		}
	}
}

// move goes from a block of variables of s.at towards s.vertex: whole, or as far
// as the parabola says, if it gains. to is the same block of s.trial.
func (s *BCFWSolver) move(from, to []float64, whole bool) {
	s.trial.copyFrom(&s.at)
	copy(to, s.vertex)
	s.evaluate(&s.trial)
	if !whole && (s.trial.value < s.at.value || rise(s.trial.slope, &s.at, &s.trial) < 0) {
		slope := rise(s.at.slope, &s.at, &s.trial)
		curve := s.trial.value - s.at.value - slope
		if step := -slope / (2 * curve); curve < 0 && step > 0 && step < 1 {
			for i, v := range from {
				to[i] = v + step*(to[i]-v)
			}
			s.evaluate(&s.trial)
		}
		if s.trial.value < s.at.value {
			return
		}
	}
	s.at, s.trial = s.trial, s.at
}

// rise is how much a slope says that going from a to b gains.
func rise(slope []float64, a, b *relaxed) float64 {
	sum := 0.0
	for i, v := range slope {
		sum += v * (b.x[i] - a.x[i])
	}
	return sum
}
