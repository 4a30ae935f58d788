package latency

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/binas-tui/binas-tui/model"
)

// activationMACs is how many multiply-accumulates take about as long as writing
// and reading one value of an expanded map.
const activationMACs = 15

// hyperparameters of the prior of a regression on whole networks, relative to
// what a block is expected to take: how far blocks are off together, how much
// more or less by expansion, kernel, squeeze-excite and two of them, each on its
// own, the fixed part, and how far a network is off the sum of its blocks.
type hyperparameters [8]float64

const (
	hyperLevel = iota
	hyperExpansion
	hyperKernel
	hyperSE
	hyperPairs
	hyperOwn
	hyperFixed
	hyperNoise
)

// regress fits a table on whole networks alone, ms by rows of columns, where a
// device gives no traces: a Gaussian process whose mean is in proportion to
// multiply-accumulates and expanded activations, correlated within shapes and by
// options, with the hyperparameters of the greatest marginal likelihood
// (Rasmussen and Williams, Gaussian Processes for Machine Learning, 2.7 and 5.4).
func regress(c *columns, rows [][]float64, ms []float64, batch int, search bool) blockFit {
	n := len(c.keys)
	f := blockFit{ms: make([]float64, n), error: make([]float64, n), spread: make([]float64, n), least: make([]float64, n), count: make([]int, n)}
	if len(rows) < 3 {
		for i := range f.ms {
			f.ms[i] = math.NaN()
		}
		return f
	}
	work := expectedWork(c, batch)
	sums := make([]float64, len(rows))
	for i, row := range rows {
		sums[i] = dot(row, work)
	}
	intercept, slope := stat.LinearRegression(sums, ms, nil, false)
	least := ms[0]
	for _, v := range ms {
		least = min(least, v)
	}
	if intercept < leastShare*least || !(slope > 0) {
		intercept = leastShare * least
		slope = (stat.Mean(ms, nil) - intercept) / stat.Mean(sums, nil)
	}
	mean := make([]float64, n)
	for i := range mean {
		mean[i] = slope * work[i]
	}
	mean[c.fixed()] = intercept
	g := process{columns: c, rows: rows, ms: ms, mean: mean}
	h := hyperparameters{0.3, 0.3, 0.3, 0.3, 0.1, 0.1, 0.5, 0.01}
	best, ok := g.posterior(h)
	for step := 2.0; search && ok && step > 1.1; {
		better := false
		for i := range h {
			for _, factor := range []float64{step, 1 / step} {
				try := h
				try[i] *= factor
				if p, ok := g.posterior(try); ok && p.likelihood > best.likelihood+1e-3 {
					best, h, better = p, try, true
				}
			}
		}
		if !better {
			step = math.Sqrt(step)
		}
	}
	if ok {
		best.conclude(&g, h)
	}
	for i := range f.ms {
		f.ms[i] = mean[i]
		if ok {
			f.ms[i] = max(best.ms[i], leastShare*mean[i])
			f.error[i] = math.Sqrt(max(best.variance[i], 0)) / f.ms[i]
		}
		f.least[i] = f.ms[i]
	}
	return f
}

// expectedWork is what each column is expected to take, in multiply-accumulates;
// the fixed part is fitted.
func expectedWork(c *columns, batch int) []float64 {
	work := make([]float64, len(c.keys))
	costs := c.space.Costs(1000)
	options := c.space.NumOptions()
	for i := range c.block {
		shape := c.space.Block(c.block[i])
		o := i % options
		code := c.space.BlockCode(c.block[i], o)
		out := model.Downsample(shape.Resolution, shape.Stride)
		values := code.MidChannels(shape.InChannels) * (shape.Resolution*shape.Resolution + out*out)
		work[i] = float64(batch) * (float64(costs.Block[c.block[i]*options+o].MACs) + activationMACs*float64(values))
	}
	return work
}

// process is the Gaussian process of a regression.
type process struct {
	columns *columns
	rows    [][]float64
	ms      []float64
	mean    []float64
}

// gaussian is what networks say about columns.
type gaussian struct {
	likelihood   float64 // logarithm of the marginal one
	ms, variance []float64

	factor mat.Cholesky // of the networks' covariance
	alpha  mat.VecDense // its inverse times what is left of them
	xs     [][]float64  // rows times the prior's covariance
}

// posterior conditions the process on the networks; not ok where the numbers
// are degenerate. conclude computes ms and variance.
func (g *process) posterior(h hyperparameters) (p gaussian, ok bool) {
	k, n := len(g.rows), len(g.mean)
	prior := g.covariance(h)
	rest := mat.NewVecDense(k, nil)
	for i, row := range g.rows {
		rest.SetVec(i, g.ms[i]-dot(row, g.mean))
		product := make([]float64, n)
		for column, times := range row {
			if times > 0 {
				for j := range product {
					product[j] += times * prior.At(column, j)
				}
			}
		}
		p.xs = append(p.xs, product)
	}
	cov := mat.NewSymDense(k, nil)
	for i := range k {
		for j := i; j < k; j++ {
			v := 0.0
			for column, times := range g.rows[j] {
				if times > 0 {
					v += times * p.xs[i][column]
				}
			}
			if i == j {
				noise := h[hyperNoise] * g.ms[i]
				v += noise * noise
			}
			cov.SetSym(i, j, v)
		}
	}
	if !p.factor.Factorize(cov) || p.factor.SolveVecTo(&p.alpha, rest) != nil {
		return p, false
	}
	p.likelihood = -0.5*mat.Dot(rest, &p.alpha) - 0.5*p.factor.LogDet() - 0.5*float64(k)*math.Log(2*math.Pi)
	return p, !math.IsNaN(p.likelihood)
}

// conclude computes what columns take.
func (p *gaussian) conclude(g *process, h hyperparameters) {
	prior := g.covariance(h)
	for j := range g.mean {
		column := mat.NewVecDense(len(p.xs), nil)
		for i, x := range p.xs {
			column.SetVec(i, x[j])
		}
		variance := prior.At(j, j)
		var back mat.VecDense
		if p.factor.SolveVecTo(&back, column) == nil {
			variance -= mat.Dot(column, &back)
		}
		p.ms, p.variance = append(p.ms, g.mean[j]+mat.Dot(column, &p.alpha)), append(p.variance, variance)
	}
}

// covariance is the prior's: columns of one shape vary together, others less.
func (g *process) covariance(h hyperparameters) *mat.SymDense {
	c := g.columns
	n := len(g.mean)
	options := c.space.NumOptions()
	features := optionFeatures(c.space)
	s := mat.NewSymDense(n, nil)
	square := func(i int) float64 { return h[i] * h[i] }
	for i := range n - 1 {
		for j := i; j < n-1; j++ {
			a, b := features[i%options], features[j%options]
			e, k, se := a[0]*b[0], a[1]*b[1], a[2]*b[2]
			v := 1 + square(hyperExpansion)*e + square(hyperKernel)*k + square(hyperSE)*se + square(hyperPairs)*(e*k+e*se+k*se)
			switch first := func(column int) bool { return c.block[column]%c.space.MaxDepth == 0 }; {
			case c.shape[i] == c.shape[j]:
			case first(i) == first(j):
				v *= 0.5
			default:
				v *= 0.3
			}
			v *= square(hyperLevel)
			if i == j {
				v += square(hyperOwn)
			}
			s.SetSym(i, j, v*g.mean[i]*g.mean[j])
		}
	}
	fixed := h[hyperFixed] * max(g.mean[n-1], stat.Mean(g.ms, nil)/10)
	s.SetSym(n-1, n-1, fixed*fixed)
	return s
}

// optionFeatures are expansion, kernel and squeeze-excite of the options of a
// space, each of mean 0 and standard deviation 1.
func optionFeatures(s *model.Space) [][3]float64 {
	out := make([][3]float64, s.NumOptions())
	for f := range 3 {
		values := make([]float64, len(out))
		for i, o := range s.Options {
			values[i] = [3]float64{o.Expansion, float64(o.Kernel), o.SERatio}[f]
		}
		mean, sd := stat.PopMeanStdDev(values, nil)
		for i, v := range values {
			if sd > 0 {
				out[i][f] = (v - mean) / sd
			}
		}
	}
	return out
}
