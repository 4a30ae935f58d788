package latency

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// Prior is what is believed about a device before networks were measured on
// it. All are standard deviations, as fractions of a network's latency by the
// table.
type Prior struct {
	Level   float64 // of the one factor by which all networks differ from the table
	Shape   float64 // of a network around that level: errors of keys, layout, what a sum of blocks misses; the networks measured can raise it
	Noise   float64 // of one measurement; what repeats say overrules it, see noiseWeight
	Opening float64 // of what opening the reference network anew shifts all networks measured beside it
}

// DefaultPrior holds for a table that does not say how well it was measured.
// docs/SEARCH.md says where the numbers come from.
var DefaultPrior = Prior{Level: 0.10, Shape: 0.012, Noise: 0.01, Opening: 0.01}

// noiseWeight is how many repeats the prior's noise counts as, shapeWeight how
// many networks its shape does.
const (
	noiseWeight = 4
	shapeWeight = 4
)

// KnownNetwork is a network that was measured beside one opening of the
// reference network.
type KnownNetwork struct {
	ID      string  // equal for equal networks
	TableMS float64 // by the table
	Shape   float64 // as Prior.Shape, of this network; 0 is the prior's
	Opening int     // 0 is the one that latencies are stated for
	// MS is, for every measurement, the latency in each session that was opened
	// for it, the drift taken out.
	MS [][]float64
}

// mean is the mean of the measurements.
func (k *KnownNetwork) mean() float64 {
	sum := 0.0
	for _, v := range k.MS {
		sum += stat.Mean(v, nil)
	}
	return sum / float64(len(k.MS))
}

// Posterior is what is known about the latency of networks on a device after
// some were measured: a Gaussian process whose mean is the table, with
//
//	cov(p, q) = Level²·S(p)·S(q) + [p = q]·Shape²·S(p)²
//
// where S is the latency by the table, brought to about the device's level first:
// a table of another processor may be off by any factor, and deviations are
// fractions of what networks take. It learns the level and the networks measured,
// not the keys: in the sum of an answer errors of keys average out,
// the level does not, and a few networks say next to nothing about 121 keys.
type Posterior struct {
	prior    Prior
	known    []KnownNetwork
	at       map[string][]int // indices of known by ID
	chol     mat.Cholesky
	weights  *mat.VecDense // inverse of the covariance times (measured - table)
	noise    float64
	worse    float64 // by how much networks differ from the table more than was believed
	rough    float64 // level that the prior is about
	level    float64 // as next, on top of it
	levelVar float64
}

// NewPosterior computes the posterior. Every known network has at least one
// measurement, and its latencies are positive.
func NewPosterior(prior Prior, known []KnownNetwork) *Posterior {
	p := &Posterior{prior: prior, at: map[string][]int{}, worse: 1, rough: 1, level: 1, levelVar: prior.Level * prior.Level}
	p.noise = learnNoise(prior.Noise, known, 0)
	n := len(known)
	if n == 0 {
		return p
	}
	ratios := make([]float64, n)
	for i := range known {
		ratios[i] = known[i].mean() / known[i].TableMS
	}
	p.rough = Quantile(ratios, 0.5)
	known = slices.Clone(known)
	for i := range known {
		known[i].TableMS *= p.rough
	}
	p.known = known
	p.worse = learnShape(prior.Shape, ratios, known, p.noise)
	cov, off := mat.NewSymDense(n, nil), mat.NewVecDense(n, nil)
	level := mat.NewVecDense(n, nil)
	noise := map[int]float64{0: p.noise}
	for i := range known {
		a := &known[i]
		if _, is := noise[a.Opening]; !is {
			noise[a.Opening] = learnNoise(prior.Noise, known, a.Opening)
		}
		p.at[a.ID] = append(p.at[a.ID], i)
		for j := range known[:i+1] {
			b := &known[j]
			v := p.between(a, b)
			if i == j {
				v += square(a.TableMS*noise[a.Opening]) / float64(len(a.MS))
			}
			if a.Opening == b.Opening && a.Opening != 0 {
				v += square(prior.Opening) * a.TableMS * b.TableMS
			}
			cov.SetSym(i, j, v)
		}
		off.SetVec(i, a.mean()-a.TableMS)
		level.SetVec(i, square(prior.Level)*a.TableMS)
	}
	p.chol.Factorize(cov) // positive definite: the noise is on its diagonal
	p.weights = mat.NewVecDense(n, nil)
	_ = p.chol.SolveVecTo(p.weights, off) // an error says that digits were lost, which these priors cannot do
	p.level = 1 + mat.Dot(level, p.weights)
	p.levelVar -= p.explained(level)
	return p
}

// between is the prior's covariance of two networks.
func (p *Posterior) between(a, b *KnownNetwork) float64 {
	v := square(p.prior.Level) * a.TableMS * b.TableMS
	if a.ID == b.ID {
		v += square(p.Shape(a.Shape) * a.TableMS)
	}
	return v
}

// Shape is the standard deviation of a network around the level, as a fraction,
// of one that was believed to have it as in KnownNetwork: by how the networks measured
// differ it may be more, never less.
func (p *Posterior) Shape(of float64) float64 {
	if of == 0 {
		of = p.prior.Shape
	}
	return p.worse * of
}

// explained is how much of a variance the measurements explain, given the
// covariance with them.
func (p *Posterior) explained(with *mat.VecDense) float64 {
	x := mat.NewVecDense(with.Len(), nil)
	_ = p.chol.SolveVecTo(x, with)
	return mat.Dot(with, x)
}

// Level is the factor from the table to the device, and its standard deviation.
func (p *Posterior) Level() (factor, sd float64) {
	return p.rough * p.level, p.rough * math.Sqrt(max(p.levelVar, 0))
}

// Noise is the standard deviation of one measurement beside the opening of the
// reference that latencies are stated for, as a fraction.
func (p *Posterior) Noise() float64 { return p.noise }

// Of is the latency of a network on the device in milliseconds, and its
// standard deviation. tableMS is what the table says; shape as in KnownNetwork.
func (p *Posterior) Of(id string, tableMS, shape float64) (ms, sdMS float64) {
	tableMS *= p.rough
	mean, variance := tableMS*p.level, square(tableMS)*(p.levelVar+square(p.Shape(shape)))
	if len(p.at[id]) > 0 {
		q := KnownNetwork{ID: id, TableMS: tableMS, Shape: shape}
		with := mat.NewVecDense(len(p.known), nil)
		for i := range p.known {
			with.SetVec(i, p.between(&q, &p.known[i]))
		}
		mean, variance = tableMS+mat.Dot(with, p.weights), p.between(&q, &q)-p.explained(with)
	}
	return mean, math.Sqrt(max(variance, 0))
}

// After is the standard deviation that one of sdMS becomes after some more
// measurements of that network.
func (p *Posterior) After(tableMS, sdMS float64, more int) float64 {
	if more <= 0 || sdMS == 0 {
		return sdMS
	}
	return math.Sqrt(1 / (1/square(sdMS) + float64(more)/square(tableMS*p.rough*p.noise)))
}

// learnNoise is the noise of one measurement beside an opening of the reference:
// what repeats of networks, or the sessions within measurements, say, whichever
// is more. Sessions alone do not see what changes between measurements.
func learnNoise(prior float64, known []KnownNetwork, opening int) float64 {
	var between, within, betweenDF, withinDF float64
	for i := range known {
		k := &known[i]
		if k.Opening != opening {
			continue
		}
		mean := k.mean()
		for _, v := range k.MS {
			between += square(stat.Mean(v, nil)/mean - 1)
			if n := float64(len(v)); n > 1 {
				within += stat.Variance(v, nil) / square(mean) / n * (n - 1)
				withinDF += n - 1
			}
		}
		betweenDF += float64(len(k.MS) - 1)
	}
	pooled := func(sum, df float64) float64 { return (noiseWeight*square(prior) + sum) / (noiseWeight + df) }
	noise := pooled(between, betweenDF)
	if withinDF > 0 {
		noise = max(noise, pooled(within, withinDF))
	}
	return math.Sqrt(noise)
}

// learnShape is by how much networks differ from the level more than the prior
// says: their variance less that of the noise, pooled with the prior's. ratios are
// measured over table.
func learnShape(prior float64, ratios []float64, known []KnownNetwork, noise float64) float64 {
	if len(ratios) < 2 {
		return 1
	}
	excess := stat.Variance(ratios, nil) / square(stat.Mean(ratios, nil))
	for i := range known {
		excess -= square(noise) / float64(len(known[i].MS)) / float64(len(known))
	}
	n := float64(len(ratios) - 1)
	return math.Sqrt(max(1, (shapeWeight*square(prior)+n*excess)/((shapeWeight+n)*square(prior))))
}

func square(v float64) float64 { return v * v }
