package fit

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// small is a design of two blocks of three options and two stages of two
// depths, with blocks absent now and then, and accuracies.
func small(r *rand.Rand, rows int) (*design, []float64) {
	d := &design{sizes: []int{3, 3, 2, 2}, offsets: []int{0, 3, 6, 8}, blocks: 2, rows: rows}
	var y []float64
	for range rows {
		for g, size := range d.sizes {
			l := r.IntN(size)
			if g < d.blocks && r.IntN(4) == 0 {
				l = absent
			}
			d.levels = append(d.levels, int8(l))
		}
		y = append(y, 70+r.NormFloat64())
	}
	return d, y
}

// leastSquares is the ridge from its definition, by QR of the centred features
// and the roots of the penalties: an oracle that shares only the numbering.
func leastSquares(t *testing.T, f *features, y []float64, p Penalties) []float64 {
	t.Helper()
	a := mat.NewDense(len(y)+f.size-1, f.size, nil)
	b := mat.NewVecDense(len(y)+f.size-1, nil)
	for i := range y {
		row := make([]float64, f.size)
		for _, k := range f.active(nil, f.d.row(i)) {
			row[k] = 1
		}
		f.center(row, 1)
		a.SetRow(i, row)
		b.SetVec(i, y[i])
	}
	for k := 1; k < f.size; k++ {
		penalty := p.Products
		if k < 1+f.d.inputs() {
			penalty = p.Linear
		}
		a.Set(len(y)+k-1, k, math.Sqrt(penalty))
	}
	var w mat.VecDense
	if err := w.SolveVec(a, b); err != nil {
		t.Fatal(err)
	}
	return w.RawVector().Data
}

func TestDualIsTheRidge(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	for range 20 {
		for _, kind := range []string{Bilinear, Quadratic} {
			d, y := small(r, 5+r.IntN(40))
			f := newFeatures(kind, d)
			p := Penalties{math.Exp(r.NormFloat64()), math.Exp(r.NormFloat64())}
			dual, err := newDual(context.Background(), kind, d)
			if err != nil {
				t.Fatal(err)
			}
			fit, err := dual.solve(context.Background(), y, p)
			if err != nil {
				t.Fatal(err)
			}
			got, want := dual.weights(f, fit, p), leastSquares(t, f, y, p)
			for i := range got {
				if math.Abs(got[i]-want[i]) > 1e-9 {
					t.Fatalf("%s: weight %d of %d is %v, by least squares %v", kind, i, f.size, got[i], want[i])
				}
			}
		}
	}
}

// The closed form of the leave-one-out predictions is fitting again without
// each sample.
func TestLeaveOneOutIsRefitting(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 9))
	for _, kind := range []string{Bilinear, Quadratic} {
		d, y := small(r, 25)
		p := Penalties{0.7, 2}
		dual, err := newDual(context.Background(), kind, d)
		if err != nil {
			t.Fatal(err)
		}
		fit, err := dual.solve(context.Background(), y, p)
		if err != nil {
			t.Fatal(err)
		}
		for i := range y {
			var rows []int
			var rest []float64
			for j := range y {
				if j != i {
					rows, rest = append(rows, j), append(rest, y[j])
				}
			}
			f := newFeatures(kind, d.subset(rows))
			w := leastSquares(t, f, rest, p)
			want := 0.0
			for _, k := range f.active(nil, d.row(i)) {
				want += w[k]
			}
			if math.Abs(fit.leftOut[i]-want) > 1e-9 {
				t.Errorf("%s: sample %d left out is predicted %v, by refitting %v", kind, i, fit.leftOut[i], want)
			}
		}
	}
}
