package solver

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/binas-tui/binas-tui/model"
)

// labelling is a network in the search of a Quadratic: a label for every
// variable, and for every label what a change to it would make of accuracy.
type labelling struct {
	q       *Quadratic
	label   []int     // per variable
	gain    []float64 // [label]: unary and pairs with the labels of all other variables
	value   float64
	latency int64 // without the fixed part
}

func (q *Quadratic) newLabelling() *labelling {
	return &labelling{q: q, label: make([]int, q.vars), gain: make([]float64, q.width)}
}

func (l *labelling) copyFrom(o *labelling) {
	copy(l.label, o.label)
	copy(l.gain, o.gain)
	l.value, l.latency = o.value, o.latency
}

// reset recomputes everything from the labels.
func (l *labelling) reset() {
	q := l.q
	copy(l.gain, q.unary)
	for _, y := range l.label {
		for x, v := range q.row(y) {
			l.gain[x] += v
		}
	}
	l.value, l.latency = q.total(l.label), 0
	for b := range q.t.blocks {
		if l.active(b) {
			l.latency += l.cost(b, l.label[b])
		}
	}
}

func (l *labelling) depth(stage int) int {
	v := l.q.t.blocks + stage
	return l.q.t.p.MinDepth + l.label[v] - l.q.first[v]
}

func (l *labelling) active(block int) bool {
	d := l.q.t.p.MaxDepth
	return block%d < l.depth(block/d)
}

// cost is the latency of a label of an active block.
func (l *labelling) cost(block, label int) int64 {
	t := l.q.t
	return t.latency[block*t.stride+label-l.q.first[block]]
}

// set changes the label of a variable, accuracy and gains, not latency.
func (l *labelling) set(v, label int) {
	old := l.label[v]
	if old == label {
		return
	}
	l.value += l.gain[label] - l.gain[old]
	from, to := l.q.row(old), l.q.row(label)
	to, gain := to[:len(from)], l.gain[:len(from)]
	for x, w := range from {
		gain[x] += to[x] - w
	}
	l.label[v] = label
}

func (l *labelling) setOption(block, label int) {
	l.latency += l.cost(block, label) - l.cost(block, l.label[block])
	l.set(block, label)
}

// setDepth changes the depth of a stage. Blocks that come on take the best
// option at a price, those that go off their mean or the best option.
func (l *labelling) setDepth(stage, depth int, price float64) {
	p := l.q.t.p
	old := l.depth(stage)
	v := l.q.t.blocks + stage
	l.set(v, l.q.first[v]+depth-p.MinDepth)
	for k := depth; k < old; k++ {
		b := stage*p.MaxDepth + k
		l.latency -= l.cost(b, l.label[b])
		if p.Inactive == model.InactiveMean {
			l.set(b, l.q.off(b))
		} else {
			l.set(b, l.best(b, 0))
		}
	}
	for k := old; k < depth; k++ {
		b := stage*p.MaxDepth + k
		l.set(b, l.best(b, price))
		l.latency += l.cost(b, l.label[b])
	}
}

// best is the allowed option of a block with the greatest gain at a price.
func (l *labelling) best(block int, price float64) int {
	t, first := l.q.t, l.q.first[block]
	best, at := math.Inf(-1), first
	for _, o := range t.order[block] {
		if v := l.gain[first+int(o)] - price*float64(t.latency[block*t.stride+int(o)]); v > best {
			best, at = v, first+int(o)
		}
	}
	return at
}

// localSearch is an iterated local search for one limit.
type localSearch struct {
	q       *Quadratic
	limit   int64 // without the fixed part
	random  *rand.Rand
	price   float64 // accuracy for a unit of latency
	now     *labelling
	current *labelling
	trial   *labelling
	other   *labelling
	best    *labelling // nothing within the limit was found where it is nil
	better  func()     // called with every new best
}

func (q *Quadratic) newLocalSearch(limit int64, seed uint64) *localSearch {
	return &localSearch{q: q, limit: limit, random: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)),
		now: q.newLabelling(), current: q.newLabelling(), trial: q.newLabelling(), other: q.newLabelling(), better: func() {}}
}

// begin starts from the cheapest network and finds the price at which what is
// worth it takes about the limit. It reports false where nothing fits.
func (s *localSearch) begin() bool {
	t, p := s.q.t, s.q.t.p
	l := s.current
	for b := range t.blocks {
		l.label[b] = s.q.first[b] + int(t.order[b][0])
	}
	for st := range p.Stages {
		d := p.MinDepth
		for !p.Pins.AllowsDepth(st, d) {
			d++
		}
		l.label[t.blocks+st] = s.q.first[t.blocks+st] + d - p.MinDepth
		for k := d; k < p.MaxDepth; k++ {
			if p.Inactive == model.InactiveMean {
				l.label[st*p.MaxDepth+k] = s.q.off(st*p.MaxDepth + k)
			}
		}
	}
	l.reset()
	if l.latency > s.limit {
		return false
	}
	s.best = s.q.newLabelling()
	s.best.copyFrom(l)
	s.better()
	low, high := 0.0, 64/unitsPerMS
	for range 24 {
		s.price = (low + high) / 2
		if low > 0 {
			s.price = math.Sqrt(low * high)
		}
		s.now.copyFrom(s.current)
		s.ascend(s.now)
		if s.now.latency > s.limit {
			low = s.price
		} else {
			high = s.price
		}
		if s.repair(s.now); s.keep(s.now) {
			s.better()
		}
		if high-low < 0.05*high {
			break
		}
	}
	s.price = high
	s.now.copyFrom(s.best)
	if s.finish(s.now); s.keep(s.now) {
		s.better()
	}
	s.current.copyFrom(s.best)
	return true
}

func (s *localSearch) keep(l *labelling) bool {
	if l.latency > s.limit || l.value <= s.best.value+1e-12 {
		return false
	}
	s.best.copyFrom(l)
	return true
}

// ascend changes one option or one depth at a time while that gains accuracy
// less latency at the price. The limit does not count.
func (s *localSearch) ascend(l *labelling) {
	t, p := s.q.t, s.q.t.p
	worth := func(l *labelling) float64 { return l.value - s.price*float64(l.latency) }
	for range 20 {
		before := worth(l)
		for b := range t.blocks {
			if l.active(b) {
				l.setOption(b, l.best(b, s.price))
			} else if p.Inactive == model.InactiveFree {
				l.set(b, l.best(b, 0))
			}
		}
		for st := range p.Stages {
			at, top := l.depth(st), worth(l)
			for d := p.MinDepth; d <= p.MaxDepth; d++ {
				if d == l.depth(st) || !p.Pins.AllowsDepth(st, d) {
					continue
				}
				s.trial.copyFrom(l)
				s.trial.setDepth(st, d, s.price)
				if v := worth(s.trial); v > top+1e-12 {
					at, top = d, v
				}
			}
			if at != l.depth(st) {
				l.setDepth(st, at, s.price)
			}
		}
		if worth(l) <= before+1e-12 {
			return
		}
	}
}

// finish brings a labelling within the limit and to a local optimum for
// changes of one or two decisions.
func (s *localSearch) finish(l *labelling) {
	s.repair(l)
	for range 200 {
		if !s.single(l) && !s.double(l) && !s.depthMove(l) {
			return
		}
	}
}

// repair gives up what is worth least for its latency until the limit is kept.
func (s *localSearch) repair(l *labelling) {
	t, p := s.q.t, s.q.t.p
	for l.latency > s.limit {
		over := l.latency - s.limit
		best, block, label, stage := math.Inf(-1), -1, 0, -1
		rate := func(value float64, saved int64) float64 {
			return value / float64(min(saved, over)) // what is saved beyond the limit is no use
		}
		for b := range t.blocks {
			if !l.active(b) {
				continue
			}
			at, first := l.label[b], s.q.first[b]
			for _, o := range t.order[b] {
				saved := l.cost(b, at) - t.latency[b*t.stride+int(o)]
				if saved <= 0 {
					break // by rising latency
				}
				if v := rate(l.gain[first+int(o)]-l.gain[at], saved); v > best {
					best, block, label, stage = v, b, first+int(o), -1
				}
			}
		}
		for st := range p.Stages {
			for d := p.MinDepth; d < l.depth(st); d++ {
				if !p.Pins.AllowsDepth(st, d) {
					continue
				}
				s.trial.copyFrom(l)
				s.trial.setDepth(st, d, s.price)
				if v := rate(s.trial.value-l.value, l.latency-s.trial.latency); l.latency > s.trial.latency && v > best {
					best, stage, label = v, st, d
				}
			}
		}
		switch {
		case stage >= 0:
			l.setDepth(stage, label, s.price)
		case block >= 0:
			l.setOption(block, label)
		default: // only what costs nothing is left: start again from the cheapest
			l.copyFrom(s.best)
			return
		}
	}
}

// single makes the best change of one option within the limit.
func (s *localSearch) single(l *labelling) bool {
	t, moved := s.q.t, false
	for {
		best, block, label := 1e-10, -1, 0
		for b := range t.blocks {
			active := l.active(b)
			if !active && t.p.Inactive == model.InactiveMean {
				continue
			}
			at, first := l.label[b], s.q.first[b]
			for _, o := range t.order[b] {
				x := first + int(o)
				if active && l.latency-l.cost(b, at)+l.cost(b, x) > s.limit {
					break
				}
				if v := l.gain[x] - l.gain[at]; v > best {
					best, block, label = v, b, x
				}
			}
		}
		if block < 0 {
			return moved
		}
		moved = true
		if l.active(block) {
			l.setOption(block, label)
		} else {
			l.set(block, label)
		}
	}
}

// double makes the best change of the options of two active blocks within the
// limit.
func (s *localSearch) double(l *labelling) bool {
	t := s.q.t
	best, blockA, labelA, blockB, labelB := 1e-10, -1, 0, 0, 0
	room := s.limit - l.latency
	for a := range t.blocks {
		if !l.active(a) {
			continue
		}
		atA, firstA := l.label[a], s.q.first[a]
		for _, oa := range t.order[a] {
			x := firstA + int(oa)
			if x == atA {
				continue
			}
			gainA := l.gain[x] - l.gain[atA]
			roomA := room + l.cost(a, atA) - l.cost(a, x)
			to, from := s.q.row(x), s.q.row(atA)
			for b := a + 1; b < t.blocks; b++ {
				if !l.active(b) {
					continue
				}
				atB, firstB := l.label[b], s.q.first[b]
				roomB := roomA + l.cost(b, atB)
				base := gainA - l.gain[atB] - to[atB] + from[atB]
				costs := t.latency[b*t.stride:]
				for _, ob := range t.order[b] {
					if costs[ob] > roomB {
						break
					}
					y := firstB + int(ob)
					if v := base + l.gain[y] + to[y] - from[y]; v > best && y != atB {
						best, blockA, labelA, blockB, labelB = v, a, x, b, y
					}
				}
			}
		}
	}
	if blockA < 0 {
		return false
	}
	l.setOption(blockA, labelA)
	l.setOption(blockB, labelB)
	return true
}

// depthMove changes one depth and repairs the limit, if that gains.
func (s *localSearch) depthMove(l *labelling) bool {
	p := s.q.t.p
	try := s.other
	for st := range p.Stages {
		for d := p.MinDepth; d <= p.MaxDepth; d++ {
			if d == l.depth(st) || !p.Pins.AllowsDepth(st, d) {
				continue
			}
			try.copyFrom(l)
			try.setDepth(st, d, s.price)
			s.repair(try)
			s.single(try)
			if try.latency <= s.limit && try.value > l.value+1e-10 {
				l.copyFrom(try)
				return true
			}
		}
	}
	return false
}

// kick changes 2 to 5 decisions at random and climbs.
func (s *localSearch) kick() {
	t, p, l := s.q.t, s.q.t.p, s.now
	l.copyFrom(s.current)
	for range 2 + s.random.IntN(4) {
		v := s.random.IntN(t.blocks + 2*p.Stages)
		if v >= t.blocks {
			if st, d := (v-t.blocks)%p.Stages, p.MinDepth+s.random.IntN(p.NumDepths()); p.Pins.AllowsDepth(st, d) {
				l.setDepth(st, d, s.price)
			}
		} else if l.active(v) {
			l.setOption(v, s.q.first[v]+int(t.order[v][s.random.IntN(len(t.order[v]))]))
		}
	}
	s.finish(l)
	if s.keep(l) {
		s.better()
	}
	if l.latency <= s.limit && (l.value >= s.current.value || s.random.IntN(50) == 0) {
		s.current.copyFrom(l)
	} else if s.random.IntN(100) == 0 {
		s.current.copyFrom(s.best)
	}
}

// shadowPrice is the multiplier of the limit in the LP relaxation of the
// problem linearised at l, in points per millisecond.
func (s *localSearch) shadowPrice(l *labelling) float64 {
	t := s.q.t
	var store knapsackStore
	k := store.begin(0)
	for b := range t.blocks {
		if !l.active(b) {
			continue
		}
		first := len(store.items)
		for _, o := range t.order[b] {
			store.add(first, item{t.latency[b*t.stride+int(o)], accuracyUnits(l.gain[s.q.first[b]+int(o)], t.options), int32(o)})
		}
		store.closeGroup(&k, first)
	}
	store.end(&k)
	bound, breakStep, _ := k.bound(s.limit)
	if bound == none {
		return 0
	}
	return k.price(breakStep) / float64(t.options)
}

func (l *labelling) path() model.Path {
	p := l.q.t.p
	out := model.Path{Depth: make([]int, p.Stages), Option: slices.Repeat([]int{model.Off}, l.q.t.blocks)}
	for st := range out.Depth {
		out.Depth[st] = l.depth(st)
	}
	for b := range out.Option {
		if l.active(b) || p.Inactive == model.InactiveFree {
			out.Option[b] = l.label[b] - l.q.first[b]
		}
	}
	return out
}
