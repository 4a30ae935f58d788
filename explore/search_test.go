package explore

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"sort"
	"testing"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
)

func defaultEngine(t *testing.T, change ...func(*Setup)) *Engine {
	t.Helper()
	setup, err := Load("", "", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(&setup)
	}
	e, err := New(t.Context(), setup)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// mlp is a small random predictor that is not bilinear.
func mlp(s *Setup) {
	r := rand.New(rand.NewPCG(1, 2))
	layer := func(in, out int) model.Layer {
		l := model.Layer{In: in, Out: out, W: make([]float64, in*out), Bias: make([]float64, out)}
		for i := range l.W {
			l.W[i] = r.NormFloat64()
		}
		return l
	}
	n := s.Space.EncodingSize()
	s.Predictor, s.PredictorName = &model.MLP{Layers: []model.Layer{layer(n, 8), layer(8, 1)}}, "mlp"
}

func TestSearchMethods(t *testing.T) {
	if testing.Short() {
		t.Skip("evolution takes long")
	}
	e := defaultEngine(t)
	lo, hi := e.MinLatencyMS(), e.MaxLatencyMS()
	for i := range 8 {
		limit := lo + (hi-lo)*float64(i)/6 // from the least to beyond what helps
		best, err := e.Search(t.Context(), Request{LimitMS: limit, Seed: 1})
		if err != nil || best.Optimizer != solver.IQCP || best.Status != solver.Optimal {
			t.Fatalf("limit %v: %+v, %v", limit, best, err)
		}
		for _, method := range e.Optimizers() {
			f, err := e.Search(t.Context(), Request{Method: method, LimitMS: limit, Seed: 1})
			if err != nil || f.Optimizer != method || f.LatencyMS > limit {
				t.Fatalf("%s within %v: %+v, %v", method, limit, f, err)
			}
			if f.Bound != best.Accuracy || f.Accuracy > best.Accuracy || f.ShadowPrice != best.ShadowPrice {
				t.Errorf("%s within %v: accuracy %v, bound %v, price %v; the optimum is %v at price %v",
					method, limit, f.Accuracy, f.Bound, f.ShadowPrice, best.Accuracy, best.ShadowPrice)
			}
			if want := f.Gap() <= ProvedGap; (f.Status == solver.Optimal) != want {
				t.Errorf("%s within %v: %v with gap %v", method, limit, f.Status, f.Gap())
			}
		}
	}
	for _, method := range e.Optimizers() {
		if f, err := e.Search(t.Context(), Request{Method: method, LimitMS: lo - 1, Seed: 1}); err != nil || f.Status != solver.Infeasible {
			t.Errorf("%s below the least latency: %+v, %v", method, f, err)
		}
	}
	if err := e.NoNetwork(1); !errors.Is(err, ErrNoNetwork) {
		t.Error(err)
	}
	if _, err := e.Search(t.Context(), Request{Method: "cplex", LimitMS: hi, Seed: 1}); !errors.Is(err, ErrOptimizer) {
		t.Error(err)
	}
}

func TestSearchNotBilinear(t *testing.T) {
	e := defaultEngine(t, mlp)
	limit := (e.MinLatencyMS() + e.MaxLatencyMS()) / 2
	if _, err := e.Search(t.Context(), Request{Method: solver.IQCP, LimitMS: limit, Seed: 1}); !errors.Is(err, ErrOptimizer) {
		t.Error(err)
	}
	f, err := e.Search(t.Context(), Request{LimitMS: limit, Seed: 1})
	if err != nil || f.Status != solver.Feasible || !math.IsInf(f.Bound, 1) || f.LatencyMS > limit {
		t.Fatalf("%+v, %v", f, err)
	}
	if got := e.Accuracy(f.Path); math.Abs(got-f.Accuracy) > 1e-9 {
		t.Errorf("accuracy %v, the predictor says %v", f.Accuracy, got)
	}
	if data, err := json.Marshal(NewReport(e, f)); err != nil || !json.Valid(data) {
		t.Errorf("%v: %s", err, data)
	}
}

// quadratic is a random predictor that couples every pair of decisions a bit.
func quadratic(s *Setup) {
	r := rand.New(rand.NewPCG(7, 8))
	n := s.Space.EncodingSize()
	q := &model.Quadratic{Inputs: n, Bias: 70, Linear: make([]float64, n), W: make([]float64, n*n)}
	for i := range q.Linear {
		q.Linear[i] = 0.05*float64(i%s.Space.NumOptions()) + 0.05*r.NormFloat64()
	}
	for i := range q.W {
		q.W[i] = r.NormFloat64() * 0.002
	}
	s.Predictor, s.PredictorName = q, "quadratic"
}

// A quadratic predictor is searched to the proof, which bounds other methods;
// out of time, the best so far comes with a bound.
func TestFindQuadratic(t *testing.T) {
	e := defaultEngine(t, quadratic)
	reports := 0
	best, err := e.Search(t.Context(), Request{LimitMS: 5, Progress: func(s *solver.Solution) {
		if reports++; s.Status == solver.Infeasible || s.LatencyMS > 5 || s.Bound < s.Accuracy {
			t.Errorf("progress %+v", s)
		}
	}})
	if err != nil || best.Status != solver.Optimal || best.Gap() != 0 || reports < 2 {
		t.Fatalf("%+v, %v after %d reports", best, err, reports)
	}
	if got := e.Accuracy(best.Path); math.Abs(got-best.Accuracy) > 1e-9 || best.LatencyMS > 5 {
		t.Errorf("accuracy %v, the predictor says %v", best.Accuracy, got)
	}
	f, err := e.Search(t.Context(), Request{Method: solver.BCFW, LimitMS: 5, Seed: 1})
	if err != nil || f.Optimizer != solver.BCFW || f.Bound != best.Bound || f.Gap() < 0 || f.LatencyMS > 5 {
		t.Errorf("bcfw: %+v, %v, the optimum is %v", f, err, best.Accuracy)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if f, err := e.Search(ctx, Request{LimitMS: 5}); err != nil || f.Status != solver.Feasible || f.LatencyMS > 5 {
		t.Errorf("cancelled: %+v, %v", f, err)
	}
	if _, err := e.complete(ctx, Request{LimitMS: 5, Seed: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled search: %v", err)
	}
}

func TestSearchCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e := defaultEngine(t)
	if _, err := e.Search(ctx, Request{Method: solver.Evolution, LimitMS: e.MaxLatencyMS(), Seed: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("evolution: %v", err)
	}
	if _, _, err := e.Pareto(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("frontier: %v", err)
	}
}

// The generic definition and the solver's, for bilinear predictors, agree.
func TestContribution(t *testing.T) {
	for _, inactive := range []model.InactiveBlocks{model.InactiveMean, model.InactiveFree} {
		e := defaultEngine(t, func(s *Setup) { s.Inactive = inactive })
		f, err := e.Search(t.Context(), Request{LimitMS: (e.MinLatencyMS() + e.MaxLatencyMS()) / 2, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		want := solver.NewContributions(e.Problem(), f.Path)
		for b := range e.Space.NumBlocks() {
			if got := e.Contribution(f.Path, b); e.Space.Active(f.Path, b) && math.Abs(got-want.Block[b]) > 1e-9 {
				t.Errorf("%v, block %d: %v, the solver says %v", inactive, b, got, want.Block[b])
			}
		}
	}
}

func TestParetoExact(t *testing.T) {
	e := defaultEngine(t)
	points, exact, err := e.Pareto(t.Context(), 1)
	if err != nil || !exact || len(points) < 50 {
		t.Fatalf("%d points, exact %v, %v", len(points), exact, err)
	}
	for i, p := range points {
		if math.Abs(e.LatencyMS(p.Path)-p.LatencyMS) > 1e-8 || math.Abs(e.Accuracy(p.Path)-p.Accuracy) > 1e-9 {
			t.Fatalf("point %d is %+v, its network has %v ms and %v %%", i, p.Point, e.LatencyMS(p.Path), e.Accuracy(p.Path))
		}
	}
	rises(t, points)
}

func TestParetoNotBilinear(t *testing.T) {
	for name, change := range map[string]func(*Setup){"mlp": mlp, "quadratic": quadratic} {
		if testing.Short() && name == "quadratic" {
			continue
		}
		points, exact, err := defaultEngine(t, change).Pareto(t.Context(), 1)
		if err != nil || exact || len(points) < 2 {
			t.Fatalf("%s: %d points, exact %v, %v", name, len(points), exact, err)
		}
		rises(t, points)
	}
}

func rises(t *testing.T, points []ParetoPoint) {
	t.Helper()
	for i := 1; i < len(points); i++ {
		if points[i].LatencyMS <= points[i-1].LatencyMS || points[i].Accuracy <= points[i-1].Accuracy {
			t.Fatalf("point %d does not rise: %+v after %+v", i, points[i].Point, points[i-1].Point)
		}
	}
}

// What insert keeps is what no other point beats, whatever the order.
func TestInsertKeepsTheFrontier(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		all := make([]ParetoPoint, 1+r.IntN(30))
		var kept []ParetoPoint
		for i := range all {
			all[i].LatencyMS, all[i].Accuracy = float64(r.IntN(12)), float64(r.IntN(12))
			kept = insert(kept, all[i])
		}
		var want []solver.Point
		for i, p := range all {
			beaten := false
			for j, q := range all {
				better := q.LatencyMS <= p.LatencyMS && q.Accuracy >= p.Accuracy
				beaten = beaten || better && (q.Point != p.Point || j < i)
			}
			if !beaten {
				want = append(want, p.Point)
			}
		}
		sort.Slice(want, func(i, j int) bool { return want[i].LatencyMS < want[j].LatencyMS })
		if len(kept) != len(want) {
			t.Fatalf("kept %v of %v, want %v", kept, all, want)
		}
		for i := range want {
			if kept[i].Point != want[i] {
				t.Fatalf("kept %v, want %v", kept, want)
			}
		}
	}
}
