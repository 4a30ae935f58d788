package solver

import (
	"cmp"
	"context"
	"slices"

	"github.com/binas-tui/binas-tui/model"
)

// roundDepths tries the whole depths nearest to the relaxed ones: at most one
// stage is between two after a vertex, several after a part of a step.
func (s *gradientSearch) roundDepths(ctx context.Context) {
	p := s.t.p
	depth, second := make([]int, p.Stages), make([]int, p.Stages)
	for st := range p.Stages {
		w := s.weight[st*p.NumDepths() : (st+1)*p.NumDepths()]
		order := s.allowedDepths(st)
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(w[b-p.MinDepth], w[a-p.MinDepth]) })
		depth[st] = order[0]
		if len(order) > 1 && w[order[1]-p.MinDepth] > 1e-9 {
			second[st] = order[1]
		}
	}
	relaxed := slices.Clone(s.slope)
	s.descend(ctx, depth)
	for st, d := range second {
		if d != 0 && ctx.Err() == nil {
			other := slices.Clone(depth)
			other[st] = d
			copy(s.slope, relaxed)
			s.descend(ctx, other)
		}
	}
}

// descend rounds the options at whole depths, then linearises at the network
// found while that gains.
func (s *gradientSearch) descend(ctx context.Context, depth []int) {
	last := -infinity
	for range 6 {
		path, ok := s.knapsackPath(depth)
		if !ok || ctx.Err() != nil {
			return
		}
		accuracy := s.score([]model.Path{path})
		if accuracy <= last {
			return
		}
		last = accuracy
		s.at(path)
	}
}

// at takes the slopes at a network.
func (s *gradientSearch) at(path model.Path) {
	t, p := s.t, s.t.p
	clear(s.alpha)
	clear(s.weight)
	for b, o := range path.Option {
		if o != model.Off {
			s.alpha[b*t.options+o] = 1
			continue
		}
		for i := range t.options {
			s.alpha[b*t.options+i] = 1 / float64(t.options)
		}
	}
	for st, d := range path.Depth {
		s.weight[st*p.NumDepths()+d-p.MinDepth] = 1
	}
	s.evaluate()
}

// score predicts networks, keeps the best, and returns the best of them.
func (s *gradientSearch) score(paths []model.Path) float64 {
	accuracy := make([]float64, len(paths))
	s.f.Score(paths, accuracy)
	top := -infinity
	for i, a := range accuracy {
		top = max(top, a) // NaN is never above
		if a > s.accuracy {
			s.accuracy, s.best = a, paths[i].Clone()
		}
	}
	return top
}

// Bounds of the local search by proposals.
const (
	improveRounds   = 40
	improveProposed = 48
)

// improve changes the best network while the proposals of the gradient there
// hold one that is better.
func (s *gradientSearch) improve(ctx context.Context) {
	for range improveRounds {
		if ctx.Err() != nil {
			return
		}
		before := s.accuracy
		s.at(s.best)
		s.score(s.proposals())
		if s.accuracy > before {
			continue
		}
		if paths := s.otherDepths(); len(paths) > 0 && ctx.Err() == nil {
			s.score(paths)
		}
		if s.accuracy <= before {
			return
		}
	}
}

// proposal is a change of one block, or of two.
type proposal struct {
	gain   float64
	blocks [2]int // the second is -1 for none
	option [2]int
}

// proposals are the networks that differ from the best in one or two options,
// keep the limit and gain most by the slopes.
func (s *gradientSearch) proposals() []model.Path {
	t, p := s.t, s.t.p
	room, path := s.limit, s.best
	var single []proposal
	saved := map[proposal]int64{}
	for b, o := range path.Option {
		if b%p.MaxDepth >= path.Depth[b/p.MaxDepth] {
			continue
		}
		at := t.latency[b*t.stride+o]
		room -= at
		for _, other := range t.order[b] {
			if int(other) != o {
				c := proposal{s.slope[b*t.options+int(other)] - s.slope[b*t.options+o], [2]int{b, -1}, [2]int{int(other), 0}}
				saved[c] = at - t.latency[b*t.stride+int(other)]
				single = append(single, c)
			}
		}
	}
	var all []proposal
	for i, a := range single {
		if room+saved[a] >= 0 {
			all = append(all, a)
		}
		for _, b := range single[:i] {
			if a.blocks[0] != b.blocks[0] && room+saved[a]+saved[b] >= 0 {
				all = append(all, proposal{a.gain + b.gain, [2]int{a.blocks[0], b.blocks[0]}, [2]int{a.option[0], b.option[0]}})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b proposal) int { return cmp.Compare(b.gain, a.gain) })
	var out []model.Path
	for _, c := range all {
		next := path.Clone()
		for i, b := range c.blocks {
			if b >= 0 {
				next.Option[b] = c.option[i]
			}
		}
		if out = s.propose(out, next); len(out) == improveProposed {
			break
		}
	}
	return out
}

// propose appends a network that has not been scored yet.
func (s *gradientSearch) propose(paths []model.Path, path model.Path) []model.Path {
	key := make([]byte, 0, len(path.Depth)+len(path.Option))
	for _, v := range path.Depth {
		key = append(key, byte(v))
	}
	for _, v := range path.Option {
		key = append(key, byte(v+1))
	}
	if s.tried[string(key)] {
		return paths
	}
	s.tried[string(key)] = true
	return append(paths, path)
}

// otherDepths are the networks with other depths of one stage, or of two, whose
// options are best by the slopes.
func (s *gradientSearch) otherDepths() []model.Path {
	p := s.t.p
	var out []model.Path
	depth := slices.Clone(s.best.Depth)
	try := func() {
		if path, ok := s.knapsackPath(depth); ok {
			out = s.propose(out, path)
		}
	}
	for a := range p.Stages {
		for _, da := range s.allowedDepths(a) {
			if da == s.best.Depth[a] {
				continue
			}
			depth[a] = da
			try()
			for b := range a {
				for _, db := range s.allowedDepths(b) {
					if db != s.best.Depth[b] && p.Stages <= 8 {
						depth[b] = db
						try()
					}
				}
				depth[b] = s.best.Depth[b]
			}
		}
		depth[a] = s.best.Depth[a]
	}
	return out
}
