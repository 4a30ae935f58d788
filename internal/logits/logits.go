// Package logits scores the answers of classifiers.
package logits

import (
	"math"
	"slices"
)

// LogSoftmax writes the logarithms of the probabilities of classes.
func LogSoftmax(to []float64, z []float32) {
	high, sum := normaliser(z)
	for c, v := range z {
		to[c] = float64(v) - high - math.Log(sum)
	}
}

// CrossEntropy is -log softmax of the label, in float64.
func CrossEntropy(z []float32, label int) float64 {
	high, sum := normaliser(z)
	return math.Log(sum) + high - float64(z[label])
}

// normaliser is the greatest logit and the sum of the exponentials below it.
func normaliser(z []float32) (high, sum float64) {
	high = math.Inf(-1)
	for _, v := range z {
		high = max(high, float64(v))
	}
	for _, v := range z {
		sum += math.Exp(float64(v) - high)
	}
	return high, sum
}

// Rank is the number of classes that score higher than the label; of equal ones
// the first counts as higher.
func Rank(z []float32, label int) int {
	higher := 0
	for c, v := range z {
		if v > z[label] || v == z[label] && c < label {
			higher++
		}
	}
	return higher
}

// Best are the k classes that score highest, best first, or all; of equal ones the
// first counts as higher.
func Best(z []float32, k int) []int {
	var best []int
	for c, v := range z {
		at := len(best)
		for at > 0 && z[best[at-1]] < v {
			at--
		}
		if at < k {
			best = slices.Insert(best, at, c)
			best = best[:min(len(best), k)]
		}
	}
	return best
}
