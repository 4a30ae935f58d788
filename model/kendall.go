package model

import (
	"math"
	"slices"
)

// KendallTau is Kendall's tau-b: it corrects for ties. O(n log n), by counting
// the exchanges that a merge sort makes (Knight 1966).
func KendallTau(x, y []float64) float64 {
	n := len(x)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		if s := sign(x[a] - x[b]); s != 0 {
			return int(s)
		}
		return int(sign(y[a] - y[b]))
	})
	sorted := make([]float64, n)
	tiesX, tiesBoth := 0.0, 0.0
	runX, runBoth := 0, 0 // pairs that a value makes with its equals before it
	for i, k := range order {
		sorted[i] = y[k]
		runX, runBoth = runX+1, runBoth+1
		if i == 0 || x[k] != x[order[i-1]] {
			runX, runBoth = 0, 0
		} else if y[k] != y[order[i-1]] {
			runBoth = 0
		}
		tiesX += float64(runX)
		tiesBoth += float64(runBoth)
	}
	exchanges := mergeSort(sorted, make([]float64, n))
	tiesY, run := 0.0, 0
	for i := 1; i < n; i++ {
		if run++; sorted[i] != sorted[i-1] {
			run = 0
		}
		tiesY += float64(run)
	}
	pairs := float64(n) * float64(n-1) / 2
	agree := pairs - tiesX - tiesY + tiesBoth - 2*exchanges
	return defined(agree / math.Sqrt((pairs-tiesX)*(pairs-tiesY)))
}

// mergeSort sorts v, with room of its length, and returns how many pairs were
// in the wrong order.
func mergeSort(v, room []float64) float64 {
	if len(v) < 2 {
		return 0
	}
	half := len(v) / 2
	exchanges := mergeSort(v[:half], room[:half]) + mergeSort(v[half:], room[half:])
	copy(room, v)
	left, right := room[:half], room[half:]
	for i := range v {
		if len(right) == 0 || (len(left) > 0 && left[0] <= right[0]) {
			v[i], left = left[0], left[1:]
			continue
		}
		v[i], right = right[0], right[1:]
		exchanges += float64(len(left))
	}
	return exchanges
}
