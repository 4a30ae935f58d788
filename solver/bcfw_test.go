package solver

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/binas-tui/binas-tui/model"
)

func bcfw(t testing.TB, p *Problem, s BCFWSettings) *BCFWSolver {
	t.Helper()
	f, err := NewBCFW(p, s)
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
			f.Solve(&s, limit)
			checkSolution(t, p, &s)
			e.Solve(&best, limit)
			if s.Status != Feasible || s.Accuracy > best.Accuracy {
				t.Fatalf("%d: limit %v: %v, accuracy %v, optimum %v", i, limit, s.Status, s.Accuracy, best.Accuracy)
			}
		}
		for _, limit := range []float64{math.Nextafter(low, -1), -1, math.NaN()} {
			if f.Solve(&s, limit); s.Status != Infeasible {
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
			f.Solve(&s, limit)
			checkSolution(t, p, &s)
			e.Solve(&best, limit)
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
	b.Solve(&y, 30)
	for limit := 14.5; limit < 50; limit += 5 {
		a.Solve(&x, limit)
		b.Solve(&y, limit)
		if x.Accuracy != y.Accuracy || !slices.Equal(x.Path.Option, y.Path.Option) || !slices.Equal(x.Path.Depth, y.Path.Depth) {
			t.Errorf("limit %v: %+v and %+v", limit, x, y)
		}
	}
	if n := testing.AllocsPerRun(50, func() { a.Solve(&x, 30) }); n != 0 {
		t.Errorf("%v allocations a solve", n)
	}
}

// The quick test of a vector of depths is a bound: it is never below the LP.
func TestAtPriceIsABound(t *testing.T) {
	for _, inactive := range inactiveModes {
		p := reference(t, inactive)
		e, f := prepare(t, p), bcfw(t, p, BCFWSettings{})
		var s Solution
		for _, limitMS := range limitsAcross(e, 10) {
			f.Solve(&s, limitMS)
			limit := stepsLimit(limitSteps(limitMS)) - f.t.fixed
			closest := math.Inf(1)
			for i := range e.knapsacks {
				bound, _, _ := e.knapsacks[i].bound(limit)
				if bound == none {
					continue
				}
				value := f.t.bias
				copy(f.row, f.t.linear)
				for st := range f.depth {
					f.depth[st] = int(e.depths[i*p.Stages+st])
					j := st*p.NumDepths() + f.depth[st] - p.MinDepth
					value += f.t.beta[j]
					f.t.addColumn(f.row, j)
				}
				above := f.atPrice(value, limit) - float64(bound)
				if above < -10 {
					t.Fatalf("limit %v, knapsack %d: %v units below the LP", limitMS, i, -above)
				}
				closest = min(closest, above)
			}
			// At its own price the best network's depths have the LP as bound.
			if closest > 1e-3*unitsPerPoint*float64(p.Options) {
				t.Errorf("limit %v: every bound is at least %v units above its LP", limitMS, closest)
			}
		}
	}
}
