package solver

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/model"
)

// limitsAcross are the limits that the benchmarks solve at.
func limitsAcross(e *Exact, n int) []float64 {
	limits := make([]float64, n)
	for i := range limits {
		limits[i] = e.MinLatencyMS() + (e.MaxLatencyMS()-e.MinLatencyMS())*(float64(i)+0.5)/float64(n)
	}
	return limits
}

// reportTimes adds the median over limits and the 99th percentile of the best
// of five at every limit, in nanoseconds.
func reportTimes(b *testing.B, limits []float64, solve func(limitMS float64)) {
	b.Helper()
	b.StopTimer()
	all, best := make([]float64, 0, 5*len(limits)), make([]float64, len(limits))
	for round := range 5 {
		for i, limit := range limits {
			start := time.Now()
			solve(limit)
			ns := float64(time.Since(start).Nanoseconds())
			all = append(all, ns)
			if round == 0 || ns < best[i] {
				best[i] = ns
			}
		}
	}
	slices.Sort(all)
	slices.Sort(best)
	b.ReportMetric(all[len(all)/2], "median-ns")
	b.ReportMetric(best[len(best)*99/100], "p99-ns")
}

func BenchmarkExactSolve(b *testing.B) {
	for _, c := range []struct {
		name string
		p    *Problem
	}{
		{"dense/mean", reference(b, model.InactiveMean)},
		{"dense/free", reference(b, model.InactiveFree)},
		{"estimator/mean", estimator(b, model.InactiveMean)},
		{"estimator/free", estimator(b, model.InactiveFree)},
		{"52blocks", random(rand.New(rand.NewPCG(61, 62)), shape{stages: 13, minDepth: 2, maxDepth: 4, options: 30, q: "local"})},
		{"400blocks", random(rand.New(rand.NewPCG(63, 64)), shape{stages: 100, minDepth: 2, maxDepth: 4, options: 30, q: "local"})},
		{"random", fitted(rand.New(rand.NewPCG(65, 66)), model.InactiveMean)},
	} {
		b.Run(c.name, func(b *testing.B) {
			e := prepare(b, c.p)
			limits := limitsAcross(e, 1000)
			var s Solution
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				e.Solve(b.Context(), &s, limits[i%len(limits)])
				i++
			}
			reportTimes(b, limits, func(limit float64) { e.Solve(b.Context(), &s, limit) })
		})
	}
}

func BenchmarkPrepare(b *testing.B) {
	for _, c := range []struct {
		name string
		p    *Problem
	}{
		{"dense", reference(b, model.InactiveMean)},
		{"estimator", estimator(b, model.InactiveMean)},
	} {
		b.Run(c.name, func(b *testing.B) {
			var s Solution
			run := func(limit float64) {
				e, err := Prepare(b.Context(), c.p)
				if err != nil {
					b.Fatal(err)
				}
				e.Solve(b.Context(), &s, limit)
			}
			b.ReportAllocs()
			for b.Loop() {
				run(20)
			}
			reportTimes(b, limitsAcross(prepare(b, c.p), 20), run)
		})
	}
}

func BenchmarkFrontier(b *testing.B) {
	for _, c := range []struct {
		name string
		p    *Problem
	}{
		{"dense", reference(b, model.InactiveMean)},
		{"estimator", estimator(b, model.InactiveMean)},
	} {
		b.Run(c.name, func(b *testing.B) {
			e := prepare(b, c.p)
			points := 0
			run := func(float64) { points = len(frontier(b, e).Points) }
			b.ReportAllocs()
			for b.Loop() {
				run(0)
			}
			reportTimes(b, make([]float64, 20), run)
			b.ReportMetric(float64(points), "points")
		})
	}
}

func BenchmarkBCFW(b *testing.B) {
	for _, c := range []struct {
		name string
		p    *Problem
	}{
		{"dense", reference(b, model.InactiveMean)},
		{"estimator", estimator(b, model.InactiveMean)},
	} {
		b.Run(c.name, func(b *testing.B) {
			e := prepare(b, c.p)
			f := bcfw(b, c.p, BCFWSettings{})
			limits := limitsAcross(e, 200)
			var s Solution
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				f.Solve(b.Context(), &s, limits[i%len(limits)])
				i++
			}
			worst := 0.0
			reportTimes(b, limits, func(limit float64) { f.Solve(b.Context(), &s, limit) })
			var best Solution
			for _, limit := range limits {
				f.Solve(b.Context(), &s, limit)
				e.Solve(b.Context(), &best, limit)
				worst = max(worst, best.Accuracy-s.Accuracy)
			}
			b.ReportMetric(worst, "worst-points")
		})
	}
}

// Evolution with the paper's settings, and how far it ends from the optimum.
func BenchmarkEvolution(b *testing.B) {
	for _, c := range []struct {
		name string
		p    *Problem
	}{
		{"dense", reference(b, model.InactiveMean)},
		{"free", reference(b, model.InactiveFree)},
		{"estimator", estimator(b, model.InactiveMean)},
	} {
		b.Run(c.name, func(b *testing.B) {
			e := prepare(b, c.p)
			limits := limitsAcross(e, 5)
			run := func(limit float64) Solution {
				s, err := evolve(b.Context(), c.p, objectiveOf(b, c.p), limit, EvolutionSettings{Seed: 1})
				if err != nil {
					b.Fatal(err)
				}
				return s
			}
			i, worst := 0, 0.0
			for b.Loop() {
				run(limits[i%len(limits)])
				i++
			}
			var best Solution
			for _, limit := range limits {
				s := run(limit)
				e.Solve(b.Context(), &best, limit)
				worst = max(worst, best.Accuracy-s.Accuracy)
			}
			b.ReportMetric(worst, "worst-points")
		})
	}
}
