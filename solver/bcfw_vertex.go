package solver

import (
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/binas-tui/binas-tui/model"
)

// units turns a slope into the whole units of a knapsack.
func (s *BCFWSolver) units(slope float64) int64 {
	return int64(math.RoundToEven(max(min(slope, 1e3), -1e3)*unitsPerPoint)) * int64(s.t.options)
}

// optionVertex makes s.vertex the best vertex of the linearised options at the
// depths as they are: the LP relaxation of a knapsack over all blocks, in which a
// block counts with the chance that it is on. It reports false where nothing fits.
func (s *BCFWSolver) optionVertex() bool {
	t := s.t
	s.store.reset()
	k := s.store.begin(0)
	for b, on := range s.at.activity {
		first, worth := len(s.store.items), on
		if s.p.Inactive == model.InactiveFree {
			worth = 1
		}
		for _, o := range t.order[b] {
			latency := t.latency[b*t.stride+int(o)]
			if on < 1 {
				latency = int64(on * float64(latency))
			}
			s.store.add(first, item{latency, s.units(worth * s.at.slope[b*t.options+int(o)]), int32(o)})
		}
		s.store.closeGroup(&k, first)
	}
	return s.lpVertex(&k, len(s.at.alpha), t.options)
}

// depthVertex makes s.vertex the best vertex of the linearised depths at the
// options as they are: a knapsack with a group for every stage.
func (s *BCFWSolver) depthVertex() bool {
	t, p := s.t, s.p
	alpha, slope := s.at.alpha, s.at.slope
	s.store.reset()
	k := s.store.begin(0)
	for st := range p.Stages {
		first, latency, worth := len(s.store.items), 0.0, 0.0
		for d := range p.MaxDepth + 1 {
			if d >= p.MinDepth && p.Pins.AllowsDepth(st, d) {
				j := st*p.NumDepths() + d - p.MinDepth
				s.store.add(first, item{int64(latency), s.units(worth + slope[len(alpha)+j]), int32(d - p.MinDepth)})
			}
			if d == p.MaxDepth {
				break
			}
			b := st*p.MaxDepth + d
			for o := range t.options {
				i := b*t.options + o
				if alpha[i] != 0 {
					latency += alpha[i] * float64(t.latency[b*t.stride+o])
				}
				if p.Inactive == model.InactiveMean {
					worth += (alpha[i] - 1/float64(t.options)) * slope[i]
				}
			}
		}
		s.store.closeGroup(&k, first)
	}
	return s.lpVertex(&k, len(s.at.beta), p.NumDepths())
}

// lpVertex writes the weight of every item in the LP relaxation of a knapsack
// to s.vertex, size numbers of which stride belong to a group.
func (s *BCFWSolver) lpVertex(k *knapsack, size, stride int) bool {
	s.store.end(k)
	bound, breakStep, _ := k.bound(s.limit)
	if bound == none {
		return false
	}
	s.vertex = s.vertex[:size]
	clear(s.vertex)
	items, chosen := s.store.items, s.search.chosen
	latency, _ := k.take(chosen, breakStep)
	for g := range int(k.groups) {
		s.vertex[g*stride+int(items[chosen[g]].id)] = 1
	}
	if rest := s.limit - latency; breakStep < int(k.steps) && rest > 0 {
		next := &k.hullSteps()[breakStep]
		to, from := &items[next.item], &items[chosen[next.group]]
		share := float64(rest) / float64(to.latency-from.latency)
		s.vertex[int(next.group)*stride+int(to.id)] = share
		s.vertex[int(next.group)*stride+int(from.id)] = 1 - share
	}
	return true
}

// knapsackPath makes s.paths[0] the best network of the given depths by the
// slopes. It reports false where none is within the limit.
func (s *BCFWSolver) knapsackPath(depth []int) bool {
	t, p, path := s.t, s.p, &s.paths[0]
	s.store.reset()
	k := s.store.begin(0)
	copy(path.Depth, depth)
	for b := range t.blocks {
		if b%p.MaxDepth >= depth[b/p.MaxDepth] {
			path.Option[b] = s.offOption(b)
			continue
		}
		first := len(s.store.items)
		for _, o := range t.order[b] {
			s.store.add(first, item{t.latency[b*t.stride+int(o)], s.units(s.at.slope[b*t.options+int(o)]), int32(o)})
		}
		s.store.closeGroup(&k, first)
	}
	s.store.end(&k)
	bound, breakStep, exact := k.bound(s.limit)
	if bound == none {
		return false
	}
	s.search.best.found = false
	s.search.round(&k, 0, s.limit, breakStep)
	if !exact {
		s.search.solve(&k, 0, s.limit, bound, breakStep)
	}
	g := 0
	for b := range t.blocks {
		if b%p.MaxDepth < depth[b/p.MaxDepth] {
			path.Option[b] = int(s.store.items[s.search.best.chosen[g]].id)
			g++
		}
	}
	return true
}

// offOption is the option of a switched-off block: the best by the slopes where
// it is a free choice.
func (s *BCFWSolver) offOption(block int) int {
	option := model.Off
	if s.p.Inactive == model.InactiveFree {
		best := math.Inf(-1)
		for _, o := range s.t.order[block] {
			if v := s.at.slope[block*s.t.options+int(o)]; v > best {
				best, option = v, int(o)
			}
		}
	}
	return option
}

// lagrangian bounds the networks of the given depths, at which s.at is, by the
// slopes and the price of the limit at the best network.
func (s *BCFWSolver) lagrangian(depth []int) float64 {
	n, price := s.t.options, s.price/(unitsPerPoint*float64(s.t.options))
	bound := s.at.value + price*float64(s.limit)
	for b, order := range s.t.order {
		slope, latency := s.at.slope[b*n:(b+1)*n], s.latency[b*n:(b+1)*n]
		best, at := math.Inf(-1), price
		if b%s.p.MaxDepth >= depth[b/s.p.MaxDepth] {
			if at = 0; s.p.Inactive == model.InactiveMean {
				continue
			}
		}
		for _, o := range order {
			if v := slope[o] - at*latency[o]; v > best {
				best = v
			}
		}
		bound += best - floats.Dot(slope, s.at.x[b*n:(b+1)*n])
	}
	return bound
}
