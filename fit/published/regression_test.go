package published

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The solution satisfies the optimality conditions of the constrained problem:
// the gradient is zero for free weights and not negative for weights at zero.
func TestNonNegativeIsOptimal(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	held := 0
	for range 200 {
		x, y := make([][]float64, 12), make([]float64, 12)
		truth := []float64{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()}
		for i := range x {
			x[i] = []float64{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()}
			y[i] = 70 + 0.1*rng.NormFloat64()
			for j, v := range truth {
				y[i] += v * x[i][j]
			}
		}
		prior, lambda := []float64{0, 0.3, 1}, rng.Float64()
		w, err := nonNegative(x, y, prior, lambda)
		if err != nil {
			t.Fatal(err)
		}
		gradBias, grad := 0.0, make([]float64, 3)
		for i, row := range x {
			d := w.at(row) - y[i]
			gradBias += d
			for j, v := range row {
				grad[j] += d * v
			}
		}
		for j, p := range prior {
			if p != 0 {
				grad[j] += lambda * (w.weights[j] - p) / (p * p)
			}
			if w.weights[j] < 0 || grad[j] < -1e-8 || (w.weights[j] > 0 && math.Abs(grad[j]) > 1e-8) {
				t.Fatalf("weight %d is %v with gradient %v", j, w.weights[j], grad[j])
			}
			if w.weights[j] == 0 {
				held++
			}
		}
		if math.Abs(gradBias) > 1e-8 {
			t.Fatalf("bias %v with gradient %v", w.bias, gradBias)
		}
	}
	if held == 0 {
		t.Error("no instance held a weight at zero")
	}
}

func TestNonNegativeRefusesNaN(t *testing.T) {
	x := [][]float64{{math.NaN(), 1, 1}, {1, 2, 3}, {2, 1, 1}}
	if w, err := nonNegative(x, []float64{1, 2, 3}, priorMeans(), 1); err == nil {
		t.Errorf("not-a-number feature gave %+v", w)
	}
}
