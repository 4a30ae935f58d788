package fit

import (
	"context"
	"errors"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"

	"github.com/binas-tui/binas-tui/internal/parallel"
)

// Penalties are the strengths of a ridge: the fit minimises
//
//	Σ (measured - predicted)² + Linear·|linear weights|² + Products·|weights of products|²
//
// in squared points. The bias is free. Weights are those that sum to 0 over
// the options of a block and over the depths of a stage.
type Penalties struct {
	Linear   float64
	Products float64
}

// errNotPositive says that a ridge system could not be factored.
var errNotPositive = errors.New("the ridge system is not positive definite: the penalties are too small for these samples")

// dual solves a ridge in as many unknowns as there are samples, through their
// Gram matrix: less work than in the weights where samples are fewer.
type dual struct {
	linear, products []float64 // Gram matrices, row-major, lower triangle
	n                int
}

// newDual builds both Gram matrices; products are those of the kind.
func newDual(ctx context.Context, kind string, d *design) (*dual, error) {
	n := d.rows
	out := &dual{linear: make([]float64, n*n), products: make([]float64, n*n), n: n}
	return out, parallel.For(ctx, n, func(i int) {
		for j := range i + 1 {
			out.linear[i*n+j], out.products[i*n+j] = d.similarity(kind, d.row(i), d.row(j))
		}
	})
}

// dualFit is a solved ridge.
type dualFit struct {
	alpha     []float64 // per sample: the weights are Σ alpha·features / penalty
	bias      float64
	leftOut   []float64 // prediction of every sample by the fit on all others
	variance  float64   // of the noise, squared points
	inverse   []float64 // [n][n], lower: inverse of the Cholesky factor of K + 1
	effective float64   // number of weights that the samples decide, the bias among them
}

// solve fits y. With C = K + 1, K the Gram matrix over the penalties, and
// M = C⁻¹ - C⁻¹11ᵀC⁻¹ / 1ᵀC⁻¹1, which is C⁻¹ with the bias left free,
// alpha = M y, and the fit on all samples but i is off by alpha_i / M_ii at
// sample i: leave-one-out without refitting.
func (d *dual) solve(ctx context.Context, y []float64, p Penalties) (*dualFit, error) {
	n := d.n
	c := make([]float64, n*n)
	linear, products := 1/p.Linear, 1/p.Products
	for i := range n {
		row := c[i*n : i*n+i+1]
		ps := d.products[i*n : i*n+i+1]
		for j, v := range d.linear[i*n : i*n+i+1] {
			row[j] = v*linear + ps[j]*products
		}
		row[i]++
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t, ok := lapack64.Potrf(blas64.Symmetric{Uplo: blas.Lower, N: n, Stride: n, Data: c})
	if !ok {
		return nil, errNotPositive
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !lapack64.Trtri(t) {
		return nil, errNotPositive
	}
	// c holds L⁻¹ now, and C⁻¹ = L⁻ᵀ L⁻¹.
	inverseTimes := func(v []float64) []float64 {
		out := append([]float64(nil), v...)
		x := blas64.Vector{N: n, Inc: 1, Data: out}
		blas64.Trmv(blas.NoTrans, t, x)
		blas64.Trmv(blas.Trans, t, x)
		return out
	}
	ones := make([]float64, n)
	for i := range ones {
		ones[i] = 1
	}
	u, v := inverseTimes(ones), inverseTimes(y)
	total := sum(u)
	fit := &dualFit{alpha: v, bias: sum(v) / total, inverse: c, leftOut: make([]float64, n)}
	diagonal := make([]float64, n) // of C⁻¹, then of M
	for i := range n {
		for j, x := range c[i*n : i*n+i+1] {
			diagonal[j] += x * x
		}
	}
	for i := range n {
		fit.alpha[i] -= fit.bias * u[i]
		diagonal[i] -= u[i] * u[i] / total
		fit.leftOut[i] = y[i] - fit.alpha[i]/diagonal[i]
		fit.variance += fit.alpha[i] * fit.alpha[i] / diagonal[i] / float64(n)
		fit.effective += 1 - diagonal[i]
	}
	return fit, nil
}

func (d *dual) weights(f *features, fit *dualFit, p Penalties) []float64 {
	w := make([]float64, f.size)
	var active []int32
	for i, a := range fit.alpha {
		active = f.active(active[:0], f.d.row(i))
		for _, k := range active {
			w[k] += a
		}
	}
	f.scale(w, Penalties{1 / p.Linear, 1 / p.Products})
	f.center(w, 1)
	w[0] = fit.bias
	return w
}

// scale multiplies the linear weights and those of products by p.
func (f *features) scale(w []float64, p Penalties) {
	n := 1 + f.d.inputs()
	for i := range w[1:n] {
		w[1+i] *= p.Linear
	}
	for i := range w[n:] {
		w[n+i] *= p.Products
	}
}

func sum(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s
}
