package solver

import (
	"cmp"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/model"
)

// latencyResource is the latency of a Problem as a resource.
func latencyResource(p *Problem) Resource {
	return Resource{Name: "latency", Kind: Latency, Block: p.BlockLatencyMS, Fixed: p.FixedLatencyMS}
}

// resources are random ones: the latency, another device, counts, a peak.
func resources(r *rand.Rand, p *Problem, n int) []Resource {
	out := []Resource{latencyResource(p)}
	for i := 1; i < n; i++ {
		res := Resource{Name: string(rune('a' + i)), Kind: ResourceKind(i % 3), Block: make([]float64, len(p.Alpha))}
		for a := range res.Block {
			v := p.BlockLatencyMS[a]*(0.5+r.Float64()) + r.Float64()
			if res.Kind != Latency {
				v = math.Round(v * 1000)
			}
			res.Block[a] = v
		}
		res.Fixed = math.Round(r.Float64() * 3)
		out = append(out, res)
	}
	return out
}

// uses is what a path uses of a resource, by its definition.
func uses(p *Problem, r *Resource, path model.Path) float64 {
	if r.Kind == Latency {
		q := *p
		q.BlockLatencyMS, q.FixedLatencyMS = r.Block, r.Fixed
		return q.LatencyMS(path)
	}
	sum := r.Fixed
	for b, o := range path.Option {
		if b%p.MaxDepth >= path.Depth[b/p.MaxDepth] {
			continue
		}
		if v := r.Block[b*p.Options+o]; r.Kind == Peak {
			sum = max(sum, v)
		} else {
			sum += v
		}
	}
	return sum
}

// randomCaps are caps over the range of what networks use, some below and some
// missing.
func randomCaps(r *rand.Rand, p *Problem, res []Resource) []float64 {
	caps := make([]float64, len(res))
	for i := range res {
		lo, hi := res[i].Fixed, res[i].Fixed
		for b := range p.NumBlocks() {
			block := res[i].Block[b*p.Options : (b+1)*p.Options]
			if res[i].Kind == Peak {
				lo, hi = max(lo, slices.Min(block)), max(hi, slices.Max(block))
				continue
			}
			if b%p.MaxDepth < p.MinDepth {
				lo += slices.Min(block)
			}
			hi += slices.Max(block)
		}
		if caps[i] = lo + (hi-lo)*(r.Float64()*0.9-0.05); r.IntN(5) == 0 {
			caps[i] = math.Inf(1)
		}
	}
	return caps
}

// Networks under every number of limits are those that enumeration finds.
func TestLimitedAgainstEnumeration(t *testing.T) {
	r := rand.New(rand.NewPCG(71, 72))
	feasible := 0
	for i := range 400 {
		s := shape{stages: 1 + r.IntN(2), minDepth: 1 + r.IntN(2), options: 1 + r.IntN(4), q: []string{"dense", "local", "nil"}[i%3],
			inactive: inactiveModes[i%2], round: i%5 == 0, pins: i%4 == 0}
		s.maxDepth = s.minDepth + r.IntN(3-s.minDepth+1)
		if s.stages*s.maxDepth > 4 {
			s.options = min(s.options, 3)
		}
		p := random(r, s)
		res := resources(r, p, 1+r.IntN(5))
		caps := randomCaps(r, p, res)
		k := 1 + r.IntN(12)
		l, err := PrepareMultiLimit(t.Context(), p, res)
		if err != nil {
			t.Fatal(err)
		}
		got, err := l.Solve(t.Context(), caps, k)
		if err != nil {
			t.Fatal(err)
		}
		want := enumerated(p, res, caps)
		if (got.Status == Infeasible) != (len(want) == 0) || len(got.Best) != min(k, len(want)) {
			t.Fatalf("instance %d: %v, %d networks, want %d of %d", i, got.Status, len(got.Best), min(k, len(want)), len(want))
		}
		if len(want) > 0 {
			feasible++
			checkLimited(t, p, res, caps, got)
		}
		for j, b := range got.Best {
			if math.Abs(b.Accuracy-want[j].accuracy) > 1e-9 || math.Abs(b.Used[0]-want[j].latency) > 1e-9 {
				t.Fatalf("instance %d: network %d is %+v, want %+v", i, j, b, want[j])
			}
		}
	}
	if feasible < 150 {
		t.Errorf("%d feasible instances", feasible)
	}
}

// enumerated lists the distinct networks within the caps, best first.
func enumerated(p *Problem, res []Resource, caps []float64) []network {
	q := *p
	q.Inactive = model.InactiveMean // visits every network once
	best := map[string]network{}
	everyPath(&q, func(path model.Path) {
		for i := range res {
			if uses(p, &res[i], path) > caps[i] {
				return
			}
		}
		full := path.Clone()
		t, _ := newTables(p)
		t.fillInactive(&full)
		best[string(bytesOf(path))] = network{uses(p, &res[0], path), p.Accuracy(full)}
	})
	var out []network
	for _, n := range best {
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b network) int {
		if d := a.accuracy - b.accuracy; math.Abs(d) > 1e-10 {
			return cmp.Compare(b.accuracy, a.accuracy)
		}
		return cmp.Compare(a.latency, b.latency)
	})
	return out
}

func bytesOf(path model.Path) []byte {
	var out []byte
	for _, v := range append(slices.Clone(path.Depth), path.Option...) {
		out = append(out, byte(v+1))
	}
	return out
}

// checkLimited states what every answer must keep.
func checkLimited(t *testing.T, p *Problem, res []Resource, caps []float64, got MultiLimitResult) {
	t.Helper()
	seen := map[string]bool{}
	for j, b := range got.Best {
		if a := p.Accuracy(b.Path); math.Abs(a-b.Accuracy) > 1e-9 {
			t.Fatalf("network %d: accuracy %v, the problem says %v", j, b.Accuracy, a)
		}
		for i := range res {
			if u := uses(p, &res[i], b.Path); u != b.Used[i] || u > caps[i] {
				t.Fatalf("network %d uses %v of %s, reported as %v, cap %v", j, u, res[i].Name, b.Used[i], caps[i])
			}
		}
		on := b.Path.Clone()
		for block := range on.Option {
			if block%p.MaxDepth >= on.Depth[block/p.MaxDepth] {
				on.Option[block] = model.Off
			}
		}
		if key := string(bytesOf(on)); seen[key] {
			t.Fatalf("network %d is there twice", j)
		} else {
			seen[key] = true
		}
		if j > 0 && b.Accuracy > got.Best[j-1].Accuracy {
			t.Fatalf("network %d is better than the one before", j)
		}
	}
	if got.Status == Optimal && got.Bound != got.Best[0].Accuracy || got.Bound < got.Best[0].Accuracy {
		t.Fatalf("%v, bound %v, accuracy %v", got.Status, got.Bound, got.Best[0].Accuracy)
	}
	for i, y := range got.Prices {
		if res[i].Kind == Peak != math.IsNaN(y) || y < 0 || y > 0 && math.IsInf(caps[i], 1) {
			t.Fatalf("price of %s is %v", res[i].Name, y)
		}
	}
}

func limited(t testing.TB, p *Problem, res []Resource) *MultiLimit {
	t.Helper()
	l, err := PrepareMultiLimit(t.Context(), p, res)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// With the latency alone it agrees with the search for one limit, price too.
func TestLimitedAgreesWithExact(t *testing.T) {
	for i, p := range []*Problem{reference(t, model.InactiveMean), reference(t, model.InactiveFree), estimator(t, model.InactiveMean)} {
		e, l := prepare(t, p), limited(t, p, []Resource{latencyResource(p)})
		var s Solution
		for _, limit := range limitsAcross(e, 25) {
			e.Solve(t.Context(), &s, limit)
			got, err := l.Solve(t.Context(), []float64{limit}, 1)
			if err != nil || got.Status != Optimal || got.Best[0].Accuracy != s.Accuracy || got.Best[0].Used[0] != s.LatencyMS {
				t.Fatalf("limit %v: %+v, %v; one limit gives %v at %v ms", limit, got, err, s.Accuracy, s.LatencyMS)
			}
			// A local Q has another LP: over whole stages.
			if i < 2 && math.Abs(got.Prices[0]-s.ShadowPrice) > 1e-6 {
				t.Errorf("limit %v: price %v, one limit gives %v", limit, got.Prices[0], s.ShadowPrice)
			}
		}
	}
}

// severalCaps are caps that all bind: shares of what the best network within
// the latency uses.
func severalCaps(t testing.TB, e *Exact, res []Resource, share float64) []float64 {
	t.Helper()
	var s Solution
	e.Solve(t.Context(), &s, e.MinLatencyMS()+(e.MaxLatencyMS()-e.MinLatencyMS())*share)
	caps := []float64{s.LatencyMS}
	for i := 1; i < len(res); i++ {
		caps = append(caps, math.Floor(uses(e.Problem(), &res[i], s.Path)*0.97*100)/100)
	}
	return caps
}

func TestLimitedCancelled(t *testing.T) {
	p := reference(t, model.InactiveMean)
	l := limited(t, p, resources(rand.New(rand.NewPCG(73, 74)), p, 2))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := PrepareMultiLimit(ctx, p, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	e := prepare(t, p)
	got, err := l.Solve(ctx, severalCaps(t, e, l.resources, 0.5), 3)
	if err == nil && (got.Status != Feasible || got.Bound < got.Best[0].Accuracy) || err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("%+v, %v", got, err)
	}
}

func BenchmarkSeveralLimits(b *testing.B) {
	for _, n := range []int{2, 3, 5} {
		for name, p := range map[string]*Problem{"dense": reference(b, model.InactiveMean), "random": fitted(rand.New(rand.NewPCG(75, 76)), model.InactiveMean)} {
			b.Run(map[int]string{2: "two/", 3: "three/", 5: "five/"}[n]+name, func(b *testing.B) {
				r := rand.New(rand.NewPCG(77, uint64(n)))
				res := resources(r, p, n)
				e, l := prepare(b, p), limited(b, p, res)
				var times []float64
				i, open := 0, 0
				for b.Loop() {
					caps := severalCaps(b, e, res, 0.05+0.9*float64(i%50)/50)
					i++
					start := time.Now()
					got, err := l.Solve(b.Context(), caps, 1)
					times = append(times, float64(time.Since(start).Nanoseconds()))
					if err != nil {
						b.Fatal(err)
					}
					if got.Status == Feasible {
						open++
					}
				}
				slices.Sort(times)
				b.ReportMetric(times[len(times)/2]/1e6, "median-ms")
				b.ReportMetric(times[len(times)*99/100]/1e6, "p99-ms")
				b.ReportMetric(float64(open), "open")
			})
		}
	}
}

func BenchmarkTopK(b *testing.B) {
	for name, p := range map[string]*Problem{"dense": reference(b, model.InactiveMean), "estimator": estimator(b, model.InactiveMean)} {
		b.Run(name, func(b *testing.B) {
			e, l := prepare(b, p), limited(b, p, []Resource{latencyResource(p)})
			limits := limitsAcross(e, 50)
			i := 0
			solve := func(limit float64) {
				if got, err := l.Solve(b.Context(), []float64{limit}, 10); err != nil || got.Status != Optimal || len(got.Best) != 10 {
					b.Fatalf("%v %d %v", got.Status, len(got.Best), err)
				}
			}
			for b.Loop() {
				solve(limits[i%len(limits)])
				i++
			}
			reportTimes(b, limits, solve)
		})
	}
}

// The set named is one that excludes itself, and no smaller one does.
func TestConflictIsSmallest(t *testing.T) {
	r := rand.New(rand.NewPCG(79, 80))
	sizes := map[int]int{}
	for i := range 300 {
		p := random(r, shape{stages: 1 + i%2, minDepth: 1, maxDepth: 2, options: 3, q: "dense"})
		res := resources(r, p, 2+r.IntN(3))
		if i%2 == 0 { // two that pull in opposite directions
			for a, v := range res[0].Block {
				res[1].Kind, res[1].Block[a] = Latency, 6-v
			}
		}
		caps := randomCaps(r, p, res)
		l := limited(t, p, res)
		set, err := l.Conflict(t.Context(), caps)
		if err != nil {
			t.Fatal(err)
		}
		only := func(keep func(i int) bool) bool {
			some := slices.Clone(caps)
			for i := range some {
				if !keep(i) {
					some[i] = math.Inf(1)
				}
			}
			return len(enumerated(p, res, some)) > 0
		}
		if all := only(func(int) bool { return true }); all != (set == nil) {
			t.Fatalf("instance %d: networks fit: %v, conflict %v", i, all, set)
		}
		if set == nil {
			continue
		}
		sizes[len(set)]++
		if only(func(i int) bool { return slices.Contains(set, i) }) {
			t.Fatalf("instance %d: networks keep %v", i, set)
		}
		for mask := range 1 << len(res) {
			some := 0
			for i := range res {
				some += mask >> i & 1
			}
			if some < len(set) && !only(func(i int) bool { return mask>>i&1 == 1 }) {
				t.Fatalf("instance %d: %v is not the smallest set, %b is smaller", i, set, mask)
			}
		}
		checkLeast(t, l, caps, set, only)
	}
	if sizes[1] < 10 || sizes[2] < 10 {
		t.Errorf("conflicts by size: %v", sizes)
	}
}

// checkLeast compares Least of the last of a conflict with enumeration.
func checkLeast(t *testing.T, l *MultiLimit, caps []float64, set []int, only func(func(int) bool) bool) {
	t.Helper()
	p, res, last := l.t.p, l.resources, set[len(set)-1]
	others := slices.Clone(caps)
	for i := range others {
		if i == last || !slices.Contains(set, i) {
			others[i] = math.Inf(1)
		}
	}
	least, err := l.Least(t.Context(), last, others)
	if err != nil {
		t.Fatal(err)
	}
	want := math.Inf(1)
	everyPath(p, func(path model.Path) {
		for i := range res {
			if uses(p, &res[i], path) > others[i] {
				return
			}
		}
		want = min(want, uses(p, &res[last], path))
	})
	if math.Abs(least-want) > 1e-9 {
		t.Fatalf("least %s is %v, want %v", res[last].Name, least, want)
	}
}
