package latency

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/binas-tui/binas-tui/model"
)

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

// usual is what they are without a search, and about which they are expected:
// each by a factor of hyperDoubt to either side, one standard deviation.
var usual = hyperparameters{0.02, 0.1, 0.1, 0.1, 0.03, 0.02, 0.5, 0.03}

const hyperDoubt = 4

// evidence is the logarithm of their prior, a constant aside.
func (h hyperparameters) evidence() float64 {
	sum := 0.0
	for i, v := range h {
		sum -= square(math.Log(v/usual[i])/math.Log(hyperDoubt)) / 2
	}
	return sum
}

// regress fits a table on whole networks alone, ms by rows of columns, where a
// device gives no traces: a Gaussian process whose mean is that of work, correlated
// within shapes and by options, with the hyperparameters that are likeliest by their
// prior and the marginal likelihood (Rasmussen and Williams, Gaussian Processes for
// Machine Learning, 2.7 and 5.4). As no block takes less than nothing, what is found is the mean and the
// deviation of its normal distribution above 0. Networks that are far off the mean
// are left out: the device was disturbed.
func regress(c *columns, rows [][]float64, ms []float64, search bool) blockFit {
	n := len(c.keys)
	f := blockFit{ms: make([]float64, n), error: make([]float64, n), spread: make([]float64, n), least: make([]float64, n), count: make([]int, n)}
	if len(rows) < 3 {
		for i := range f.ms {
			f.ms[i] = math.NaN()
		}
		return f
	}
	w := workOf(c)
	mean, kept := w.columns(rows, ms)
	g := process{columns: c, mean: mean}
	for _, i := range kept {
		g.rows, g.ms = append(g.rows, rows[i]), append(g.ms, ms[i])
	}
	h := usual
	best, ok := g.posterior(h)
	for step := 2.0; search && ok && step > 1.1; {
		better := false
		for i := range h {
			for _, factor := range []float64{step, 1 / step} {
				try := h
				try[i] *= factor
				if p, ok := g.posterior(try); ok && p.likelihood+try.evidence() > best.likelihood+h.evidence()+1e-3 {
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
			var deviation float64
			if f.ms[i], deviation = above0(best.ms[i], math.Sqrt(max(best.variance[i], 0))); deviation > 0 {
				f.error[i] = deviation / f.ms[i]
			}
		}
		f.least[i] = f.ms[i]
	}
	if ok {
		f.sums = best.leftOut(g.ms)
	}
	return f
}

// above0 is the mean and the standard deviation of a normal distribution where it
// is above 0: of the truncated one.
func above0(mean, deviation float64) (truncatedMean, truncatedDeviation float64) {
	if deviation == 0 {
		return max(mean, 0), 0
	}
	const farthest = 8 // beyond, what is left of it is lost in rounding
	from := min(-mean/deviation, farthest)
	hazard := distuv.UnitNormal.Prob(from) / distuv.UnitNormal.CDF(-from)
	return deviation * (hazard - from), deviation * math.Sqrt(max(0, 1+hazard*(from-hazard)))
}

// work is what columns consist of, and what a device takes for may be fitted on: a
// block's operators, which take as long as they are started where a card is faster
// than that; those of squeeze-excite; multiply-accumulates; bytes of maps and of
// weights; and the fixed part.
type work [][6]float64

func workOf(c *columns) work {
	w := make(work, len(c.keys))
	costs, options := c.space.Costs(1000), c.space.NumOptions()
	for i, block := range c.block {
		cost := costs.Block[block*options+i%options]
		squeeze := 0.0
		if c.space.Options[i%options].SERatio > 0 {
			squeeze = 1
		}
		w[i] = [6]float64{1, squeeze, float64(cost.MACs), float64(cost.MapBytes), float64(cost.Params)}
	}
	w[c.fixed()][5] = 1
	return w
}

// columns is what columns take that take so much for each kind of work as fits
// networks best, and which networks that is fitted on: those that are no outliers.
func (w work) columns(rows [][]float64, ms []float64) (columnMS []float64, kept []int) {
	sums := make([][6]float64, len(rows)) // over ms: a network is 1
	for i, row := range rows {
		for column, times := range row {
			for k, amount := range w[column] {
				sums[i][k] += times * amount / ms[i]
			}
		}
	}
	rates := nonNegative(sums)
	of := func(amounts [6]float64) float64 { return dot(amounts[:], rates[:]) }
	for range 2 {
		kept = undisturbed(each(sums, of))
		rates = nonNegative(each(kept, func(i int) [6]float64 { return sums[i] }))
	}
	return each(w, of), kept
}

// nonNegative are the factors of at least 0 for which the sums of products are
// closest to 1, by least squares: the most negative one is left out until there is
// none.
func nonNegative(x [][6]float64) (factors [6]float64) {
	const ridge = 1e-6 // of a factor's own square: they may be in proportion to one another
	var scale [6]float64
	for _, row := range x {
		for k, v := range row {
			scale[k] += v / float64(len(x))
		}
	}
	on := slices.DeleteFunc([]int{0, 1, 2, 3, 4, 5}, func(k int) bool { return !(scale[k] > 0) })
	for len(on) > 0 {
		a := mat.NewDense(len(x), len(on), nil)
		ones := mat.NewVecDense(len(x), nil)
		for i, row := range x {
			ones.SetVec(i, 1)
			for j, k := range on {
				a.Set(i, j, row[k]/scale[k])
			}
		}
		var square mat.SymDense
		square.SymOuterK(1, a.T())
		for j := range on {
			square.SetSym(j, j, square.At(j, j)*(1+ridge))
		}
		var right, solved mat.VecDense
		right.MulVec(a.T(), ones)
		var factor mat.Cholesky
		if !factor.Factorize(&square) || factor.SolveVecTo(&solved, &right) != nil {
			return factors
		}
		worst := floats.MinIdx(solved.RawVector().Data)
		if solved.AtVec(worst) >= 0 {
			for j, k := range on {
				factors[k] = solved.AtVec(j) / scale[k]
			}
			return factors
		}
		on = slices.Delete(on, worst, worst+1)
	}
	return factors
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

// leftOut is how far networks are from what the others say of them: the median, as
// a fraction (Rasmussen and Williams, 5.12).
func (p *gaussian) leftOut(ms []float64) float64 {
	var inverse mat.SymDense
	if p.factor.InverseTo(&inverse) != nil {
		return math.NaN()
	}
	off := make([]float64, len(ms))
	for i := range off {
		off[i] = math.Abs(p.alpha.AtVec(i)/inverse.At(i, i)) / ms[i]
	}
	return Quantile(off, 0.5)
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
