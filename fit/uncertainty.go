package fit

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/binas-tui/binas-tui/model"
)

// uncertaintyRows is how many samples an [Uncertainty] keeps at most: 2 MB in
// a checkpoint.
const uncertaintyRows = dualLimit

// Uncertainty says how far a prediction of a closed form may be off: a ridge is
// the posterior of a Gaussian process, whose variance is known too. Up to
// 1,000 samples it is exact; above, it is that of 1,000 of them, scaled so that
// its mean is that of all.
type Uncertainty struct {
	kind      string
	space     *model.Space
	inactive  model.InactiveBlocks
	penalties Penalties
	variance  float64 // of the noise, squared points
	scale     float64 // of what the samples leave open
	design    *design
	inverse   []float64 // packed lower triangle: inverse of the Cholesky factor of K + 1
	ones      []float64 // inverse times a vector of ones
	total     float64   // 1ᵀ (K + 1)⁻¹ 1
}

// newUncertainty packs the factor of a fit. Values are rounded to float32, as
// a checkpoint keeps them.
func newUncertainty(s Settings, d *design, p Penalties, fit *dualFit, scale, variance float64) *Uncertainty {
	u := &Uncertainty{kind: s.Kind, space: s.Space, inactive: s.Inactive, penalties: p, variance: variance, scale: scale, design: d}
	u.inverse = make([]float64, 0, d.rows*(d.rows+1)/2)
	for i := range d.rows {
		for _, v := range fit.inverse[i*d.rows : i*d.rows+i+1] {
			u.inverse = append(u.inverse, float64(float32(v)))
		}
	}
	u.finish()
	return u
}

func (u *Uncertainty) finish() {
	ones := make([]float64, u.design.rows)
	for i := range ones {
		ones[i] = 1
	}
	u.ones = u.times(ones)
	u.total = squares(u.ones)
}

// times multiplies by the inverse factor.
func (u *Uncertainty) times(v []float64) []float64 {
	out := make([]float64, len(v))
	at := 0
	for i := range out {
		out[i] = floats.Dot(u.inverse[at:at+i+1], v[:i+1])
		at += i + 1
	}
	return out
}

// posteriorVariance is the variance of the predicted mean over that of the noise: the prior
// variance of the row, less what the samples say about it, plus what the free
// bias leaves open.
func (u *Uncertainty) posteriorVariance(row []int8) float64 {
	prior := func(other []int8) float64 {
		linear, products := u.design.similarity(u.kind, row, other)
		return linear/u.penalties.Linear + products/u.penalties.Products
	}
	k := make([]float64, u.design.rows)
	for i := range k {
		k[i] = prior(u.design.row(i))
	}
	v := u.times(k)
	known, bias := 0.0, 1.0
	for i, x := range v {
		known += x * x
		bias -= x * u.ones[i]
	}
	return u.scale * (max(0, prior(row)-known) + bias*bias/u.total)
}

// Points is the standard deviation of a measured accuracy around the predicted
// one, in percentage points: what the samples leave open, and the noise of a
// measurement with what the predictor cannot express. It takes some 0.15 ms.
func (u *Uncertainty) Points(p model.Path) float64 {
	row := appendLevels(nil, u.space, p, u.inactive)
	return math.Sqrt(u.variance * (1 + u.posteriorVariance(row)))
}

// Noise is the standard deviation that no number of samples would remove, in
// points.
func (u *Uncertainty) Noise() float64 { return math.Sqrt(u.variance) }

// Names of the tensors of an Uncertainty in a checkpoint.
const (
	tensorLevels  = "uncertainty.levels"  // [samples][groups]
	tensorInverse = "uncertainty.inverse" // packed lower triangle
	tensorRidge   = "uncertainty.ridge"   // inactive, penalties, variance, scale
)

// Tensors are what a checkpoint keeps, for model.CheckpointInfo.Extra.
func (u *Uncertainty) Tensors() []model.Tensor {
	levels := make([]float64, len(u.design.levels))
	for i, l := range u.design.levels {
		levels[i] = float64(l)
	}
	return []model.Tensor{
		{Name: tensorLevels, Shape: []int{u.design.rows, u.design.groups()}, Values: levels},
		{Name: tensorInverse, Shape: []int{len(u.inverse)}, Values: u.inverse},
		{Name: tensorRidge, Shape: []int{5}, Values: []float64{
			float64(u.inactive), u.penalties.Linear, u.penalties.Products, u.variance, u.scale}},
	}
}

// ErrNoUncertainty says that a checkpoint holds no uncertainty.
var ErrNoUncertainty = errors.New("the predictor has no record of its uncertainty")

// ReadUncertainty reads the uncertainty of a predictor from what its
// checkpoint keeps beside it. It returns ErrNoUncertainty where there is none.
func ReadUncertainty(s *model.Space, kind string, extra []model.Tensor) (*Uncertainty, error) {
	var levels, inverse, ridge *model.Tensor
	for i := range extra {
		switch extra[i].Name {
		case tensorLevels:
			levels = &extra[i]
		case tensorInverse:
			inverse = &extra[i]
		case tensorRidge:
			ridge = &extra[i]
		}
	}
	if levels == nil || inverse == nil || ridge == nil || (kind != Bilinear && kind != Quadratic) {
		return nil, ErrNoUncertainty
	}
	d := emptyDesign(s, 0)
	if len(levels.Shape) != 2 || levels.Shape[1] != d.groups() || len(levels.Values) != levels.Shape[0]*d.groups() {
		return nil, fmt.Errorf("%s: shape %v: expected samples by %d decisions of %s", tensorLevels, levels.Shape, d.groups(), s.Name)
	}
	d.rows = levels.Shape[0]
	if n := d.rows * (d.rows + 1) / 2; len(inverse.Values) != n {
		return nil, fmt.Errorf("%s: %d values: expected %d for %d samples", tensorInverse, len(inverse.Values), n, d.rows)
	}
	for i, v := range levels.Values {
		group := i % d.groups()
		if !(v >= absent && v < float64(d.sizes[group])) || v != math.Trunc(v) || (v == absent && group >= d.blocks) {
			return nil, fmt.Errorf("%s: %v: expected a decision of %s", tensorLevels, v, s.Name)
		}
		d.levels = append(d.levels, int8(v))
	}
	r := ridge.Values
	if len(r) != 5 || !(r[0] == 0 || r[0] == 1) || !(r[1] > 0) || !(r[2] > 0) || !(r[3] >= 0) || !(r[4] >= 0) {
		return nil, fmt.Errorf("%s: %v: expected how blocks that are off count, two penalties, a variance and a scale", tensorRidge, r)
	}
	u := &Uncertainty{
		kind: kind, space: s, inactive: model.InactiveBlocks(r[0]), penalties: Penalties{r[1], r[2]},
		variance: r[3], scale: r[4], design: d, inverse: inverse.Values,
	}
	u.finish()
	return u, nil
}
