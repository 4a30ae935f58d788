package model

import (
	"math"
	"math/rand/v2"
	"testing"
)

// kendallPairs is tau-b from its definition, pair by pair.
func kendallPairs(x, y []float64) float64 {
	var agree, tiesX, tiesY, pairs float64
	for i := range x {
		for j := range i {
			dx, dy := sign(x[i]-x[j]), sign(y[i]-y[j])
			agree += dx * dy
			tiesX += 1 - dx*dx
			tiesY += 1 - dy*dy
			pairs++
		}
	}
	return defined(agree / math.Sqrt((pairs-tiesX)*(pairs-tiesY)))
}

func TestKendallAgreesWithPairs(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	for range 300 {
		n, levels := r.IntN(60), 1+r.IntN(40)
		x, y := make([]float64, n), make([]float64, n)
		for i := range x {
			x[i], y[i] = float64(r.IntN(levels)), float64(r.IntN(levels))
		}
		near(t, "Kendall", KendallTau(x, y), kendallPairs(x, y))
	}
}

func BenchmarkKendallTau(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 2))
	x, y := make([]float64, 2000), make([]float64, 2000)
	for i := range x {
		x[i] = r.NormFloat64()
		y[i] = x[i] + r.NormFloat64()
	}
	for b.Loop() {
		KendallTau(x, y)
	}
}
