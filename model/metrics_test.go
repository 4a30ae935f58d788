package model

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) < 1e-12) {
		t.Errorf("%s is %v, expected %v", what, got, want)
	}
}

func TestMetrics(t *testing.T) {
	x, y := []float64{1, 2, 3, 4}, []float64{1, 3, 2, 4}
	near(t, "Kendall", KendallTau(x, y), 4.0/6)
	near(t, "Spearman", Spearman(x, y), 0.8)
	near(t, "MSE", MSE(x, y), 0.5)
	// With ties: tau-b = (agree - disagree) / sqrt(...), ranks shared.
	x, y = []float64{1, 2, 2, 3}, []float64{1, 2, 3, 3}
	near(t, "Kendall with ties", KendallTau(x, y), 4/math.Sqrt(5*5))
	near(t, "Spearman with ties", Spearman(x, y), 3.75/4.5)
	near(t, "Kendall of a constant", KendallTau([]float64{1, 1, 1}, []float64{1, 2, 3}), 0)
	near(t, "Pearson of one value", Pearson([]float64{1}, []float64{2}), 0)
	if _, err := NewMetrics([]float64{1}, nil); err == nil {
		t.Error("lengths that differ were accepted")
	}
}

// Rank correlations do not change under a monotone map, and agree with gonum
// where there are no ties.
func TestMetricsProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		n := 2 + r.IntN(40)
		x, y, z := make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range x {
			x[i], y[i] = r.NormFloat64(), r.NormFloat64()
			z[i] = math.Exp(y[i])
		}
		near(t, "Kendall under exp", KendallTau(x, z), KendallTau(x, y))
		near(t, "Spearman under exp", Spearman(x, z), Spearman(x, y))
		near(t, "Kendall", KendallTau(x, y), stat.Kendall(x, y, nil))
		near(t, "Spearman of itself", Spearman(x, x), 1)
	}
}
