package solver

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/binas-tui/binas-tui/model"
)

func frontier(t testing.TB, e *Exact) Frontier {
	t.Helper()
	f, err := e.Frontier(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFrontierAgainstEnumeration(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for _, q := range []string{"dense", "local", "nil"} {
		for i := range 40 {
			p := random(r, shape{stages: 2, minDepth: 1, maxDepth: 2, options: 1 + r.IntN(5), q: q,
				inactive: inactiveModes[i%2], round: i%4 < 2, pins: i%5 == 0})
			want := pareto(p)
			f := frontier(t, prepare(t, p))
			if len(f.Points) != len(want) {
				t.Fatalf("%s %d: %d points, want %d", q, i, len(f.Points), len(want))
			}
			for k, pt := range f.Points {
				if pt.LatencyMS != want[k].latency || math.Abs(pt.Accuracy-want[k].accuracy) > 1e-9 {
					t.Fatalf("%s %d: point %d is %+v, want %+v", q, i, k, pt, want[k])
				}
			}
		}
	}
}

func TestFrontierIsSolveEverywhere(t *testing.T) {
	for _, p := range []*Problem{reference(t, model.InactiveMean), reference(t, model.InactiveFree), estimator(t, model.InactiveMean)} {
		e := prepare(t, p)
		f := frontier(t, e)
		if n := len(f.Points); n < 100 || f.Points[0].LatencyMS != e.MinLatencyMS() || f.Points[n-1].LatencyMS != e.MaxLatencyMS() {
			t.Fatalf("%d points from %v to %v ms, want %v to %v", n, f.Points[0].LatencyMS, f.Points[n-1].LatencyMS, e.MinLatencyMS(), e.MaxLatencyMS())
		}
		var s Solution
		var path model.Path
		for i, pt := range f.Points {
			if i > 0 && !(pt.LatencyMS > f.Points[i-1].LatencyMS && pt.Accuracy > f.Points[i-1].Accuracy) {
				t.Fatalf("point %d, %+v, does not rise from %+v", i, pt, f.Points[i-1])
			}
			f.Path(&path, i)
			if e.Solve(t.Context(), &s, pt.LatencyMS); s.LatencyMS != pt.LatencyMS || s.Accuracy != pt.Accuracy {
				t.Fatalf("point %d is %+v, Solve gives %v ms %v", i, pt, s.LatencyMS, s.Accuracy)
			}
			checkSolution(t, p, &Solution{Path: path, Status: Optimal, LimitMS: pt.LatencyMS, LatencyMS: pt.LatencyMS, Accuracy: pt.Accuracy, Bound: pt.Accuracy})
			if f.At(pt.LatencyMS) != i || f.At(math.Nextafter(pt.LatencyMS, 0)) != i-1 {
				t.Fatalf("At(%v) is %d and %d just below, want %d", pt.LatencyMS, f.At(pt.LatencyMS), f.At(math.Nextafter(pt.LatencyMS, 0)), i)
			}
			if i > 0 {
				e.Solve(t.Context(), &s, math.Nextafter(pt.LatencyMS, 0))
				if s.LatencyMS != f.Points[i-1].LatencyMS || s.Accuracy != f.Points[i-1].Accuracy {
					t.Fatalf("just below point %d: %v ms %v, want %+v", i, s.LatencyMS, s.Accuracy, f.Points[i-1])
				}
			}
		}
		if f.At(math.NaN()) != -1 || f.At(math.Inf(1)) != len(f.Points)-1 {
			t.Errorf("At(NaN) = %d, At(+Inf) = %d", f.At(math.NaN()), f.At(math.Inf(1)))
		}
	}
}

func TestFrontierCancelled(t *testing.T) {
	e := prepare(t, reference(t, model.InactiveMean))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if f, err := e.Frontier(ctx); !errors.Is(err, context.Canceled) || len(f.Points) != 0 {
		t.Errorf("%d points, %v", len(f.Points), err)
	}
}

func TestCloneWorksBesideItsOriginal(t *testing.T) {
	e := prepare(t, reference(t, model.InactiveMean))
	done := make(chan Frontier)
	other := e.Clone()
	go func() {
		f, _ := other.Frontier(context.Background())
		done <- f
	}()
	var s Solution
	for _, limit := range limitsAcross(e, 200) {
		e.Solve(t.Context(), &s, limit)
	}
	if a, b := <-done, frontier(t, e); !slices.Equal(a.Points, b.Points) {
		t.Error("the frontier of a clone differs")
	}
}
