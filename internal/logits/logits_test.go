package logits

import (
	"math"
	"testing"
)

// Cross-entropy is the entry of the log-probabilities, which sum to 1, also where
// logits are large.
func TestCrossEntropyIsLogSoftmax(t *testing.T) {
	for _, z := range [][]float32{{0, 0}, {1, -2, 3.5}, {100, 100, 0}, {-1000, -999}} {
		log, sum := make([]float64, len(z)), 0.0
		LogSoftmax(log, z)
		for label, v := range log {
			sum += math.Exp(v)
			if got := CrossEntropy(z, label); math.Abs(got+v) > 1e-9*math.Max(1, math.Abs(v)) {
				t.Errorf("%v: cross-entropy of %d is %v, log-probability %v", z, label, got, v)
			}
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Errorf("%v: probabilities sum to %v", z, sum)
		}
	}
	if got := CrossEntropy([]float32{0, 0}, 1); math.Abs(got-math.Ln2) > 1e-15 {
		t.Errorf("two equal classes: %v, expected %v", got, math.Ln2)
	}
}

// Ranks are a permutation, best first.
func TestRank(t *testing.T) {
	z := []float32{1, 3, 3, -2}
	for label, want := range []int{2, 0, 1, 3} {
		if got := Rank(z, label); got != want {
			t.Errorf("class %d of %v has rank %d, expected %d", label, z, got, want)
		}
	}
}

// The best classes are those of the first ranks.
func TestBest(t *testing.T) {
	for _, z := range [][]float32{{1, 3, 3, -2}, {2}, {0, 0, 0, 0, 0, 0, 0}, {1, 2, 3, 4, 5, 6, 7}, {7, 6, 5, 4, 3, 2, 1}, {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5}} {
		best := Best(z, 5)
		if len(best) != min(5, len(z)) {
			t.Errorf("%v: %v", z, best)
		}
		for rank, c := range best {
			if Rank(z, c) != rank {
				t.Errorf("%v: class %d is at place %d of %v, its rank is %d", z, c, rank, best, Rank(z, c))
			}
		}
	}
}
