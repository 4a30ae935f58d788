package solver

import "github.com/binas-tui/binas-tui/model"

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
