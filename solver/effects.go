package solver

import (
	"math"

	"github.com/binas-tui/binas-tui/model"
)

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

// StageEffect says what kind of decision pays in one stage (the paper's
// insight). It is a property of predictor and table: the other decisions are
// at their mean, pins do not count.
type StageEffect struct {
	// Depth is one block more, with all options at their mean.
	Depth Effect
	// The least to the greatest value of a dimension (3 to 6, 3 to 5, off to
	// on) of a block that is on, averaged over blocks and over the values of
	// the other dimensions.
	Expansion, Kernel, SqueezeExcite Effect
}

// StageEffects returns the effects of every stage. options are the p.Options
// options of a block.
func StageEffects(p *Problem, options []model.Option) []StageEffect {
	effects := make([]StageEffect, p.Stages)
	index := make(map[model.Option]int, len(options))
	low, high := options[0], options[0]
	for i, o := range options {
		index[o] = i
		low = model.Option{Expansion: min(low.Expansion, o.Expansion), Kernel: min(low.Kernel, o.Kernel), SERatio: min(low.SERatio, o.SERatio)}
		high = model.Option{Expansion: max(high.Expansion, o.Expansion), Kernel: max(high.Kernel, o.Kernel), SERatio: max(high.SERatio, o.SERatio)}
	}
	for b := range p.NumBlocks() {
		e := &effects[b/p.MaxDepth]
		// step adds the change from option i to the option that differs in one
		// dimension, for every i that has the least value of it.
		step := func(e *Effect, i int, to model.Option) {
			if j, ok := index[to]; ok && j != i {
				e.add(p.valueWhenOn(b, j)-p.valueWhenOn(b, i), p.BlockLatencyMS[b*p.Options+j]-p.BlockLatencyMS[b*p.Options+i])
			}
		}
		for i, o := range options {
			if o.Expansion == low.Expansion {
				step(&e.Expansion, i, model.Option{Expansion: high.Expansion, Kernel: o.Kernel, SERatio: o.SERatio})
			}
			if o.Kernel == low.Kernel {
				step(&e.Kernel, i, model.Option{Expansion: o.Expansion, Kernel: high.Kernel, SERatio: o.SERatio})
			}
			if o.SERatio == low.SERatio {
				step(&e.SqueezeExcite, i, model.Option{Expansion: o.Expansion, Kernel: o.Kernel, SERatio: high.SERatio})
			}
		}
	}
	for s := range effects {
		e := &effects[s]
		for d := p.MinDepth; d < p.MaxDepth; d++ {
			e.Depth.add(p.depthStep(s, d))
		}
		for _, x := range []*Effect{&e.Depth, &e.Expansion, &e.Kernel, &e.SqueezeExcite} {
			x.average()
		}
	}
	return effects
}

// valueWhenOn is what an option of a block adds to accuracy, averaged over the
// depths of its own stage at which the block is on and over all of the others.
func (p *Problem) valueWhenOn(block, option int) float64 {
	a, depths := block*p.Options+option, p.NumDepths()
	v := p.Alpha[a]
	if p.Q == nil {
		return v
	}
	row := p.Q[a*len(p.Beta) : (a+1)*len(p.Beta)]
	for s := range p.Stages {
		first := 0
		if s == block/p.MaxDepth {
			first = max(0, block%p.MaxDepth+1-p.MinDepth)
		}
		for _, q := range row[s*depths+first : (s+1)*depths] {
			v += q / float64(depths-first)
		}
	}
	return v
}

// depthStep is what one more block than depth does to a stage whose blocks
// have the mean of their options.
func (p *Problem) depthStep(stage, depth int) (accuracy, ms float64) {
	at, n := stage*p.NumDepths()+depth-p.MinDepth, float64(p.Options)
	accuracy = p.Beta[at+1] - p.Beta[at]
	if p.Q != nil {
		for a := range p.Alpha {
			accuracy += (p.Q[a*len(p.Beta)+at+1] - p.Q[a*len(p.Beta)+at]) / n
		}
	}
	b := stage*p.MaxDepth + depth // the block that comes on
	for _, v := range p.BlockLatencyMS[b*p.Options : (b+1)*p.Options] {
		ms += v / n
	}
	return accuracy, ms
}
