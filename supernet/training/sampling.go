package training

import (
	"math/rand/v2"

	"github.com/binas-tui/binas-tui/model"
)

// The streams of random numbers of a step, so that one does not shift another.
const (
	pathStream = iota + 1
	dropStream
	mixStream = 1 << 6 // dropStream counts the passes of a step
)

// source is the random numbers of one stream at one step: a function of the
// seed and these alone, so that a resumed run draws what it would have drawn.
func source(seed uint64, stream, step int) *rand.Rand {
	return rand.New(rand.NewPCG(seed, uint64(stream)<<56|uint64(step)))
}

// uniformPath draws every decision uniformly. Options of blocks beyond the
// depth are Off: they take part in nothing.
func uniformPath(s *model.Space, rng *rand.Rand) model.Path {
	p := model.Path{Depth: make([]int, len(s.Stages)), Option: make([]int, s.NumBlocks())}
	for i := range p.Depth {
		p.Depth[i] = s.MinDepth + rng.IntN(s.NumDepths())
	}
	for b := range p.Option {
		p.Option[b] = rng.IntN(s.NumOptions()) // drawn for all, so that paths of a seed do not depend on depths
		if !s.Active(p, b) {
			p.Option[b] = model.Off
		}
	}
	return p
}

// imagePath is uniformPath with an option for every block: where each image has
// a path, blocks beyond the depth of one are run for others.
func imagePath(s *model.Space, rng *rand.Rand) model.Path {
	p := uniformPath(s, rng)
	for b, o := range p.Option {
		if o == model.Off {
			p.Option[b] = rng.IntN(s.NumOptions())
		}
	}
	return p
}

// smallestPath has every decision at its least.
func smallestPath(s *model.Space) model.Path {
	p := model.Path{Depth: make([]int, len(s.Stages)), Option: make([]int, s.NumBlocks())}
	for i := range p.Depth {
		p.Depth[i] = s.MinDepth
	}
	for b := range p.Option {
		if !s.Active(p, b) {
			p.Option[b] = model.Off
		}
	}
	return p
}

// stepPaths are the paths that a step trains, one after the other.
func stepPaths(s *model.Space, o Settings, step int) []model.Path {
	rng := source(o.Seed, pathStream, step)
	var paths []model.Path
	if o.Sampling == SampleSandwich {
		paths = append(paths, s.HeaviestPath(), smallestPath(s))
	}
	for len(paths) < o.Paths {
		paths = append(paths, uniformPath(s, rng))
	}
	return paths
}
