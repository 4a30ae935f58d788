package model

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A batch gives what one prediction at a time gives.
func TestPredictBatchAgreesWithAccuracy(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(n int) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = rng.NormFloat64()
		}
		return out
	}
	predictors := []Predictor{
		&Bilinear{Alphas: 6, Betas: 3, Bias: 1, Linear: random(9), Q: random(18)},
		&Quadratic{Inputs: 9, Bias: 2, Linear: random(9), W: random(81)},
		&MLP{Layers: []Layer{
			{In: 9, Out: 7, W: random(63), Bias: random(7)},
			{In: 7, Out: 5, W: random(35), Bias: random(5)},
			{In: 5, Out: 1, W: random(5), Bias: random(1)},
		}},
	}
	for _, p := range predictors {
		const rows = 13
		x, got := random(rows*9), make([]float64, rows)
		PredictBatch(p, x, got)
		for i, g := range got {
			if want := p.Accuracy(x[i*9 : (i+1)*9]); math.Abs(g-want) > 1e-9 {
				t.Errorf("%s, row %d: %v in a batch, %v alone", p.Kind(), i, g, want)
			}
		}
		PredictBatch(p, nil, nil)
	}
}
