package solver

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/binas-tui/binas-tui/model"
)

var inactiveModes = []model.InactiveBlocks{model.InactiveMean, model.InactiveFree}

// The optima were found by an independent dynamic programme over all 243
// vectors of depths.
func TestExactGolden(t *testing.T) {
	var golden struct {
		Optimum []struct {
			T       float64
			Latency float64
			Pred    float64
			Alpha   []int
			Beta    []int
		}
	}
	text, err := os.ReadFile("testdata/golden_exact.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Optimum) != 9 {
		t.Fatalf("%d optima", len(golden.Optimum))
	}
	p := reference(t, model.InactiveFree)
	e := prepare(t, p)
	var s Solution
	for _, g := range golden.Optimum {
		e.Solve(t.Context(), &s, g.T*1000)
		checkSolution(t, p, &s)
		if s.Status != Optimal || math.Abs(s.Accuracy-g.Pred) > 1e-5 {
			t.Errorf("limit %v ms: %v, accuracy %v, want %v", g.T*1000, s.Status, s.Accuracy, g.Pred)
		}
		if math.Abs(s.LatencyMS-g.Latency*1000) > 1e-5 {
			t.Errorf("limit %v ms: latency %v, want %v", g.T*1000, s.LatencyMS, g.Latency*1000)
		}
		for i, b := range g.Beta {
			if s.Path.Depth[i] != b+2 {
				t.Errorf("limit %v ms: depths %v, want %v + 2", g.T*1000, s.Path.Depth, g.Beta)
				break
			}
		}
		if !slices.Equal(s.Path.Option, g.Alpha) {
			t.Errorf("limit %v ms: options %v, want %v", g.T*1000, s.Path.Option, g.Alpha)
		}
	}
}

type network struct{ latency, accuracy float64 }

// pareto lists the networks no other beats, by enumeration.
func pareto(p *Problem) []network {
	var all []network
	everyPath(p, func(path model.Path) {
		all = append(all, network{p.LatencyMS(path), p.Accuracy(path)})
	})
	slices.SortFunc(all, func(a, b network) int {
		if a.latency != b.latency {
			return map[bool]int{true: -1, false: 1}[a.latency < b.latency]
		}
		return map[bool]int{true: -1, false: 1}[a.accuracy > b.accuracy]
	})
	var front []network
	for _, n := range all {
		if len(front) == 0 || n.accuracy > front[len(front)-1].accuracy+1e-9 {
			front = append(front, n)
		}
	}
	return front
}

func TestExactAgainstEnumeration(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, q := range []string{"dense", "local", "nil"} {
		for _, inactive := range inactiveModes {
			for i := range 60 {
				s := shape{stages: 1 + r.IntN(2), minDepth: 1 + r.IntN(2), options: 1 + r.IntN(4), q: q, inactive: inactive,
					round: i%2 == 0, pins: i%3 == 0}
				s.maxDepth = s.minDepth + r.IntN(3-s.minDepth+1)
				if s.stages*s.maxDepth > 4 {
					s.options = min(s.options, 3)
				}
				p := random(r, s)
				front := pareto(p)
				e := prepare(t, p)
				if e.MinLatencyMS() != front[0].latency || e.MaxLatencyMS() != front[len(front)-1].latency {
					t.Fatalf("%+v: latencies from %v to %v, want %v to %v", s, e.MinLatencyMS(), e.MaxLatencyMS(),
						front[0].latency, front[len(front)-1].latency)
				}
				checkAgainst(t, e, front, s)
			}
		}
	}
}

// checkAgainst solves at, just below and between the latencies of a frontier,
// and compares it with Frontier.
func checkAgainst(t *testing.T, e *Exact, front []network, s shape) {
	t.Helper()
	var sol Solution
	for i, n := range front {
		for _, limit := range []float64{n.latency, math.Nextafter(n.latency, 0), n.latency + 0.013} {
			want := i
			for want+1 < len(front) && front[want+1].latency <= limit {
				want++
			}
			for want >= 0 && front[want].latency > limit {
				want--
			}
			e.Solve(t.Context(), &sol, limit)
			checkSolution(t, e.Problem(), &sol)
			if want < 0 {
				if sol.Status != Infeasible {
					t.Fatalf("%+v: limit %v: %v, want infeasible", s, limit, sol.Status)
				}
				continue
			}
			if sol.Status != Optimal || math.Abs(sol.Accuracy-front[want].accuracy) > 1e-9 || sol.LatencyMS != front[want].latency {
				t.Fatalf("%+v: limit %v: %v %v ms %v, want %+v", s, limit, sol.Status, sol.LatencyMS, sol.Accuracy, front[want])
			}
		}
	}
}

func TestExactLimits(t *testing.T) {
	for _, p := range []*Problem{reference(t, model.InactiveMean), estimator(t, model.InactiveFree)} {
		e := prepare(t, p)
		var s Solution
		for _, limit := range []float64{math.NaN(), math.Inf(-1), -1, 0, math.Nextafter(e.MinLatencyMS(), 0)} {
			if e.Solve(t.Context(), &s, limit); s.Status != Infeasible {
				t.Errorf("limit %v: %v", limit, s.Status)
			}
		}
		e.Solve(t.Context(), &s, e.MinLatencyMS())
		if s.Status != Optimal || s.LatencyMS != e.MinLatencyMS() {
			t.Errorf("at the least latency %v: %v, %v ms", e.MinLatencyMS(), s.Status, s.LatencyMS)
		}
		e.Solve(t.Context(), &s, e.MaxLatencyMS())
		best := s.Accuracy
		for _, limit := range []float64{math.Inf(1), math.MaxFloat64, 1e6} {
			e.Solve(t.Context(), &s, limit)
			if s.Accuracy != best || s.LatencyMS != e.MaxLatencyMS() || s.ShadowPrice != 0 {
				t.Errorf("limit %v: %v at %v ms, price %v", limit, s.Accuracy, s.LatencyMS, s.ShadowPrice)
			}
		}
		if e.Solve(t.Context(), &s, math.Nextafter(e.MaxLatencyMS(), 0)); s.Accuracy >= best {
			t.Errorf("just below the greatest useful latency: %v, not below %v", s.Accuracy, best)
		}
	}
}

func TestExactMonotone(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 6 {
		p := fitted(r, inactiveModes[i%2])
		if i >= 4 {
			keepLocal(p)
		}
		e := prepare(t, p)
		var s Solution
		last := math.Inf(-1)
		low, high := e.MinLatencyMS(), e.MaxLatencyMS()
		for k := range 200 {
			e.Solve(t.Context(), &s, low+(high-low)*float64(k)/199)
			checkSolution(t, p, &s)
			if s.Status != Optimal || s.Accuracy < last {
				t.Fatalf("limit %v: %v, accuracy %v after %v", s.LimitMS, s.Status, s.Accuracy, last)
			}
			last = s.Accuracy
		}
	}
}

func TestExactIsDeterministic(t *testing.T) {
	p := random(rand.New(rand.NewPCG(5, 6)), shape{stages: 4, minDepth: 1, maxDepth: 3, options: 8, q: "dense", round: true})
	a, b := prepare(t, p), prepare(t, p).Clone()
	limits := make([]float64, 50)
	answers := make([]Solution, len(limits))
	for i := range limits {
		limits[i] = a.MinLatencyMS() + (a.MaxLatencyMS()-a.MinLatencyMS())*float64(i)/49
		a.Solve(t.Context(), &answers[i], limits[i])
	}
	var s Solution
	for i := len(limits) - 1; i >= 0; i-- {
		b.Solve(t.Context(), &s, limits[i])
		if !slices.Equal(s.Path.Option, answers[i].Path.Option) || !slices.Equal(s.Path.Depth, answers[i].Path.Depth) || s.Accuracy != answers[i].Accuracy {
			t.Fatalf("limit %v: %+v, then %+v", limits[i], answers[i], s)
		}
	}
}

func TestExactSolveAllocatesNothing(t *testing.T) {
	for _, p := range []*Problem{reference(t, model.InactiveMean), reference(t, model.InactiveFree), estimator(t, model.InactiveMean)} {
		e := prepare(t, p)
		var s Solution
		k := 0
		solve := func() {
			e.Solve(t.Context(), &s, e.MinLatencyMS()+(e.MaxLatencyMS()-e.MinLatencyMS())*float64(k%100)/100)
			k++
		}
		for range 100 {
			solve()
		}
		if n := testing.AllocsPerRun(200, solve); n != 0 {
			t.Errorf("%v allocations a solve", n)
		}
	}
}

func TestPrepareRefuses(t *testing.T) {
	p := reference(t, model.InactiveMean)
	p.Alpha = p.Alpha[1:]
	if _, err := Prepare(t.Context(), p); err == nil {
		t.Error("short Alpha: no error")
	}
	p = reference(t, model.InactiveMean)
	p.Alpha[7] = 1e9
	if _, err := Prepare(t.Context(), p); err == nil {
		t.Error("accuracies beyond the units: no error")
	}
	big := random(rand.New(rand.NewPCG(7, 8)), shape{stages: 11, minDepth: 1, maxDepth: 3, options: 2, q: "dense"})
	if _, err := Prepare(t.Context(), big); !errors.Is(err, ErrTooLarge) {
		t.Errorf("3^11 depths: %v", err)
	}
	big.Pins.Depth = []int{1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0}
	if _, err := Prepare(t.Context(), big); err != nil {
		t.Errorf("pinned to 3^5 depths: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, p := range []*Problem{reference(t, model.InactiveMean), estimator(t, model.InactiveMean)} {
		if _, err := Prepare(ctx, p); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	}
}

// Accuracy proportional to latency is a subset sum: proof can be out of reach.
// The answer still keeps the limit, comes with a bound, and is close to it.
func TestExactWithoutProof(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	p := random(r, shape{stages: 5, minDepth: 3, maxDepth: 4, options: 12, q: "nil"})
	for a, l := range p.BlockLatencyMS {
		p.Alpha[a] = l / 10
	}
	p.Q = make([]float64, len(p.Alpha)*len(p.Beta))
	p.Q[len(p.Q)-1] = 1e-6 // across stages: no stage sets
	p.Q[len(p.Beta)-1] = 1e-6
	e := prepare(t, p)
	e.search.maxStates = 1 << 12 // or it takes a second
	limit := (e.MinLatencyMS() + e.MaxLatencyMS()) / 2
	var s Solution
	e.Solve(t.Context(), &s, limit)
	checkSolution(t, p, &s)
	t.Logf("%v, gap %v", s.Status, s.Gap())
	if s.Status != Feasible || !(s.Gap() > 0 && s.Gap() < 1e-3) {
		t.Errorf("%v, accuracy %v, bound %v", s.Status, s.Accuracy, s.Bound)
	}
	if f, err := e.Frontier(t.Context()); !errors.Is(err, ErrTooLarge) {
		t.Errorf("frontier of %d points: %v", len(f.Points), err)
	}
	other := e.Clone()
	if other.Solve(t.Context(), &s, e.MaxLatencyMS()); s.Status != Optimal {
		t.Errorf("at the greatest useful latency: %v", s.Status)
	}
}

// Thirds that add up to the same accuracy are a tie, and the faster wins.
func TestExactTieOfMeans(t *testing.T) {
	p := &Problem{Stages: 2, MinDepth: 1, MaxDepth: 2, Options: 3,
		Alpha:          []float64{0, 0, 0, 0.5, 0, 0, 0, 0, 0, 1, 0, 0},
		Beta:           []float64{0, 0.5, 0, 0},
		Q:              make([]float64, 12*4),
		BlockLatencyMS: []float64{0, 0, 0, 3, 9, 9, 0, 0, 0, 5, 9, 9},
	}
	p.Q[3*4] = 0.5 // stage 1 at depth 1: its second block is off, and means 0.5/3 + 0.5/3
	e := prepare(t, p)
	var s Solution
	e.Solve(t.Context(), &s, 7)
	checkSolution(t, p, &s)
	if s.Status != Optimal || s.LatencyMS != 3 || !slices.Equal(s.Path.Depth, []int{2, 1}) || math.Abs(s.Accuracy-4./3) > 1e-12 {
		t.Errorf("%v at %v ms, depths %v", s.Accuracy, s.LatencyMS, s.Path.Depth)
	}
}
