package solver

import (
	"gonum.org/v1/gonum/floats"

	"github.com/binas-tui/binas-tui/model"
)

// Scorer predicts the accuracy of paths, in percent: accuracy[i] of paths[i].
// Paths belong to the caller and may change after the call. A switched-off
// block's Option is Off, unless Problem.Inactive is model.InactiveFree.
type Scorer func(paths []model.Path, accuracy []float64)

// Objective is a predictor as [BCFW] and [Evolution] see it.
type Objective struct {
	// Score predicts whole networks.
	Score Scorer
	// Gradient returns the accuracy of inputs x, [alphas, betas], in percent,
	// and writes its derivative by every input to dst.
	Gradient func(x, dst []float64) float64
	// Bilinear says that at given depths accuracy is linear in the options, so
	// that one knapsack gives the best of them.
	Bilinear bool
}

// Objective is the accuracy of the Problem, for any number of goroutines.
func (p *Problem) Objective() (Objective, error) {
	t, err := newTables(p)
	if err != nil {
		return Objective{}, err
	}
	g := newBilinearGradient(p)
	return Objective{
		Score: func(paths []model.Path, accuracy []float64) {
			for i, path := range paths {
				value, _ := t.total(path)
				accuracy[i] = t.points(value)
			}
		},
		Gradient: g.at,
		Bilinear: true,
	}, nil
}

// bilinearGradient is the relaxed accuracy of a Problem, Q with the sums of the
// rows of every block and transposed.
type bilinearGradient struct {
	*Problem
	sums    []float64   // [block*len(Beta)+beta]
	columns [][]float64 // per beta; nil is zeros
}

func newBilinearGradient(p *Problem) *bilinearGradient {
	betas := len(p.Beta)
	g := &bilinearGradient{p, make([]float64, p.NumBlocks()*betas), make([][]float64, betas)}
	for i, q := range p.Q {
		a, j := i/betas, i%betas
		if q == 0 {
			continue
		}
		if g.columns[j] == nil {
			g.columns[j] = make([]float64, len(p.Alpha))
		}
		g.columns[j][a] = q
		g.sums[a/p.Options*betas+j] += q
	}
	return g
}

// at is bias + pa·alpha + pb·beta + alphaᵀ Q beta, and writes its derivatives
// pa + Q beta and pb + Qᵀ alpha to dst. It is quick where most inputs of a block
// are equal: all but one of an option, all of the mean.
func (g *bilinearGradient) at(x, dst []float64) float64 {
	alphas, betas, n := len(g.Alpha), len(g.Beta), g.Options
	alpha, beta := x[:alphas], x[alphas:]
	byAlpha, byBeta := dst[:alphas], dst[alphas:]
	copy(byAlpha, g.Alpha)
	copy(byBeta, g.Beta)
	for j, w := range beta {
		if w != 0 && g.columns[j] != nil {
			floats.AddScaled(byAlpha, w, g.columns[j])
		}
	}
	value := g.Bias + floats.Dot(beta, g.Beta) + floats.Dot(alpha, byAlpha)
	if g.Q == nil {
		return value
	}
	for b := range g.NumBlocks() {
		block := alpha[b*n : (b+1)*n]
		most := min(block[0], block[n/2], block[n-1]) // what most inputs are, or any number
		if most != 0 {
			floats.AddScaled(byBeta, most, g.sums[b*betas:(b+1)*betas])
		}
		for o, w := range block {
			if w != most {
				i := (b*n + o) * betas
				floats.AddScaled(byBeta, w-most, g.Q[i:i+betas])
			}
		}
	}
	return value
}
