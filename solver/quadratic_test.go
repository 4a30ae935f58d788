package solver

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

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
			got := q.Solve(t.Context(), limit, QuadraticSettings{Kicks: kicks})
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

func TestQuadraticTry(t *testing.T) {
	for _, spread := range []float64{0.01, 0.02, 0.04} {
		r := rand.New(rand.NewPCG(83, 84))
		p := reference(t, model.InactiveMean)
		q := quadratic(t, p, ridgeLike(r, p, spread))
		e := prepare(t, p)
		for _, limit := range limitsAcross(e, 4) {
			start := time.Now()
			var trace []string
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			first := 0.0
			got := q.Solve(ctx, limit, QuadraticSettings{Progress: func(s *Solution) {
				if time.Since(start) < 50*time.Millisecond {
					first = s.Accuracy
				}
				trace = append(trace, time.Since(start).String())
			}})
			cancel()
			t.Logf("spread %v limit %.2f: %v in %v, acc %.4f (50 ms: %.4f), gap %.4f, %d reports", spread, limit, got.Status, time.Since(start), got.Accuracy, first, got.Gap(), len(trace))
		}
	}
	_ = slices.Sort[[]int]
}
