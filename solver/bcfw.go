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

// maxPolishTries bounds how many vectors of depths polish looks at.
const maxPolishTries = 400

// relaxed is a point of the relaxed problem: a distribution over the depths of
// every stage and over the options of every block.
type relaxed struct {
	weight   []float64 // [stage*NumDepths+depth-MinDepth]
	activity []float64 // per block, the chance that it is on
	option   []int     // per block
	split    int       // the one block that has two options, -1 for none
	other    int       // its second option
	share    float64   // and the weight of that
	// adds[j] is what beta j adds to the options chosen: [beta*blocks+block];
	// means likewise to the mean of the options.
	adds, means  []float64
	value, mean  []float64 // per block at the current weights
	latency      []float64 // per block when on, in units
	accuracy     float64
	nextWeight   []float64
	nextActivity []float64
}

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
	s := &BCFWSolver{t: t, settings: settings, row: make([]int64, t.alphas+t.blocks), depth: make([]int, p.Stages)}
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
	dst.Accuracy = accuracyPoints(best.value)
	dst.Bound = math.Inf(1)
	dst.ShadowPrice = best.price
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

// setActivity fills in the chance of every block to be on.
func (s *BCFWSolver) setActivity(activity, weight []float64) {
	p := s.t.p
	for st := range p.Stages {
		on := 1.0
		for k := range p.MaxDepth {
			if k >= p.MinDepth {
				on -= weight[st*p.NumDepths()+k-p.MinDepth]
			}
			if on < 1e-12 {
				on = 0
			}
			activity[st*p.MaxDepth+k] = on
		}
	}
}

// climb alternates between options and depths until neither gains. It reports
// false where no options fit the depths of the start.
func (s *BCFWSolver) climb(limit int64) bool {
	r := &s.relaxed
	last := math.Inf(-1)
	for range 10 {
		if !s.stepOptions(limit) {
			return !math.IsInf(last, -1)
		}
		s.evaluateChoice()
		r.accuracy = s.objective(r.weight, r.activity)
		if !(r.accuracy > last+1e3) { // 1e-9 points
			return true
		}
		last = r.accuracy
		s.stepDepths(limit)
		if a := s.objective(r.nextWeight, r.nextActivity); a > last {
			copy(r.weight, r.nextWeight)
			copy(r.activity, r.nextActivity)
			last = a
		} else {
			return true
		}
	}
	return true
}

// stepOptions sends the options to the best vertex given the depths: the LP
// relaxation of a knapsack over all blocks, in which a block counts with the
// chance that it is on.
func (s *BCFWSolver) stepOptions(limit int64) bool {
	t, p, r := s.t, s.t.p, &s.relaxed
	copy(s.row, t.linear)
	for j, w := range r.weight {
		if q := t.q[j]; q != nil && w > 0 {
			if w == 1 {
				for i, v := range q {
					s.row[i] += v
				}
				continue
			}
			for i, v := range q {
				s.row[i] += int64(w * float64(v))
			}
		}
	}
	s.store.reset()
	k := s.store.begin(0)
	for b, on := range r.activity {
		first, at, mean := len(s.store.items), b*t.options, float64(s.row[t.alphas+b])
		for _, o := range t.order[b] {
			latency, value := t.latency[at+int(o)], s.row[at+int(o)]
			if on < 1 {
				latency = int64(on * float64(latency))
				if p.Inactive == model.InactiveMean {
					value = int64(mean + on*(float64(value)-mean))
				}
			}
			s.store.add(first, item{latency, value, int32(o)})
		}
		s.store.closeGroup(&k, first)
	}
	s.store.end(&k)
	bound, brk, _ := k.bound(limit)
	if bound == none {
		return false
	}
	latency, _ := k.take(s.core.chosen, brk)
	for b := range r.option {
		r.option[b] = int(s.store.items[s.core.chosen[b]].id)
	}
	r.split = -1
	if rest := limit - latency; brk < int(k.steps) && rest > 0 {
		next := &k.path()[brk]
		to, from := &s.store.items[next.item], &s.store.items[s.core.chosen[next.group]]
		r.split, r.other = int(next.group), int(to.id)
		r.share = float64(rest) / float64(to.latency-from.latency)
	}
	return true
}

// evaluateChoice fills in what the chosen options are worth under every beta.
func (s *BCFWSolver) evaluateChoice() {
	t, r := s.t, &s.relaxed
	for b, o := range r.option {
		a := b*t.options + o
		r.latency[b] = float64(t.latency[a])
		if b == r.split {
			r.latency[b] += r.share * float64(t.latency[b*t.options+r.other]-t.latency[a])
		}
	}
	for j, q := range t.q {
		if q == nil {
			continue
		}
		adds, means := r.adds[j*t.blocks:(j+1)*t.blocks], r.means[j*t.blocks:(j+1)*t.blocks]
		for b, o := range r.option {
			adds[b] = s.mix(q, b, o)
			means[b] = float64(q[t.alphas+b])
		}
	}
}

// mix is the entry of a row for the options of a block.
func (s *BCFWSolver) mix(row []int64, b, o int) float64 {
	a := b*s.t.options + o
	v := float64(row[a])
	if b == s.relaxed.split {
		v += s.relaxed.share * float64(row[b*s.t.options+s.relaxed.other]-row[a])
	}
	return v
}

// objective is the relaxed accuracy of the chosen options at given depths, in
// units. It leaves the worth of every block in value and mean.
func (s *BCFWSolver) objective(weight, activity []float64) float64 {
	t, r := s.t, &s.relaxed
	total := float64(t.bias)
	for b, o := range r.option {
		r.value[b], r.mean[b] = s.mix(t.linear, b, o), float64(t.linear[t.alphas+b])
	}
	for j, w := range weight {
		if w == 0 {
			continue
		}
		total += w * float64(t.beta[j])
		if t.q[j] == nil {
			continue
		}
		adds, means := r.adds[j*t.blocks:(j+1)*t.blocks], r.means[j*t.blocks:(j+1)*t.blocks]
		for b := range adds {
			r.value[b] += w * adds[b]
			r.mean[b] += w * means[b]
		}
	}
	for b, on := range activity {
		total += s.worth(r.value[b], r.mean[b], on)
	}
	return total
}

func (s *BCFWSolver) worth(value, mean, on float64) float64 {
	if s.t.p.Inactive == model.InactiveFree {
		return value
	}
	return mean + on*(value-mean)
}

// stepDepths sends the depths to the best vertex given the options, into
// nextWeight: a knapsack with a group for every stage. What a depth is worth
// is taken with the other stages where they are now.
func (s *BCFWSolver) stepDepths(limit int64) {
	p, r := s.t.p, &s.relaxed
	s.objective(r.weight, r.activity)
	s.store.reset()
	k := s.store.begin(0)
	depths := p.NumDepths()
	for st := range p.Stages {
		first, latency := len(s.store.items), 0.0
		own := st * p.MaxDepth
		for b := own; b < own+p.MinDepth; b++ {
			latency += r.latency[b]
		}
		for d := range depths {
			if d > 0 {
				latency += r.latency[own+p.MinDepth+d-1]
			}
			if p.Pins.AllowsDepth(st, p.MinDepth+d) {
				s.store.add(first, item{int64(latency), int64(s.depthWorth(st, d)), int32(d)})
			}
		}
		s.store.closeGroup(&k, first)
	}
	s.store.end(&k)
	copy(r.nextWeight, r.weight)
	copy(r.nextActivity, r.activity)
	bound, brk, _ := k.bound(limit)
	if bound == none {
		return
	}
	latency, _ := k.take(s.core.chosen, brk)
	clear(r.nextWeight)
	for st := range p.Stages {
		r.nextWeight[st*depths+int(s.store.items[s.core.chosen[st]].id)] = 1
	}
	if rest := limit - latency; brk < int(k.steps) && rest > 0 {
		next := &k.path()[brk]
		to, from := &s.store.items[next.item], &s.store.items[s.core.chosen[next.group]]
		share := float64(rest) / float64(to.latency-from.latency)
		r.nextWeight[int(next.group)*depths+int(to.id)] = share
		r.nextWeight[int(next.group)*depths+int(from.id)] = 1 - share
	}
	s.setActivity(r.nextActivity, r.nextWeight)
}

// depthWorth is what moving one stage wholly to depth MinDepth+d is worth.
func (s *BCFWSolver) depthWorth(st, d int) float64 {
	t, p, r := s.t, s.t.p, &s.relaxed
	depths := p.NumDepths()
	j := st*depths + d
	worth := float64(t.beta[j])
	var adds, means []float64
	if t.q[j] != nil {
		adds, means = r.adds[j*t.blocks:(j+1)*t.blocks], r.means[j*t.blocks:(j+1)*t.blocks]
		if !t.local {
			for b, on := range r.activity {
				if b/p.MaxDepth != st {
					worth += s.worth(adds[b], means[b], on)
				}
			}
		}
	}
	for k := range p.MaxDepth {
		b := st*p.MaxDepth + k
		value, mean := r.value[b], r.mean[b]
		for i := st * depths; i < (st+1)*depths; i++ {
			if w := r.weight[i]; w > 0 && t.q[i] != nil {
				value -= w * r.adds[i*t.blocks+b]
				mean -= w * r.means[i*t.blocks+b]
			}
		}
		if adds != nil {
			value, mean = value+adds[b], mean+means[b]
		}
		on := 0.0
		if k < p.MinDepth+d {
			on = 1
		}
		worth += s.worth(value, mean, on)
	}
	return worth
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
	row := t.linear
	for st, d := range s.depth {
		j := st*p.NumDepths() + d - p.MinDepth
		value += t.beta[j]
		t.addRow(s.row, row, j)
		row = s.row
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
			a := b*t.options + int(o)
			best = max(best, float64(s.row[a])-price*float64(t.latency[a]))
		}
		bound += best
	}
	return bound
}

// polish changes the depths of one stage, then of two, while that gains.
func (s *BCFWSolver) polish(limit int64) {
	p := s.t.p
	tries := maxPolishTries
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
