package solver

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize/convex/lp"

	"github.com/binas-tui/binas-tui/model"
)

// simplex is the LP relaxation of choosing options at given depths, solved by
// gonum: maximise accuracy over distributions of options within a limit.
func simplex(t *testing.T, p *Problem, depth []int, limitMS float64) float64 {
	t.Helper()
	var blocks []int
	path := model.Path{Depth: depth, Option: make([]int, p.NumBlocks())}
	for b := range path.Option {
		path.Option[b] = model.Off
		if b%p.MaxDepth < depth[b/p.MaxDepth] {
			path.Option[b] = 0
			blocks = append(blocks, b)
		}
	}
	base := p.Accuracy(path)
	n := len(blocks)*p.Options + 1
	c, a := make([]float64, n), mat.NewDense(len(blocks)+1, n, nil)
	right := make([]float64, len(blocks)+1)
	for i, b := range blocks {
		for o := range p.Options {
			x := i*p.Options + o
			c[x] = -(p.optionValue(b*p.Options+o, depth) - p.optionValue(b*p.Options, depth))
			a.Set(i, x, 1)
			a.Set(len(blocks), x, p.BlockLatencyMS[b*p.Options+o])
		}
		right[i] = 1
	}
	a.Set(len(blocks), n-1, 1)
	right[len(blocks)] = limitMS - p.FixedLatencyMS
	value, _, err := lp.Simplex(c, a, right, 1e-11, nil)
	if err != nil {
		t.Fatalf("simplex: %v", err)
	}
	return base - value
}

// The bound of every knapsack is the value of its LP, and the price its slope.
func TestBoundIsTheLP(t *testing.T) {
	r := rand.New(rand.NewPCG(51, 52))
	for i := range 10 {
		p := fitted(r, model.InactiveMean)
		if i == 0 {
			p = reference(t, model.InactiveMean)
		}
		e := prepare(t, p)
		for range 3 {
			v := r.IntN(len(e.knapsacks))
			k := &e.knapsacks[v]
			depth := make([]int, p.Stages)
			for s := range depth {
				depth[s] = int(e.depths[v*p.Stages+s])
			}
			most, _ := k.most()
			units := k.latency + int64(r.Float64()*float64(most-k.latency))
			bound, breakStep, _ := k.bound(units)
			limit := float64(units)/unitsPerMS + p.FixedLatencyMS
			want := simplex(t, p, depth, limit)
			if math.Abs(e.t.points(bound)-want) > 1e-8 {
				t.Fatalf("depths %v, limit %v: bound %v, simplex %v", depth, limit, e.t.points(bound), want)
			}
			const little = 1e-4
			price := k.price(breakStep) / float64(p.Options)
			if slope := (want - simplex(t, p, depth, limit-little)) / little; slope < price-1e-5 {
				t.Fatalf("depths %v, limit %v: price %v, slope to the left %v", depth, limit, price, slope)
			}
		}
	}
}

// capacities is the optimum at every limit fixed + i*tick for latencies that
// are whole multiples of a tick: the textbook dynamic programme over capacity,
// for every vector of depths.
func capacities(p *Problem, tick float64, n int) []float64 {
	best := make([]float64, n)
	for i := range best {
		best[i] = math.Inf(-1)
	}
	depth := make([]int, p.Stages)
	table, next := make([]float64, n), make([]float64, n)
	var walk func(s int)
	walk = func(s int) {
		if s < p.Stages {
			for d := p.MinDepth; d <= p.MaxDepth; d++ {
				if p.Pins.AllowsDepth(s, d) {
					depth[s] = d
					walk(s + 1)
				}
			}
			return
		}
		base := p.Bias
		for st, d := range depth {
			base += p.Beta[st*p.NumDepths()+d-p.MinDepth]
		}
		for i := range table {
			table[i] = 0
		}
		for b := range p.NumBlocks() {
			sum, top := 0.0, math.Inf(-1)
			active := b%p.MaxDepth < depth[b/p.MaxDepth]
			for i := range next {
				next[i] = math.Inf(-1)
			}
			for o := range p.Options {
				a := b*p.Options + o
				v := p.optionValue(a, depth)
				sum += v
				if !p.Pins.Allows(b, o) {
					continue
				}
				top = max(top, v)
				if l := int(math.Round(p.BlockLatencyMS[a] / tick)); active {
					for i := l; i < n; i++ {
						if x := table[i-l] + v; x > next[i] {
							next[i] = x
						}
					}
				}
			}
			switch {
			case active:
				table, next = next, table
			case p.Inactive == model.InactiveFree:
				base += top
			default:
				base += sum / float64(p.Options)
			}
		}
		for i, v := range table {
			best[i] = max(best[i], base+v)
		}
	}
	walk(0)
	return best
}

// Full-size problems with latencies on a grid, at every limit of the grid.
func TestExactAgainstCapacityProgramme(t *testing.T) {
	const tick = 0.0625
	r := rand.New(rand.NewPCG(53, 54))
	for i := range 4 {
		p := fitted(r, inactiveModes[i%2])
		if i == 2 {
			keepLocal(p)
		}
		if i == 3 {
			p.Pins.Depth = []int{0, 3, 0, 2, 0}
			p.Pins.Allowed = make([]uint64, 20)
			p.Pins.Allowed[0], p.Pins.Allowed[9] = 0b11, 0xFF0
		}
		p.FixedLatencyMS = 1.25
		for a, l := range p.BlockLatencyMS {
			p.BlockLatencyMS[a] = math.Round(l/tick) * tick
		}
		e := prepare(t, p)
		n := int((e.MaxLatencyMS()-p.FixedLatencyMS)/tick) + 3
		want := capacities(p, tick, n)
		var s Solution
		for c, w := range want {
			e.Solve(t.Context(), &s, p.FixedLatencyMS+float64(c)*tick)
			checkSolution(t, p, &s)
			if math.IsInf(w, -1) != (s.Status == Infeasible) || s.Status == Optimal && math.Abs(s.Accuracy-w) > 1e-9 {
				t.Fatalf("problem %d, limit %v: %v, accuracy %v, want %v", i, s.LimitMS, s.Status, s.Accuracy, w)
			}
		}
	}
}

// The two ways to prepare a problem with a local Q agree to the last unit.
func TestStagesAgreeWithDepths(t *testing.T) {
	r := rand.New(rand.NewPCG(55, 56))
	for i := range 6 {
		p := fitted(r, inactiveModes[i%2])
		keepLocal(p)
		if i == 4 {
			p = estimator(t, model.InactiveFree)
		}
		if i == 5 {
			p.Q = nil
		}
		stages := prepare(t, p)
		tables, err := newTables(p)
		if err != nil {
			t.Fatal(err)
		}
		pr := &prepared{t: tables}
		if err := pr.prepareDepths(t.Context()); err != nil {
			t.Fatal(err)
		}
		pr.finish()
		depths := newExact(pr)
		if len(stages.knapsacks) != 1 || len(depths.knapsacks) != 243 {
			t.Fatalf("%d and %d knapsacks", len(stages.knapsacks), len(depths.knapsacks))
		}
		if a, b := frontier(t, stages), frontier(t, depths); !slices.Equal(a.Points, b.Points) {
			t.Fatalf("problem %d: frontiers of %d and %d points differ", i, len(a.Points), len(b.Points))
		}
	}
}

// Large spaces, local Q: the answer keeps the limit, is within one step of the
// LP bound, and no other method beats it.
func TestExactAtScale(t *testing.T) {
	r := rand.New(rand.NewPCG(57, 58))
	for _, stages := range []int{13, 100} {
		p := random(r, shape{stages: stages, minDepth: 2, maxDepth: 4, options: 30, q: "local"})
		e, f := prepare(t, p), bcfw(t, p, BCFWSettings{Starts: 3})
		var s, other Solution
		last := math.Inf(-1)
		for _, limit := range limitsAcross(e, 20) {
			e.Solve(t.Context(), &s, limit)
			checkSolution(t, p, &s)
			bound, breakStep, _ := e.knapsacks[0].bound(picosecondsLimit(limitPicoseconds(limit)) - e.t.fixed)
			gap := e.t.points(bound) - s.Accuracy
			if steps := e.knapsacks[0].hullSteps(); s.Status != Optimal || s.Accuracy < last || gap < 0 ||
				breakStep > 0 && breakStep < len(steps) && gap > e.t.points(steps[breakStep].value-steps[breakStep-1].value)+1e-9 {
				t.Fatalf("%d stages, limit %v: %v, accuracy %v after %v, bound %v", stages, limit, s.Status, s.Accuracy, last, e.t.points(bound))
			}
			last = s.Accuracy
			if stages > 13 {
				continue
			}
			f.Solve(t.Context(), &other, limit)
			checkSolution(t, p, &other)
			if other.Status != Feasible || other.Accuracy > s.Accuracy {
				t.Fatalf("%d stages, limit %v: BCFW %v %v, exact %v", stages, limit, other.Status, other.Accuracy, s.Accuracy)
			}
		}
	}
}
