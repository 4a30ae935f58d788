package solver

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/binas-tui/binas-tui/model"
)

// BCFWSettings tune block-coordinate Frank-Wolfe. The zero value works.
type BCFWSettings struct {
	Starts int    // where relaxed searches start; 0 is 8
	Seed   uint64 // of the starts after the first three
}

// BCFWSolver is the paper's block-coordinate Frank-Wolfe (Alg. 1): options and
// depths are relaxed to distributions, and each block of variables in turn
// goes to the best vertex of its linear problem under the latency constraint.
// The objective is linear in each block, so the vertex is the exact line
// search. Depths and options are then rounded under the limit, so an answer
// never exceeds it. One goroutine at a time may use a BCFWSolver.
type BCFWSolver struct {
	t        *tables
	settings BCFWSettings
	random   rand.PCG

	relaxed relaxed
	store   knapsackStore
	row     []int64
	core    core
	depth   []int
	seen    []uint8 // depth vectors tried, Stages bytes each
	path    model.Path
	better  []int
}

// maxRoundingStates bounds the work on the options of one vector of depths.
const maxRoundingStates = 1 << 12

// maxPolishOptions bounds how many options polish looks at, over all the
// vectors of depths that it tries.
const maxPolishOptions = 96_000

// NewBCFW makes a Problem ready for BCFW at any limit. The Problem must not
// change afterwards.
func NewBCFW(p *Problem, settings BCFWSettings) (*BCFWSolver, error) {
	t, err := newTables(p)
	if err != nil {
		return nil, err
	}
	if settings.Starts <= 0 {
		settings.Starts = 8
	}
	s := &BCFWSolver{t: t, settings: settings, row: make([]int64, len(t.linear)), depth: make([]int, p.Stages)}
	betas := len(p.Beta)
	floats := func(n int) []float64 { return make([]float64, n) }
	s.relaxed = relaxed{
		weight: floats(betas), activity: floats(t.blocks), option: make([]int, t.blocks),
		adds: floats(betas * t.blocks), means: floats(betas * t.blocks),
		value: floats(t.blocks), mean: floats(t.blocks), latency: floats(t.blocks),
		nextWeight: floats(betas), nextActivity: floats(t.blocks),
	}
	s.core.reserve(t.blocks)
	s.core.maxStates = maxRoundingStates
	s.path = model.Path{Depth: make([]int, p.Stages), Option: make([]int, t.blocks)}
	return s, nil
}

// Solve writes a network within limitMS to dst, reusing its slices. Status is
// Feasible, or Infeasible where nothing fits; Bound is +Inf. The answer is a
// function of the problem, the settings and the limit.
func (s *BCFWSolver) Solve(dst *Solution, limitMS float64) {
	*dst = Solution{Path: dst.Path, Optimizer: BCFW, LimitMS: limitMS}
	steps := limitSteps(limitMS)
	if steps < 0 {
		return
	}
	limit := stepsLimit(steps) - s.t.fixed
	s.random.Seed(s.settings.Seed, 0x9e3779b97f4a7c15)
	s.seen = s.seen[:0]
	s.core.best.found = false
	for start := range s.settings.Starts {
		s.begin(start)
		if s.climb(limit) {
			s.roundDepths(limit)
		}
	}
	s.polish(limit)
	best := &s.core.best
	if !best.found {
		return
	}
	dst.Status = Feasible
	dst.LatencyMS = networkMS(best.latency + s.t.fixed)
	dst.Accuracy = s.t.points(best.value)
	dst.Bound = math.Inf(1)
	dst.ShadowPrice = best.price / float64(s.t.options)
	dst.Path.Depth = append(dst.Path.Depth[:0], s.path.Depth...)
	dst.Path.Option = append(dst.Path.Option[:0], s.path.Option...)
	s.t.fillInactive(&dst.Path)
}

// begin sets the depths of a start: the mean of all, the least, the greatest,
// then random ones.
func (s *BCFWSolver) begin(start int) {
	p, r := s.t.p, &s.relaxed
	clear(r.weight)
	depths := p.NumDepths()
	for st := range p.Stages {
		w := r.weight[st*depths : (st+1)*depths]
		first, last := 0, depths-1
		for !p.Pins.AllowsDepth(st, p.MinDepth+first) {
			first++
		}
		for !p.Pins.AllowsDepth(st, p.MinDepth+last) {
			last--
		}
		switch start {
		case 0:
			for j := first; j <= last; j++ {
				w[j] = 1 / float64(last-first+1)
			}
		case 1:
			w[first] = 1
		case 2:
			w[last] = 1
		default:
			w[first+int(s.random.Uint64()%uint64(last-first+1))] = 1
		}
	}
	s.setActivity(r.activity, r.weight)
}

// roundDepths tries the whole depths nearest to the relaxed ones: at most one
// stage is between two.
func (s *BCFWSolver) roundDepths(limit int64) {
	p, r := s.t.p, &s.relaxed
	depths := p.NumDepths()
	stage, second := -1, 0
	for st := range p.Stages {
		w := r.weight[st*depths : (st+1)*depths]
		best := 0
		for j := range w {
			if w[j] > w[best] {
				best = j
			}
		}
		s.depth[st] = p.MinDepth + best
		for j := range w {
			if j != best && w[j] > 0 {
				stage, second = st, p.MinDepth+j
			}
		}
	}
	s.try(limit)
	if stage >= 0 {
		s.depth[stage] = second
		s.try(limit)
	}
}

// try rounds the options at whole depths and keeps the network if it is the
// best so far.
func (s *BCFWSolver) try(limit int64) {
	t, p := s.t, s.t.p
	for i := 0; i < len(s.seen); i += p.Stages {
		same := true
		for st, d := range s.depth {
			if int(s.seen[i+st]) != d {
				same = false
				break
			}
		}
		if same {
			return
		}
	}
	for _, d := range s.depth {
		s.seen = append(s.seen, uint8(d))
	}
	value := t.bias
	copy(s.row, t.linear)
	for st, d := range s.depth {
		j := st*p.NumDepths() + d - p.MinDepth
		value += t.beta[j]
		t.addColumn(s.row, j)
	}
	best := &s.core.best
	if best.found && s.atPrice(value, limit) <= float64(best.value) {
		return
	}
	s.store.reset()
	k := t.knapsack(&s.store, s.row, s.depth, value)
	bound, brk, exact := k.bound(limit)
	if bound == none || best.found && bound <= best.value {
		return
	}
	found, oldValue, oldLatency := best.found, best.value, best.latency
	s.core.round(&k, 0, limit, brk)
	if !exact && bound > best.value {
		s.core.solve(&k, 0, limit, bound, brk)
	}
	if found && best.value == oldValue && best.latency == oldLatency {
		return
	}
	g := 0
	copy(s.path.Depth, s.depth)
	for st, d := range s.depth {
		for b := range d {
			s.path.Option[st*p.MaxDepth+b] = int(s.store.items[best.chosen[g]].id)
			g++
		}
	}
}

// atPrice bounds the knapsack of s.depth from above by its Lagrangian at the
// price of the best network: a quick test whether the depths are worth more.
func (s *BCFWSolver) atPrice(value, limit int64) float64 {
	t, price := s.t, s.core.best.price
	bound := float64(value) + price*float64(limit)
	for b := range t.blocks {
		if b%t.p.MaxDepth >= s.depth[b/t.p.MaxDepth] {
			v, _ := t.inactive(s.row, b)
			bound += float64(v)
			continue
		}
		best := -infinity
		for _, o := range t.order[b] {
			a := b*t.stride + int(o)
			best = max(best, float64(s.row[a])-price*float64(t.latency[a]))
		}
		bound += best
	}
	return bound
}

// polish changes the depths of one stage, then of two, while that gains.
func (s *BCFWSolver) polish(limit int64) {
	p := s.t.p
	tries := min(max(maxPolishOptions/len(p.Alpha), 32), 400)
	// change tries every other depth of a stage, each followed by then.
	change := func(st int, then func()) {
		for d := p.MinDepth; d <= p.MaxDepth && tries > 0; d++ {
			if d != s.better[st] && p.Pins.AllowsDepth(st, d) {
				s.depth[st] = d
				then()
				tries--
			}
		}
		s.depth[st] = s.better[st]
	}
	try := func() { s.try(limit) }
	for s.core.best.found && tries > 0 {
		s.better = append(s.better[:0], s.path.Depth...)
		copy(s.depth, s.better)
		for st := range s.better {
			change(st, try)
		}
		for st := range s.better {
			change(st, func() {
				for other := st + 1; other < p.Stages; other++ {
					change(other, try)
				}
			})
		}
		if slices.Equal(s.better, s.path.Depth) {
			return
		}
	}
}
