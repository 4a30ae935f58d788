package solver

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/model"
)

// The frontier under limits is what enumeration of the networks that keep them
// gives, and each of its networks keeps them.
func TestLimitedFrontierAgainstEnumeration(t *testing.T) {
	r := rand.New(rand.NewPCG(91, 92))
	points := 0
	for i := range 200 {
		s := shape{stages: 1 + r.IntN(2), minDepth: 1, maxDepth: 2, options: 1 + r.IntN(4), q: []string{"dense", "local", "nil"}[i%3],
			inactive: inactiveModes[i%2], round: i%5 == 0, pins: i%4 == 0}
		p := random(r, s)
		res := resources(r, p, 1+r.IntN(4))
		caps := randomCaps(r, p, res)
		if i%3 > 0 {
			caps[0] = math.Inf(1)
		}
		l := limited(t, p, res)
		known := 0
		f, err := l.Frontier(t.Context(), caps, func(points func() Frontier) { known = len(points().Points) })
		if err != nil {
			t.Fatal(err)
		}
		var want []network
		for _, n := range enumerated(p, res, caps) { // best first
			if len(want) == 0 || n.latency < want[len(want)-1].latency-1e-12 && n.accuracy < want[len(want)-1].accuracy-1e-10 {
				want = append(want, n)
			} else if n.latency < want[len(want)-1].latency-1e-12 {
				want[len(want)-1] = n // as accurate and faster
			}
		}
		slices.Reverse(want)
		if len(f.Points) != len(want) || known != len(want) {
			t.Fatalf("instance %d: %d points, %d reported, want %d", i, len(f.Points), known, len(want))
		}
		var path model.Path
		for j, q := range f.Points {
			f.Path(&path, j)
			if math.Abs(q.Accuracy-want[j].accuracy) > 1e-9 || math.Abs(q.LatencyMS-want[j].latency) > 1e-9 {
				t.Fatalf("instance %d: point %d is %+v, want %+v", i, j, q, want[j])
			}
			for k := range res {
				if u := uses(p, &res[k], path); u > caps[k] {
					t.Fatalf("instance %d: point %d uses %v of %s, cap %v", i, j, u, res[k].Name, caps[k])
				}
			}
		}
		points += len(want)
	}
	if points < 300 {
		t.Errorf("%d points in all", points)
	}
}

// With the latency alone it is the frontier of the search for one limit; under
// more, every point is what a search at its latency finds.
func TestLimitedFrontierOfTheSpace(t *testing.T) {
	p := reference(t, model.InactiveMean)
	e := prepare(t, p)
	want := frontier(t, e)
	got, err := limited(t, p, []Resource{latencyResource(p)}).Frontier(t.Context(), []float64{math.Inf(1)}, nil)
	if err != nil || !slices.Equal(got.Points, want.Points) {
		t.Errorf("%d points, want %d: %v", len(got.Points), len(want.Points), err)
	}
	res := resources(rand.New(rand.NewPCG(93, 94)), p, 4)
	caps := severalCaps(t, e, res, 0.5)
	caps[0] = math.Inf(1)
	l := limited(t, p, res)
	f, err := l.Frontier(t.Context(), caps, nil)
	if err != nil || len(f.Points) < 50 {
		t.Fatalf("%d points, %v", len(f.Points), err)
	}
	r := rand.New(rand.NewPCG(95, 96))
	lo, hi := f.Points[0].LatencyMS, f.Points[len(f.Points)-1].LatencyMS
	for range 100 {
		caps[0] = lo + (hi-lo)*r.Float64()
		best, err := l.Solve(t.Context(), caps, 1)
		at := f.At(caps[0])
		if err != nil || at < 0 || best.Best[0].Accuracy != f.Points[at].Accuracy || best.Best[0].Used[0] != f.Points[at].LatencyMS {
			t.Fatalf("at %v ms: %+v, %v; the frontier has point %d", caps[0], best, err, at)
		}
	}
}

func TestLimitedFrontierCancelled(t *testing.T) {
	p := reference(t, model.InactiveMean)
	l := limited(t, p, resources(rand.New(rand.NewPCG(97, 98)), p, 2))
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	f, err := l.Frontier(ctx, []float64{math.Inf(1), math.Inf(1)}, func(func() Frontier) {
		if n++; n == 20 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || len(f.Points) != 20 {
		t.Errorf("%d points, %v", len(f.Points), err)
	}
	for i := 1; i < len(f.Points); i++ {
		if a, b := f.Points[i-1], f.Points[i]; !(a.LatencyMS < b.LatencyMS && a.Accuracy < b.Accuracy) {
			t.Errorf("points %+v, %+v", a, b)
		}
	}
}

// The changes say what the problem and the resources say, and the reduced cost
// charges every limit at its price.
func TestLimitedSensitivity(t *testing.T) {
	r := rand.New(rand.NewPCG(99, 100))
	charged := 0
	for i := range 60 {
		p := random(r, shape{stages: 1 + i%3, minDepth: 1, maxDepth: 2, options: 4, q: "dense", inactive: inactiveModes[i%2], pins: i%4 == 0})
		res := resources(r, p, 2+r.IntN(3))
		caps := randomCaps(r, p, res)
		l := limited(t, p, res)
		found, err := l.Solve(t.Context(), caps, 1)
		if err != nil {
			t.Fatal(err)
		}
		if found.Status == Infeasible {
			continue
		}
		best := found.Best[0]
		sens := l.Sensitivity(best.Path, caps, found.Prices)
		check := func(c Change, other model.Path, pinned bool) {
			t.Helper()
			if a := p.Accuracy(other) - best.Accuracy; math.Abs(a-c.Accuracy) > 1e-9 {
				t.Fatalf("instance %d: accuracy difference %v, want %v", i, c.Accuracy, a)
			}
			net, fits := c.Accuracy, true
			for k := range res {
				u := uses(p, &res[k], other)
				fits = fits && u <= caps[k]
				if math.Abs(u-best.Used[k]-c.Uses[k]) > 2e-9 {
					t.Fatalf("instance %d: %s used more: %v, want %v", i, res[k].Name, c.Uses[k], u-best.Used[k])
				}
				if y := found.Prices[k]; y > 0 {
					net -= y * c.Uses[k]
					charged++
				}
			}
			if math.Abs(net-c.ReducedCost) > 1e-9 {
				t.Fatalf("instance %d: reduced cost %v, want %v", i, c.ReducedCost, net)
			}
			if !pinned && fits && c.Accuracy > 1e-9 {
				t.Fatalf("instance %d: %+v keeps the limits and gains", i, c)
			}
		}
		for _, c := range sens.Options {
			other := best.Path.Clone()
			other.Option[c.Block] = c.Option
			check(c.Change, other, c.Pinned)
		}
		for _, c := range sens.Depths {
			if c.Depth > best.Path.Depth[c.Stage] || p.Inactive != model.InactiveMean {
				continue // options of its blocks are not reported
			}
			other := best.Path.Clone()
			other.Depth[c.Stage] = c.Depth
			for b := c.Stage*p.MaxDepth + c.Depth; b < (c.Stage+1)*p.MaxDepth; b++ {
				other.Option[b] = model.Off
			}
			check(c.Change, other, c.Pinned)
		}
	}
	if charged < 100 {
		t.Errorf("%d charges", charged)
	}
}

func BenchmarkLimitedFrontier(b *testing.B) {
	for _, n := range []int{2, 3, 5} {
		b.Run(map[int]string{2: "two", 3: "three", 5: "five"}[n], func(b *testing.B) {
			p := reference(b, model.InactiveMean)
			res := resources(rand.New(rand.NewPCG(77, uint64(n))), p, n)
			caps := severalCaps(b, prepare(b, p), res, 0.5)
			caps[0] = math.Inf(1)
			l := limited(b, p, res)
			var coarse time.Duration
			points := 0
			for b.Loop() {
				start, n := time.Now(), 0
				f, err := l.Frontier(b.Context(), caps, func(func() Frontier) {
					if n++; n == coarsePoints {
						coarse = time.Since(start)
					}
				})
				if err != nil {
					b.Fatal(err)
				}
				points = len(f.Points)
			}
			b.ReportMetric(float64(points), "points")
			b.ReportMetric(coarse.Seconds()*1e3, "coarse-ms")
		})
	}
}
