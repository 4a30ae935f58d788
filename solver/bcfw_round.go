package solver

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/binas-tui/binas-tui/model"
)

// roundDepths tries the whole depths nearest to the relaxed ones, then for each
// stage that is between depths its second.
func (s *BCFWSolver) roundDepths(ctx context.Context) {
	s.climbed.copyFrom(&s.at)
	for st := range s.depths {
		s.base[st] = s.likeliest(st, 0)
	}
	s.descend(ctx, s.base)
	for st := range s.depths {
		if d := s.likeliest(st, s.base[st]); d != 0 {
			copy(s.depth, s.base)
			s.depth[st] = d
			s.at.copyFrom(&s.climbed)
			s.descend(ctx, s.depth)
		}
	}
}

// likeliest is the depth of a stage with the greatest weight where the climb
// ended, except one; 0 where none has any.
func (s *BCFWSolver) likeliest(stage, except int) int {
	best, top := 0, 1e-9
	for _, d := range s.depths[stage] {
		if w := s.climbed.beta[stage*s.p.NumDepths()+d-s.p.MinDepth]; d != except && w > top {
			best, top = d, w
		}
	}
	return best
}

const descendRounds = 6

// descend rounds the options at whole depths, then linearises at the network
// found while that gains. A bilinear objective needs one round, and none where
// the depths were rounded before or cannot beat the best network.
func (s *BCFWSolver) descend(ctx context.Context, depth []int) {
	if s.f.Bilinear && !s.unseen(depth) {
		return
	}
	s.at.setDepths(s.p, depth)
	s.evaluate(&s.at)
	if s.f.Bilinear && s.lagrangian(depth) <= s.accuracy {
		return
	}
	last := math.Inf(-1)
	for range descendRounds {
		if ctx.Err() != nil || !s.knapsackPath(depth) {
			return
		}
		accuracy := s.score(s.paths, s.scores)
		if s.f.Bilinear || accuracy <= last {
			return
		}
		last = accuracy
		s.moveTo(s.paths[0])
	}
}

// unseen notes a vector of depths and reports whether it is new.
func (s *BCFWSolver) unseen(depth []int) bool {
	for seen := range slices.Chunk(s.seen, len(depth)) {
		if slices.EqualFunc(seen, depth, func(a uint8, b int) bool { return int(a) == b }) {
			return false
		}
	}
	for _, d := range depth {
		s.seen = append(s.seen, uint8(d))
	}
	return true
}

// setDepths puts all weight on whole depths.
func (r *relaxed) setDepths(p *Problem, depth []int) {
	clear(r.beta)
	for st, d := range depth {
		r.beta[st*p.NumDepths()+d-p.MinDepth] = 1
	}
}

func (s *BCFWSolver) moveTo(path model.Path) {
	n := s.t.options
	clear(s.at.alpha)
	for b, o := range path.Option {
		if o != model.Off {
			s.at.alpha[b*n+o] = 1
			continue
		}
		for i := b * n; i < (b+1)*n; i++ {
			s.at.alpha[i] = 1 / float64(n)
		}
	}
	s.at.setDepths(s.p, path.Depth)
	s.evaluate(&s.at)
}

// score predicts networks, keeps the best, and returns the best of them.
func (s *BCFWSolver) score(paths []model.Path, accuracy []float64) float64 {
	s.f.Score(paths, accuracy)
	top := math.Inf(-1)
	for i, a := range accuracy {
		top = max(top, a) // NaN is never above
		if a > s.accuracy {
			s.accuracy, s.price = a, s.search.best.price
			copy(s.best.Depth, paths[i].Depth)
			copy(s.best.Option, paths[i].Option)
		}
	}
	return top
}

// Bounds of the local search.
const (
	improveRounds   = 40
	improveProposed = 48
	maxPairStages   = 8 // above it the depths of one stage are changed at a time
)

// improve changes the best network while what the gradient there proposes, or
// another depth of one stage or of two, is better. The options of a bilinear
// objective are the best of their depths already.
func (s *BCFWSolver) improve(ctx context.Context) {
	for range improveRounds {
		before := s.accuracy
		if !s.f.Bilinear && ctx.Err() == nil {
			s.moveTo(s.best)
			s.scoreAll(s.proposals())
		}
		if s.accuracy == before && ctx.Err() == nil {
			s.otherDepths(ctx)
		}
		if s.accuracy == before {
			return
		}
	}
}

func (s *BCFWSolver) scoreAll(paths []model.Path) {
	if len(paths) > 0 {
		s.score(paths, make([]float64, len(paths)))
	}
}

// otherDepths tries the networks with other depths of one stage, then of two,
// whose options are best by the slopes.
func (s *BCFWSolver) otherDepths(ctx context.Context) {
	var proposed []model.Path
	try := func() {
		if s.f.Bilinear {
			s.descend(ctx, s.depth)
		} else if s.knapsackPath(s.depth) {
			proposed = s.propose(proposed, s.paths[0].Clone())
		}
	}
	change := func(st int, then func()) {
		for _, d := range s.depths[st] {
			if d != s.base[st] {
				s.depth[st] = d
				then()
			}
		}
		s.depth[st] = s.base[st]
	}
	copy(s.base, s.best.Depth)
	copy(s.depth, s.base)
	for st := range s.base {
		change(st, try)
	}
	for st := range s.base {
		if len(s.base) > maxPairStages {
			break
		}
		change(st, func() {
			for other := st + 1; other < len(s.base); other++ {
				change(other, try)
			}
		})
	}
	s.scoreAll(proposed)
}

// proposal is a change of one block, or of two.
type proposal struct {
	gain   float64
	saved  int64
	blocks [2]int // the second is -1 for none
	option [2]int
}

// proposals are the networks that differ from the best in one or two options,
// keep the limit and gain most by the slopes.
func (s *BCFWSolver) proposals() []model.Path {
	t, p := s.t, s.p
	room, path := s.limit, s.best
	var single []proposal
	for b, o := range path.Option {
		if b%p.MaxDepth >= path.Depth[b/p.MaxDepth] {
			continue
		}
		slope, latency := s.at.slope[b*t.options:], t.latency[b*t.stride:]
		room -= latency[o]
		for _, other := range t.order[b] {
			if int(other) != o {
				single = append(single, proposal{slope[other] - slope[o], latency[o] - latency[other], [2]int{b, -1}, [2]int{int(other), 0}})
			}
		}
	}
	var all []proposal
	for i, a := range single {
		if room+a.saved >= 0 {
			all = append(all, a)
		}
		for _, b := range single[:i] {
			if a.blocks[0] != b.blocks[0] && room+a.saved+b.saved >= 0 {
				all = append(all, proposal{a.gain + b.gain, a.saved + b.saved, [2]int{a.blocks[0], b.blocks[0]}, [2]int{a.option[0], b.option[0]}})
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

// propose appends a network that has not been proposed yet.
func (s *BCFWSolver) propose(paths []model.Path, path model.Path) []model.Path {
	key := fmt.Sprint(path)
	if s.tried[key] {
		return paths
	}
	if s.tried == nil {
		s.tried = map[string]bool{}
	}
	s.tried[key] = true
	return append(paths, path)
}
