package evaluation

import (
	"math/rand/v2"

	"github.com/binas-tui/binas-tui/model"
)

// draw is the random numbers behind one network: a depth and an option for
// everything that can be decided, as numbers from 0 to 1. Decisions are made
// from them, so that networks which differ in one decision share all others.
type draw struct {
	depth  []float64 // per stage
	option []float64 // per block, on or off
}

// newDraw is the index-th draw of a seed.
func newDraw(s *model.Space, seed uint64, index int) draw {
	r := rand.New(rand.NewPCG(seed, uint64(index)))
	d := draw{make([]float64, len(s.Stages)), make([]float64, s.NumBlocks())}
	for i := range d.depth {
		d.depth[i] = r.Float64()
	}
	for i := range d.option {
		d.option[i] = r.Float64()
	}
	return d
}

// path makes the decisions, the given one pinned. All others are uniform: where
// the option of a block is pinned, the block is on, and the depth of its stage
// uniform among those for which it is.
func (d draw) path(s *model.Space, pinned model.Decision) model.Path {
	p := model.Path{Depth: make([]int, len(d.depth)), Option: make([]int, len(d.option))}
	for i, u := range d.depth {
		least, most := s.MinDepth, s.MaxDepth
		switch {
		case pinned.Stage != i:
		case pinned.Block < 0:
			least, most = pinned.Depth, pinned.Depth
		default:
			least = max(least, pinned.Block%s.MaxDepth+1)
		}
		p.Depth[i] = least + int(u*float64(most-least+1))
	}
	for b, u := range d.option {
		p.Option[b] = int(u * float64(s.NumOptions()))
	}
	if pinned.Block >= 0 {
		p.Option[pinned.Block] = pinned.Option
	}
	return p
}

// base is the decision that pins nothing.
var base = model.Decision{Name: "base", Block: -1, Stage: -1}

// RandomPath is the index-th random network of a seed: every depth and every
// option uniform, also the options of blocks that are off. It depends on seed and
// index alone.
func RandomPath(s *model.Space, seed uint64, index int) model.Path {
	return newDraw(s, seed, index).path(s, base)
}

// PinnedPath is RandomPath with one decision pinned and all others as they are,
// except that a pinned block is on.
func PinnedPath(s *model.Space, seed uint64, index int, pinned model.Decision) model.Path {
	return newDraw(s, seed, index).path(s, pinned)
}
