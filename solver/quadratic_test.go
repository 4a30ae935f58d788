package solver

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/timetest"
	"github.com/binas-tui/binas-tui/model"
)

// randomQuadratic has pair values of the given size.
func randomQuadratic(r *rand.Rand, p *Problem, pairs float64) *model.Quadratic {
	n := p.NumBlocks()*p.Options + p.Stages*p.NumDepths()
	q := &model.Quadratic{Inputs: n, Bias: 70, Linear: make([]float64, n), W: make([]float64, n*n)}
	for i := range q.Linear {
		q.Linear[i] = r.NormFloat64() * 0.5
	}
	for i := range q.W {
		q.W[i] = r.NormFloat64() * pairs
	}
	return q
}

// predict is the accuracy of a path by the definition of the predictor.
func predict(p *Problem, q *model.Quadratic, path model.Path) float64 {
	x := make([]float64, q.Inputs)
	for b, o := range path.Option {
		active := b%p.MaxDepth < path.Depth[b/p.MaxDepth]
		if o != model.Off && (active || p.Inactive == model.InactiveFree) {
			x[b*p.Options+o] = 1
			continue
		}
		for i := range p.Options {
			x[b*p.Options+i] = 1 / float64(p.Options)
		}
	}
	for s, d := range path.Depth {
		x[p.NumBlocks()*p.Options+s*p.NumDepths()+d-p.MinDepth] = 1
	}
	return q.Accuracy(x)
}

func quadratic(t testing.TB, p *Problem, m *model.Quadratic) *Quadratic {
	t.Helper()
	q, err := PrepareQuadratic(p, m)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func prove(ctx context.Context, q *Quadratic, limitMS float64, settings QuadraticSettings) (s Solution) {
	if err := q.Solver(settings).Solve(ctx, &s, limitMS); err != nil {
		panic(err)
	}
	return s
}

func TestQuadraticAgainstEnumeration(t *testing.T) {
	r := rand.New(rand.NewPCG(81, 82))
	for i := range 200 {
		s := shape{stages: 1 + r.IntN(2), minDepth: 1 + r.IntN(2), options: 1 + r.IntN(4), q: "nil", inactive: inactiveModes[i%2], pins: i%3 == 0}
		s.maxDepth = s.minDepth + r.IntN(3-s.minDepth+1)
		if s.stages*s.maxDepth > 4 {
			s.options = min(s.options, 3)
		}
		p := random(r, s)
		m := randomQuadratic(r, p, []float64{0.02, 0.2, 1}[r.IntN(3)])
		q := quadratic(t, p, m)
		lo, hi := math.Inf(1), 0.0
		everyPath(p, func(path model.Path) {
			l := p.LatencyMS(path)
			lo, hi = min(lo, l), max(hi, l)
			if a, b := q.Accuracy(path), predict(p, m, path); math.Abs(a-b) > 1e-9 {
				t.Fatalf("%+v: accuracy %v, the predictor says %v", path, a, b)
			}
		})
		for _, limit := range []float64{math.Nextafter(lo, 0), lo, lo + (hi-lo)*r.Float64(), hi} {
			best := math.Inf(-1)
			everyPath(p, func(path model.Path) {
				if p.LatencyMS(path) <= limit {
					best = max(best, predict(p, m, path))
				}
			})
			kicks := -1 // branch and bound has to find it itself
			if i%4 == 0 {
				kicks = 0
			}
			got := prove(t.Context(), q, limit, QuadraticSettings{Kicks: kicks})
			if math.IsInf(best, -1) {
				if got.Status != Infeasible {
					t.Fatalf("instance %d, limit %v: %v", i, limit, got.Status)
				}
				continue
			}
			if got.Status != Optimal || math.Abs(got.Accuracy-best) > 1e-8 || got.LatencyMS > limit || p.LatencyMS(got.Path) != got.LatencyMS {
				t.Fatalf("instance %d, limit %v: %+v, want %v", i, limit, got, best)
			}
			if a := predict(p, m, got.Path); math.Abs(a-got.Accuracy) > 1e-9 {
				t.Fatalf("instance %d: accuracy %v, the predictor says %v", i, got.Accuracy, a)
			}
		}
	}
}

// ridgeLike is a quadratic predictor that looks like one fitted with
// regularisation: the bilinear reference, and pairs of the given spread.
func ridgeLike(r *rand.Rand, p *Problem, pairs float64) *model.Quadratic {
	q := randomQuadratic(r, p, pairs/2)
	q.Bias = p.Bias
	alphas := len(p.Alpha)
	copy(q.Linear, p.Alpha)
	copy(q.Linear[alphas:], p.Beta)
	for a := range alphas {
		for j := range p.Beta {
			q.W[a*q.Inputs+alphas+j] += p.Q[a*len(p.Beta)+j]
		}
	}
	return q
}

// A predictor of full size, fitted without regularisation, is searched to the
// proof; until then accuracy never falls, the bound never rises, and they
// enclose the optimum.
func TestQuadraticProof(t *testing.T) {
	p := reference(t, model.InactiveMean)
	m := checkpoint(t, "quadratic").(*model.Quadratic)
	q := quadratic(t, p, m)
	last := 0.0
	for _, limit := range []float64{18, 30, 45} {
		var accuracy, bounds []float64
		got := prove(t.Context(), q, limit, QuadraticSettings{Progress: func(s *Solution) {
			if s.Status == Infeasible || s.LatencyMS > limit {
				t.Fatalf("limit %v: progress %+v", limit, s)
			}
			accuracy, bounds = append(accuracy, s.Accuracy), append(bounds, s.Bound)
		}})
		if got.Status != Optimal || got.Gap() != 0 || got.Accuracy < last {
			t.Fatalf("limit %v: %+v after %v", limit, got, last)
		}
		last = got.Accuracy
		if a := predict(p, m, got.Path); math.Abs(a-got.Accuracy) > 1e-9 || p.LatencyMS(got.Path) != got.LatencyMS || got.LatencyMS > limit {
			t.Errorf("limit %v: %+v, the predictor says %v", limit, got, a)
		}
		for i := range accuracy {
			if bounds[i] < got.Accuracy || accuracy[i] > got.Accuracy || i > 0 && (accuracy[i] < accuracy[i-1] || bounds[i] > bounds[i-1]) {
				t.Fatalf("limit %v: report %d of %d: accuracy %v, bound %v, the optimum is %v", limit, i, len(bounds), accuracy[i], bounds[i], got.Accuracy)
			}
		}
		again := prove(t.Context(), q, limit, QuadraticSettings{})
		if !slices.Equal(again.Path.Option, got.Path.Option) || again.Accuracy != got.Accuracy {
			t.Errorf("limit %v: another answer the second time", limit)
		}
	}
}

// Cancelled at any moment, the best so far comes back soon, with a bound.
func TestQuadraticCancelled(t *testing.T) {
	r := rand.New(rand.NewPCG(85, 86))
	p := reference(t, model.InactiveMean)
	q := quadratic(t, p, ridgeLike(r, p, 0.2)) // far from a proof
	for _, wait := range []time.Duration{0, 100 * time.Millisecond, 500 * time.Millisecond} {
		timetest.Within(t, time.Second, func(asked func()) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			stop := func() { asked(); cancel() }
			if wait == 0 {
				stop()
			} else {
				time.AfterFunc(wait, stop)
			}
			got := prove(ctx, q, 30, QuadraticSettings{})
			if got.Status != Feasible || got.LatencyMS > 30 || !(got.Bound > got.Accuracy) {
				t.Errorf("after %v: %+v", wait, got)
			}
		})
	}
}

func TestQuadraticRefuses(t *testing.T) {
	p := reference(t, model.InactiveMean)
	m := randomQuadratic(rand.New(rand.NewPCG(1, 1)), p, 1)
	m.W[7] = math.NaN()
	if _, err := PrepareQuadratic(p, m); err == nil {
		t.Error("a weight that is not a number: no error")
	}
	m.Inputs = 10
	if _, err := PrepareQuadratic(p, m); err == nil {
		t.Error("10 inputs: no error")
	}
	m = randomQuadratic(rand.New(rand.NewPCG(1, 1)), p, 1)
	q := quadratic(t, p, m)
	for _, limit := range []float64{math.NaN(), -1, 0, 1} {
		if got := prove(t.Context(), q, limit, QuadraticSettings{}); got.Status != Infeasible {
			t.Errorf("limit %v: %v", limit, got.Status)
		}
	}
}

// How far the incumbent is from the optimum after 50 ms, when it is within 0.03
// points of it, and when that is proved.
func BenchmarkQuadraticIncumbent(b *testing.B) {
	for _, inactive := range inactiveModes {
		b.Run(inactive.String(), func(b *testing.B) {
			p := reference(b, inactive)
			q := quadratic(b, p, checkpoint(b, "quadratic").(*model.Quadratic))
			limits := []float64{18, 22, 26, 30, 34, 38, 42, 46}
			var short, near, proved []float64
			i := 0
			for b.Loop() {
				type report struct {
					ms, accuracy float64
				}
				var reports []report
				start := time.Now()
				ms := func() float64 { return float64(time.Since(start).Microseconds()) / 1000 }
				got := prove(b.Context(), q, limits[i%len(limits)], QuadraticSettings{Progress: func(s *Solution) {
					reports = append(reports, report{ms(), s.Accuracy})
				}})
				i++
				if got.Status != Optimal {
					b.Fatal(got.Status)
				}
				proved = append(proved, ms())
				at, early := math.Inf(1), got.Accuracy
				for _, r := range reports {
					if r.ms <= 50 {
						early = got.Accuracy - r.accuracy
					}
					if r.accuracy >= got.Accuracy-0.03 {
						at = min(at, r.ms)
					}
				}
				short, near = append(short, early), append(near, at)
			}
			for _, v := range [][]float64{short, near, proved} {
				slices.Sort(v)
			}
			b.ReportMetric(short[len(short)-1], "worst-points-at-50ms")
			b.ReportMetric(near[len(near)/2], "median-ms-to-0.03")
			b.ReportMetric(proved[len(proved)/2], "median-ms-to-proof")
			b.ReportMetric(proved[len(proved)-1], "worst-ms-to-proof")
		})
	}
}
