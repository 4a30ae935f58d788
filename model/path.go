package model

import "fmt"

// Path is one set of decisions in a space: what a child network is made of.
// Blocks whose index within their stage is at or beyond the stage's depth are
// switched off; their Option is not part of the network (it may be Off).
type Path struct {
	Depth  []int // per stage, MinDepth to MaxDepth
	Option []int // per block, stage-major, index into Space.Options; Off where nothing was chosen
}

// Off marks a block that is switched off and has no option.
const Off = -1

// Clone returns a copy that shares nothing with p.
func (p Path) Clone() Path {
	return Path{append([]int(nil), p.Depth...), append([]int(nil), p.Option...)}
}

// InactiveBlocks says what a switched-off block adds to a predictor's input.
// A fitted predictor has weights for the options of blocks that are off, so
// this decides whether accuracy is a function of the network alone.
type InactiveBlocks uint8

const (
	// InactiveMean gives a switched-off block the mean over its options:
	// predicted accuracy depends on the network alone. The default.
	InactiveMean InactiveBlocks = iota
	// InactiveFree keeps the paper's formulation: the option of a switched-off
	// block is a free choice that costs no latency and is still scored.
	InactiveFree
)

// String returns the flag value: mean or free.
func (i InactiveBlocks) String() string {
	if i == InactiveFree {
		return "free"
	}
	return "mean"
}

// Active reports whether a block of the path is part of the network.
func (s *Space) Active(p Path, block int) bool {
	return block%s.MaxDepth < p.Depth[block/s.MaxDepth]
}

// HeaviestPath is the network that holds all others: greatest depths, widths and
// kernels, squeeze-excite everywhere. It is what is trained first.
func (s *Space) HeaviestPath() Path {
	p := Path{Depth: make([]int, len(s.Stages)), Option: make([]int, s.NumBlocks())}
	for i := range p.Depth {
		p.Depth[i] = s.MaxDepth
	}
	for b := range p.Option {
		p.Option[b] = s.NumOptions() - 1
	}
	return p
}

// CheckPath reports the first decision of p that is not one of the space.
func (s *Space) CheckPath(p Path) error {
	if len(p.Depth) != len(s.Stages) || len(p.Option) != s.NumBlocks() {
		return fmt.Errorf("path of %d stages and %d blocks: expected %d and %d",
			len(p.Depth), len(p.Option), len(s.Stages), s.NumBlocks())
	}
	for i, d := range p.Depth {
		if d < s.MinDepth || d > s.MaxDepth {
			return fmt.Errorf("stage %d: depth %d: expected %d to %d", i+1, d, s.MinDepth, s.MaxDepth)
		}
	}
	for b, o := range p.Option {
		if o >= s.NumOptions() || o < Off || (o == Off && s.Active(p, b)) {
			return fmt.Errorf("stage %d block %d: option %d: expected 0 to %d",
				b/s.MaxDepth+1, b%s.MaxDepth, o, s.NumOptions()-1)
		}
	}
	return nil
}

// Encode writes the predictor's input for p into dst, which it grows as
// needed, and returns it: one-hot alpha (blocks x options, stage-major), then
// one-hot beta (stages x depths). A switched-off block is written as inactive
// says: uniform (InactiveMean), or one-hot at its Option (InactiveFree;
// uniform where the Option is Off).
func (s *Space) Encode(dst []float64, p Path, inactive InactiveBlocks) []float64 {
	n := s.NumOptions()
	if cap(dst) < s.EncodingSize() {
		dst = make([]float64, s.EncodingSize())
	}
	dst = dst[:s.EncodingSize()]
	clear(dst)
	for b, o := range p.Option {
		if o != Off && (inactive == InactiveFree || s.Active(p, b)) {
			dst[b*n+o] = 1
			continue
		}
		for i := range n {
			dst[b*n+i] = 1 / float64(n)
		}
	}
	beta := dst[s.NumAlphas():]
	for i, d := range p.Depth {
		beta[i*s.NumDepths()+d-s.MinDepth] = 1
	}
	return dst
}

// Logits returns the 25 integers that BINAS stores with a sample: for each
// stage its beta index (depth - MinDepth), then the option of each of its four
// blocks. Blocks without an option are written as 0.
func (s *Space) Logits(p Path) []int {
	out := make([]int, 0, len(s.Stages)*(1+s.MaxDepth))
	for i, d := range p.Depth {
		out = append(out, d-s.MinDepth)
		for _, o := range p.Option[i*s.MaxDepth : (i+1)*s.MaxDepth] {
			out = append(out, max(o, 0))
		}
	}
	return out
}

// PathFromLogits is the inverse of [Space.Logits]: every block, on or off,
// keeps the option that was stored for it.
func (s *Space) PathFromLogits(logits []int) (Path, error) {
	per := 1 + s.MaxDepth
	if len(logits) != len(s.Stages)*per {
		return Path{}, fmt.Errorf("logits of %d integers: expected %d", len(logits), len(s.Stages)*per)
	}
	p := Path{Depth: make([]int, len(s.Stages)), Option: make([]int, s.NumBlocks())}
	for i := range s.Stages {
		p.Depth[i] = logits[i*per] + s.MinDepth
		copy(p.Option[i*s.MaxDepth:], logits[i*per+1:(i+1)*per])
	}
	for i, o := range p.Option {
		if o < 0 {
			return Path{}, fmt.Errorf("logits: stage %d block %d: option %d: expected 0 to %d",
				i/s.MaxDepth+1, i%s.MaxDepth, o, s.NumOptions()-1)
		}
	}
	return p, s.CheckPath(p)
}
