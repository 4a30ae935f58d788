package model

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// Metrics say how well predicted accuracies agree with measured ones: the four
// figures the paper reports.
type Metrics struct {
	Kendall  float64 // rank correlation, -1 to 1
	Spearman float64 // rank correlation, -1 to 1
	Pearson  float64 // linear correlation, -1 to 1
	MSE      float64 // mean squared error, in percentage points squared
}

// Map is the metrics by name, for [CheckpointInfo].
func (m Metrics) Map() map[string]float64 {
	return map[string]float64{"kendall": m.Kendall, "spearman": m.Spearman, "pearson": m.Pearson, "mse": m.MSE}
}

// NewMetrics compares predictions with measurements, which have equal length.
// Correlations are 0 where they are not defined: fewer than two values, or all
// values of a side equal.
func NewMetrics(predicted, measured []float64) (Metrics, error) {
	if len(predicted) != len(measured) || len(predicted) == 0 {
		return Metrics{}, fmt.Errorf("metrics of %d predictions and %d measurements: expected as many, and at least one", len(predicted), len(measured))
	}
	return Metrics{
		Kendall:  KendallTau(predicted, measured),
		Spearman: Spearman(predicted, measured),
		Pearson:  Pearson(predicted, measured),
		MSE:      MSE(predicted, measured),
	}, nil
}

func sign(v float64) float64 {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

// Spearman is the linear correlation of ranks; equal values share their mean rank.
func Spearman(x, y []float64) float64 { return Pearson(ranks(x), ranks(y)) }

// Pearson is the linear correlation.
func Pearson(x, y []float64) float64 {
	if len(x) < 2 {
		return 0
	}
	return defined(stat.Correlation(x, y, nil))
}

// MSE is the mean squared difference.
func MSE(x, y []float64) float64 {
	sum := 0.0
	for i := range x {
		sum += (x[i] - y[i]) * (x[i] - y[i])
	}
	return sum / float64(len(x))
}

func defined(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return int(sign(x[a] - x[b])) })
	out := make([]float64, len(x))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && x[order[j]] == x[order[i]] {
			j++
		}
		for _, k := range order[i:j] {
			out[k] = float64(i+j-1) / 2
		}
		i = j
	}
	return out
}
