package solver

import "github.com/binas-tui/binas-tui/model"

// scorer is p.Accuracy for many paths, on a table that has the mean of every
// block beside its options.
func (p *Problem) scorer() Scorer {
	labels, betas, depths := p.Options+1, len(p.Beta), p.NumDepths()
	width := 1 + betas // the linear value, then what every beta adds
	table := make([]float64, p.NumBlocks()*labels*width)
	for b := range p.NumBlocks() {
		mean := table[(b*labels+p.Options)*width:][:width]
		for o := range p.Options {
			a := b*p.Options + o
			row := table[(b*labels+o)*width:][:width]
			row[0] = p.Alpha[a]
			if p.Q != nil {
				copy(row[1:], p.Q[a*betas:(a+1)*betas])
			}
			for i, v := range row {
				mean[i] += v / float64(p.Options)
			}
		}
	}
	at := make([]int, p.Stages)
	return func(paths []model.Path, accuracy []float64) {
		for i, path := range paths {
			sum := p.Bias
			for s, d := range path.Depth {
				j := s*depths + d - p.MinDepth
				sum += p.Beta[j]
				at[s] = 1 + j
			}
			for b, o := range path.Option {
				if o == model.Off || p.Inactive == model.InactiveMean && b%p.MaxDepth >= path.Depth[b/p.MaxDepth] {
					o = p.Options
				}
				row := table[(b*labels+o)*width:][:width]
				sum += row[0]
				for _, j := range at {
					sum += row[j]
				}
			}
			accuracy[i] = sum
		}
	}
}
