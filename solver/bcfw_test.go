package solver

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/binas-tui/binas-tui/model"
)

func bcfw(t testing.TB, p *Problem, s BCFWSettings) *BCFWSolver {
	t.Helper()
	f, err := NewBCFW(p, objectiveOf(t, p), s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// solveOnce is one search of a method that was just made.
func solveOnce(ctx context.Context, m Method, err error, limitMS float64) (s Solution, _ error) {
	if err != nil {
		return s, err
	}
	err = m.Solve(ctx, &s, limitMS)
	return s, err
}

func evolve(ctx context.Context, p *Problem, f Objective, limitMS float64, settings EvolutionSettings) (Solution, error) {
	m, err := NewEvolution(p, f, settings)
	return solveOnce(ctx, m, err, limitMS)
}

func climb(ctx context.Context, p *Problem, f Objective, limitMS float64, settings BCFWSettings) (Solution, error) {
	m, err := NewBCFW(p, f, settings)
	return solveOnce(ctx, m, err, limitMS)
}

func objectiveOf(t testing.TB, p *Problem) Objective {
	t.Helper()
	f, err := p.Objective()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Wherever a network fits, BCFW finds one that fits; where none does, it says so.
func TestBCFWIsFeasibleWhenever(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	for i := range 120 {
		p := random(r, shape{stages: 1 + r.IntN(4), minDepth: 1 + r.IntN(2), maxDepth: 3, options: 1 + r.IntN(6),
			q: []string{"dense", "local", "nil"}[i%3], inactive: inactiveModes[i/3%2], round: i%4 == 0, pins: i%5 < 2})
		e, f := prepare(t, p), bcfw(t, p, BCFWSettings{})
		low, high := e.MinLatencyMS(), e.MaxLatencyMS()
		var s, best Solution
		for _, limit := range []float64{low, low + 1e-6, low + 0.01*(high-low), (low + high) / 2, high, 2*high + 1, math.Inf(1)} {
			f.Solve(t.Context(), &s, limit)
			checkSolution(t, p, &s)
			e.Solve(t.Context(), &best, limit)
			if s.Status != Feasible || s.Accuracy > best.Accuracy {
				t.Fatalf("%d: limit %v: %v, accuracy %v, optimum %v", i, limit, s.Status, s.Accuracy, best.Accuracy)
			}
		}
		for _, limit := range []float64{math.Nextafter(low, -1), -1, math.NaN()} {
			if f.Solve(t.Context(), &s, limit); s.Status != Infeasible {
				t.Fatalf("%d: limit %v: %v", i, limit, s.Status)
			}
		}
	}
}

// On fitted problems it is within 0.1 points of the optimum at every limit.
func TestBCFWIsNearTheOptimum(t *testing.T) {
	r := rand.New(rand.NewPCG(33, 34))
	var gaps []float64
	for i, p := range []*Problem{reference(t, model.InactiveMean), reference(t, model.InactiveFree), estimator(t, model.InactiveMean),
		estimator(t, model.InactiveFree), fitted(r, model.InactiveMean), fitted(r, model.InactiveFree)} {
		e, f := prepare(t, p), bcfw(t, p, BCFWSettings{})
		var s, best Solution
		for _, limit := range limitsAcross(e, 100) {
			f.Solve(t.Context(), &s, limit)
			checkSolution(t, p, &s)
			e.Solve(t.Context(), &best, limit)
			gap := best.Accuracy - s.Accuracy
			if gaps = append(gaps, gap); gap > 0.1 {
				t.Errorf("problem %d, limit %v: %v, optimum %v", i, limit, s.Accuracy, best.Accuracy)
			}
		}
	}
	slices.Sort(gaps)
	t.Logf("points below the optimum: median %.4f, 99%% %.4f, worst %.4f", gaps[len(gaps)/2], gaps[len(gaps)*99/100], gaps[len(gaps)-1])
	if gaps[len(gaps)/2] > 0.02 {
		t.Errorf("median gap %v", gaps[len(gaps)/2])
	}
}

func TestBCFWIsDeterministic(t *testing.T) {
	p := reference(t, model.InactiveMean)
	a, b := bcfw(t, p, BCFWSettings{Seed: 7}), bcfw(t, p, BCFWSettings{Seed: 7})
	var x, y Solution
	b.Solve(t.Context(), &y, 30)
	for limit := 14.5; limit < 50; limit += 5 {
		a.Solve(t.Context(), &x, limit)
		b.Solve(t.Context(), &y, limit)
		if x.Accuracy != y.Accuracy || !slices.Equal(x.Path.Option, y.Path.Option) || !slices.Equal(x.Path.Depth, y.Path.Depth) {
			t.Errorf("limit %v: %+v and %+v", limit, x, y)
		}
	}
	if n := testing.AllocsPerRun(50, func() { a.Solve(t.Context(), &x, 30) }); n != 0 {
		t.Errorf("%v allocations a solve", n)
	}
}

// The quick test of a vector of depths is a bound: it is never below the LP.
func TestLagrangianIsABound(t *testing.T) {
	for _, inactive := range inactiveModes {
		p := reference(t, inactive)
		e, f := prepare(t, p), bcfw(t, p, BCFWSettings{})
		var s Solution
		for _, limitMS := range limitsAcross(e, 10) {
			f.Solve(t.Context(), &s, limitMS)
			closest := math.Inf(1)
			for i := range e.knapsacks {
				bound, _, _ := e.knapsacks[i].bound(f.limit)
				if bound == none {
					continue
				}
				for st := range f.depth {
					f.depth[st] = int(e.depths[i*p.Stages+st])
				}
				f.at.setDepths(p, f.depth)
				f.evaluate(&f.at)
				above := f.lagrangian(f.depth) - e.t.points(bound)
				if above < -1e-9 {
					t.Fatalf("limit %v, knapsack %d: %v points below the LP", limitMS, i, -above)
				}
				closest = min(closest, above)
			}
			// At its own price the best network's depths have the LP as bound.
			if closest > 1e-3 {
				t.Errorf("limit %v: every bound is at least %v points above its LP", limitMS, closest)
			}
		}
	}
}
