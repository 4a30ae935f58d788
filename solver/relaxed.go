package solver

import (
	"math"

	"github.com/binas-tui/binas-tui/model"
)

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
		if !(r.accuracy > last+1e-9*unitsPerPoint*float64(s.t.options)) {
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
		switch {
		case w == 1:
			t.addColumn(s.row, j)
		case w > 0:
			for i, v := range t.q[j].add {
				s.row[t.q[j].from+i] += int64(w * float64(v))
			}
		}
	}
	s.store.reset()
	k := s.store.begin(0)
	for b, on := range r.activity {
		first, at := len(s.store.items), b*t.stride
		mean := float64(s.row[at+t.options])
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
		a := b*t.stride + o
		r.latency[b] = float64(t.latency[a])
		if b == r.split {
			r.latency[b] += r.share * float64(t.latency[b*t.stride+r.other]-t.latency[a])
		}
	}
	for j := range t.q {
		q := &t.q[j]
		adds, means := r.worthOf(j)
		first := q.from / t.stride
		for b := first; b < first+len(q.add)/t.stride; b++ {
			adds[b] = s.mix(q.add[(b-first)*t.stride:], b)
			means[b] = float64(q.add[(b-first)*t.stride+t.options])
		}
	}
}

// worthOf returns what beta j adds to the chosen options and to the means, per
// block.
func (r *relaxed) worthOf(j int) (adds, means []float64) {
	n := len(r.option)
	return r.adds[j*n : (j+1)*n], r.means[j*n : (j+1)*n]
}

// mix is the value of the chosen options of block b, given its part of a row.
func (s *BCFWSolver) mix(part []int64, b int) float64 {
	v := part[s.relaxed.option[b]]
	if b != s.relaxed.split {
		return float64(v)
	}
	return float64(v) + s.relaxed.share*float64(part[s.relaxed.other]-v)
}

// objective is the relaxed accuracy of the chosen options at given depths, in
// units. It leaves the worth of every block in value and mean.
func (s *BCFWSolver) objective(weight, activity []float64) float64 {
	t, r := s.t, &s.relaxed
	total := float64(t.bias)
	for b := range r.option {
		part := t.linear[b*t.stride:]
		r.value[b], r.mean[b] = s.mix(part, b), float64(part[t.options])
	}
	for j, w := range weight {
		if w == 0 {
			continue
		}
		total += w * float64(t.beta[j])
		adds, means := r.worthOf(j)
		first := t.q[j].from / t.stride
		for b := first; b < first+len(t.q[j].add)/t.stride; b++ {
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
	adds, means := r.worthOf(j)
	if !t.local {
		for b, on := range r.activity {
			if b/p.MaxDepth != st {
				worth += s.worth(adds[b], means[b], on)
			}
		}
	}
	for k := range p.MaxDepth {
		b := st*p.MaxDepth + k
		value, mean := r.value[b], r.mean[b]
		for i := st * depths; i < (st+1)*depths; i++ {
			value -= r.weight[i] * r.adds[i*t.blocks+b]
			mean -= r.weight[i] * r.means[i*t.blocks+b]
		}
		value, mean = value+adds[b], mean+means[b]
		on := 0.0
		if k < p.MinDepth+d {
			on = 1
		}
		worth += s.worth(value, mean, on)
	}
	return worth
}
