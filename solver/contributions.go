package solver

import (
	"math"

	"github.com/binas-tui/binas-tui/model"
)

// Contributions split the predicted accuracy of a network into a part for
// every decision. They add up: Base + ΣBlock + ΣStage = Accuracy.
type Contributions struct {
	// Base is predicted accuracy averaged over all depths and options.
	Base float64
	// Block is, per block, what its option adds over the mean of the block's
	// options at the network's depths. A switched-off block adds 0, unless
	// its option is a free choice (model.InactiveFree).
	Block []float64
	// Stage is, per stage, what its depth adds over the mean of its depths,
	// with every block at the mean of its options.
	Stage []float64
}

// NewContributions splits the accuracy of a path.
func NewContributions(p *Problem, path model.Path) Contributions {
	c := Contributions{Base: p.Bias, Block: make([]float64, p.NumBlocks()), Stage: make([]float64, p.Stages)}
	betas, depths, n := len(p.Beta), p.NumDepths(), float64(p.Options)
	adds := make([]float64, betas) // what a depth adds with every block at its mean
	copy(adds, p.Beta)
	for b := range p.NumBlocks() {
		option := path.Option[b]
		counts := option != model.Off && (p.Inactive == model.InactiveFree || b%p.MaxDepth < path.Depth[b/p.MaxDepth])
		mean := 0.0
		for o := range p.Options {
			a := b*p.Options + o
			c.Base += p.Alpha[a] / n
			if p.Q != nil {
				for j, q := range p.Q[a*betas : (a+1)*betas] {
					adds[j] += q / n
				}
			}
			mean += p.optionValue(a, path.Depth) / n
		}
		if counts {
			c.Block[b] = p.optionValue(b*p.Options+option, path.Depth) - mean
		}
	}
	for s, d := range path.Depth {
		mean := 0.0
		for _, v := range adds[s*depths : (s+1)*depths] {
			mean += v / float64(depths)
		}
		c.Base += mean
		c.Stage[s] = adds[s*depths+d-p.MinDepth] - mean
	}
	return c
}

// optionValue is what option a = block*Options+option adds at the given depths.
func (p *Problem) optionValue(a int, depth []int) float64 {
	v := p.Alpha[a]
	if p.Q != nil {
		row := p.Q[a*len(p.Beta) : (a+1)*len(p.Beta)]
		for s, d := range depth {
			v += row[s*p.NumDepths()+d-p.MinDepth]
		}
	}
	return v
}

// Effect is what one step along one dimension does, averaged over the blocks
// where it can be taken.
type Effect struct {
	Accuracy  float64 // points
	LatencyMS float64
	Count     int // what was averaged over; 0 where the step cannot be taken
}

// PerMS is accuracy per millisecond: NaN where latency does not change.
func (e Effect) PerMS() float64 {
	if e.LatencyMS == 0 {
		return math.NaN()
	}
	return e.Accuracy / e.LatencyMS
}

func (e *Effect) add(accuracy, ms float64) {
	e.Accuracy += accuracy
	e.LatencyMS += ms
	e.Count++
}

func (e *Effect) average() {
	if e.Count > 0 {
		e.Accuracy /= float64(e.Count)
		e.LatencyMS /= float64(e.Count)
	}
}

// StageEffect says what pays in one stage of a network.
type StageEffect struct {
	// Depth is one block more: the mean of going one deeper, the new block at
	// the mean of its options, and of not going one shallower.
	Depth Effect
	// The least to the greatest value of a dimension (3 to 6, 3 to 5, off to
	// on), averaged over active blocks with their other dimensions as chosen.
	Expansion, Kernel, SqueezeExcite Effect
}

// StageEffects returns the effects of every stage of a path. options are the
// p.Options options of a block.
func StageEffects(p *Problem, options []model.Option, path model.Path) []StageEffect {
	effects := make([]StageEffect, p.Stages)
	low, high := options[0], options[0]
	for _, o := range options {
		low = model.Option{Expansion: min(low.Expansion, o.Expansion), Kernel: min(low.Kernel, o.Kernel), SERatio: min(low.SERatio, o.SERatio)}
		high = model.Option{Expansion: max(high.Expansion, o.Expansion), Kernel: max(high.Kernel, o.Kernel), SERatio: max(high.SERatio, o.SERatio)}
	}
	index := make(map[model.Option]int, len(options))
	for i, o := range options {
		index[o] = i
	}
	for s, d := range path.Depth {
		e := &effects[s]
		for b := s * p.MaxDepth; b < s*p.MaxDepth+d; b++ {
			step := func(e *Effect, set func(o *model.Option, to model.Option)) {
				from, to := options[path.Option[b]], options[path.Option[b]]
				set(&from, low)
				set(&to, high)
				i, ok := index[from]
				j, have := index[to]
				if ok && have && i != j {
					i, j = b*p.Options+i, b*p.Options+j
					e.add(p.optionValue(j, path.Depth)-p.optionValue(i, path.Depth), p.BlockLatencyMS[j]-p.BlockLatencyMS[i])
				}
			}
			step(&e.Expansion, func(o *model.Option, to model.Option) { o.Expansion = to.Expansion })
			step(&e.Kernel, func(o *model.Option, to model.Option) { o.Kernel = to.Kernel })
			step(&e.SqueezeExcite, func(o *model.Option, to model.Option) { o.SERatio = to.SERatio })
		}
		e.Depth = p.depthEffect(path, s)
		for _, x := range []*Effect{&e.Depth, &e.Expansion, &e.Kernel, &e.SqueezeExcite} {
			x.average()
		}
	}
	return effects
}

// depthEffect sums what one block more does to a stage.
func (p *Problem) depthEffect(path model.Path, s int) (e Effect) {
	d := path.Depth[s]
	other := path.Clone()
	base := p.Accuracy(path)
	if d < p.MaxDepth {
		b := s*p.MaxDepth + d
		other.Depth[s] = d + 1
		accuracy, ms, n := 0.0, 0.0, float64(p.Options)
		for o := range p.Options {
			other.Option[b] = o
			accuracy += p.Accuracy(other) / n
			ms += p.BlockLatencyMS[b*p.Options+o] / n
		}
		e.add(accuracy-base, ms)
		other.Option[b] = path.Option[b]
	}
	if d > p.MinDepth {
		b := s*p.MaxDepth + d - 1
		other.Depth[s] = d - 1
		e.add(base-p.Accuracy(other), p.BlockLatencyMS[b*p.Options+path.Option[b]])
	}
	return e
}
