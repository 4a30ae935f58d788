package solver

import (
	"fmt"
	"math"

	"github.com/binas-tui/binas-tui/model"
)

// Problem is the search of the paper (Eq. 6 of arXiv 2110.12399): choose one
// option for every block and one depth for every stage so that predicted
// accuracy is greatest while latency stays at or below a limit. The limit is
// not part of it: one Problem is solved at many.
//
// Accuracy is Bias + Alpha·a + Beta·b + aᵀ Q b in percent, latency is
// FixedLatencyMS plus the latency of the options of active blocks.
type Problem struct {
	Stages   int // searched stages
	MaxDepth int // blocks per stage
	MinDepth int // blocks of a stage that are always on
	Options  int // options per block, at most 64

	Bias  float64
	Alpha []float64 // [block*Options+option], blocks stage-major
	Beta  []float64 // [stage*NumDepths+depth-MinDepth]
	Q     []float64 // row-major [len(Alpha)][len(Beta)]; nil is all zero

	BlockLatencyMS []float64 // as Alpha
	FixedLatencyMS float64

	Inactive model.InactiveBlocks // what a switched-off block adds to accuracy
	Pins     Pins
}

// Pins hold decisions fixed. The zero value pins nothing.
type Pins struct {
	Depth   []int    // per stage; 0 is free. nil is all free
	Allowed []uint64 // per block, bit i allows option i; 0 is all allowed. nil is all free
}

// NumBlocks is the number of blocks, on or off.
func (p *Problem) NumBlocks() int { return p.Stages * p.MaxDepth }

// NumDepths is the number of depths each stage can have.
func (p *Problem) NumDepths() int { return p.MaxDepth - p.MinDepth + 1 }

// Validate reports the first field whose size or value is not usable.
func (p *Problem) Validate() error {
	if p.Stages < 1 || p.MinDepth < 1 || p.MaxDepth < p.MinDepth || p.Options < 1 || p.Options > 64 {
		return fmt.Errorf("solver: %d stages of %d to %d blocks with %d options: expected at least one of each and at most 64 options",
			p.Stages, p.MinDepth, p.MaxDepth, p.Options)
	}
	alphas, betas := p.NumBlocks()*p.Options, p.Stages*p.NumDepths()
	for _, v := range []struct {
		name string
		have []float64
		want int
	}{
		{"Alpha", p.Alpha, alphas}, {"Beta", p.Beta, betas}, {"BlockLatencyMS", p.BlockLatencyMS, alphas},
		{"Q", p.Q, alphas * betas},
	} {
		if len(v.have) != v.want && !(v.name == "Q" && v.have == nil) {
			return fmt.Errorf("solver: %s has %d values: expected %d", v.name, len(v.have), v.want)
		}
		for i, x := range v.have {
			if math.IsNaN(x) || math.IsInf(x, 0) || (v.name == "BlockLatencyMS" && x < 0) {
				return fmt.Errorf("solver: %s[%d] is %v: expected a finite number%s", v.name, i, x,
					map[bool]string{true: ", at least 0 ms"}[v.name == "BlockLatencyMS"])
			}
		}
	}
	if math.IsNaN(p.Bias) || math.IsInf(p.Bias, 0) || !(p.FixedLatencyMS >= 0) || math.IsInf(p.FixedLatencyMS, 0) {
		return fmt.Errorf("solver: bias %v and fixed latency %v ms: expected finite numbers, latency at least 0 ms", p.Bias, p.FixedLatencyMS)
	}
	if n := len(p.Pins.Depth); n != 0 && n != p.Stages {
		return fmt.Errorf("solver: pins of %d stages: expected %d", n, p.Stages)
	}
	if n := len(p.Pins.Allowed); n != 0 && n != p.NumBlocks() {
		return fmt.Errorf("solver: pins of %d blocks: expected %d", n, p.NumBlocks())
	}
	for i, d := range p.Pins.Depth {
		if d != 0 && (d < p.MinDepth || d > p.MaxDepth) {
			return fmt.Errorf("solver: stage %d is pinned to depth %d: expected %d to %d", i+1, d, p.MinDepth, p.MaxDepth)
		}
	}
	all := ^uint64(0) >> (64 - p.Options)
	for b, m := range p.Pins.Allowed {
		if m&^all != 0 {
			return fmt.Errorf("solver: block %d is pinned to an option beyond %d", b, p.Options-1)
		}
	}
	return nil
}

// Allows reports whether the pins allow an option of a block.
func (p Pins) Allows(block, option int) bool {
	return len(p.Allowed) == 0 || p.Allowed[block] == 0 || p.Allowed[block]>>option&1 == 1
}

// AllowsDepth reports whether the pins allow a depth of a stage.
func (p Pins) AllowsDepth(stage, depth int) bool {
	return len(p.Depth) == 0 || p.Depth[stage] == 0 || p.Depth[stage] == depth
}

// AllowedDepths are the depths of a stage that the pins allow, rising.
func (p *Problem) AllowedDepths(stage int) (depths []int) {
	for d := p.MinDepth; d <= p.MaxDepth; d++ {
		if p.Pins.AllowsDepth(stage, d) {
			depths = append(depths, d)
		}
	}
	return depths
}

// LatencyMS is the latency of a path in milliseconds, rounded to a picosecond:
// equal sums are equal whatever the order of their terms.
func (p *Problem) LatencyMS(path model.Path) float64 {
	units := latencyUnits(p.FixedLatencyMS)
	for s, d := range path.Depth {
		for k := range d {
			b := s*p.MaxDepth + k
			units += latencyUnits(p.BlockLatencyMS[b*p.Options+path.Option[b]])
		}
	}
	return networkMS(units)
}

// Accuracy is the predicted accuracy of a path in percent. A switched-off
// block counts as Inactive says; with InactiveFree and Option Off it counts
// its mean.
func (p *Problem) Accuracy(path model.Path) float64 {
	acc := p.Bias
	for s, d := range path.Depth {
		acc += p.Beta[s*p.NumDepths()+d-p.MinDepth]
	}
	for b := range p.NumBlocks() {
		active := b%p.MaxDepth < path.Depth[b/p.MaxDepth]
		if o := path.Option[b]; o != model.Off && (active || p.Inactive == model.InactiveFree) {
			acc += p.optionValue(b*p.Options+o, path.Depth)
			continue
		}
		mean := 0.0
		for o := range p.Options {
			mean += p.optionValue(b*p.Options+o, path.Depth)
		}
		acc += mean / float64(p.Options)
	}
	return acc
}
