package model

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The gradient is the slope that differences show.
func TestGradient(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	values := func(n int) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = r.NormFloat64()
		}
		return out
	}
	layer := func(in, out int) Layer { return Layer{In: in, Out: out, W: values(in * out), Bias: values(out)} }
	for _, p := range []Predictor{
		&Bilinear{Alphas: 6, Betas: 3, Bias: 1, Linear: values(9), Q: values(18)},
		&Quadratic{Inputs: 9, Bias: 2, Linear: values(9), W: values(81)},
		&MLP{Layers: []Layer{layer(9, 7), layer(7, 5), layer(5, 1)}},
	} {
		for range 20 {
			x, dst := values(9), make([]float64, 9)
			if got := Gradient(p, x, dst); math.Abs(got-p.Accuracy(x)) > 1e-9 {
				t.Fatalf("%s: accuracy %v, want %v", p.Kind(), got, p.Accuracy(x))
			}
			for i := range x {
				const h = 1e-6
				y := append([]float64(nil), x...)
				y[i] += h
				up := p.Accuracy(y)
				y[i] -= 2 * h
				if slope := (up - p.Accuracy(y)) / (2 * h); math.Abs(slope-dst[i]) > 1e-4*(1+math.Abs(slope)) {
					t.Errorf("%s: slope %d is %v, differences say %v", p.Kind(), i, dst[i], slope)
				}
			}
		}
	}
}
