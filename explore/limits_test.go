package explore

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/solver"
)

// The best network under several limits keeps them all, is no better than that
// under fewer, and uses what its architecture string says.
func TestFindUnderSeveralLimits(t *testing.T) {
	lut, err := LoadLUT("ort-cpu-224-2t")
	if err != nil {
		t.Fatal(err)
	}
	limits := []Limit{{Kind: LimitParams, Cap: 4e6}, {Kind: LimitMACs, Cap: 220e6}, {Kind: LimitMemory, Cap: 4e6},
		{Cap: 3.5, LUT: lut, LUTName: "ort-cpu-224-2t"}}
	last := math.Inf(1)
	for n := range len(limits) + 1 {
		e := defaultEngine(t, func(s *Setup) { s.Limits = limits[:n] })
		f, err := e.Search(t.Context(), Request{LimitMS: 6})
		if err != nil || f.Status != solver.Optimal || f.Accuracy > last+ProvedGap || len(f.Limits) != n+1 {
			t.Fatalf("%d limits: %+v, %v; with fewer %v", n+1, f, err, last)
		}
		last = f.Accuracy
		cost, err := e.Space.Architecture(f.Path).Cost(224, 1000)
		if err != nil {
			t.Fatal(err)
		}
		want := []float64{e.LatencyMS(f.Path), float64(cost.Params), float64(cost.MACs), float64(cost.PeakBytes)}
		table, err := lut.Table(e.Space)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, table.LatencyMS(e.Space, f.Path))
		for i, l := range f.Limits {
			if math.Abs(l.Used-want[i]) > 1e-8 || l.Used > l.Cap || l.Slack != l.Cap-l.Used || l.Binding && l.Kind != LimitMemory && !(l.ShadowPrice > 0) {
				t.Errorf("%d limits: %s: %+v, the architecture says %v", n+1, l.Name(), l, want[i])
			}
		}
		if math.Abs(e.Accuracy(f.Path)-f.Accuracy) > 1e-9 {
			t.Errorf("accuracy %v, the predictor says %v", f.Accuracy, e.Accuracy(f.Path))
		}
	}
}

func TestLimitsThatExcludeEachOther(t *testing.T) {
	for _, c := range []struct {
		ms     float64
		limits []Limit
		want   string // in the message
		not    string
	}{
		{6, []Limit{{Kind: LimitParams, Cap: 1e6}}, "on params of 1M: at least", "latency"},
		{6, []Limit{{Kind: LimitParams, Cap: 6e6}, {Kind: LimitMemory, Cap: 1e6}}, "on memory of 1 MB: at least 3.211 MB are needed", "params"},
		{1, []Limit{{Kind: LimitParams, Cap: 6e6}}, "on latency of 1 ms: at least", "params"},
	} {
		e := defaultEngine(t, func(s *Setup) { s.Limits = c.limits })
		f, err := e.Search(t.Context(), Request{LimitMS: c.ms})
		if err != nil || f.Status != solver.Infeasible {
			t.Fatalf("%+v: %+v, %v", c, f, err)
		}
		err = e.NoNetworkWithin(t.Context(), c.ms)
		if !errors.Is(err, ErrNoNetwork) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), c.not) {
			t.Errorf("%v; want %q and no %q", err, c.want, c.not)
		}
	}
	// Two devices that like different networks.
	e := defaultEngine(t)
	fast, err := e.Search(t.Context(), Request{LimitMS: e.MinLatencyMS()})
	if err != nil {
		t.Fatal(err)
	}
	other := *e.LUT
	other.Blocks = map[string]latency.Measurement{}
	for b := range e.Space.NumBlocks() {
		for o, option := range e.Space.Options {
			m := e.LUT.Blocks[e.Space.Block(b).LUTKey(option)]
			m.MedianMS = 1
			if o == fast.Path.Option[b] || b%4 < 2 && e.Table.BlockMS[b*12+o] <= e.Table.BlockMS[b*12+fast.Path.Option[b]] {
				m.MedianMS = 2
			}
			other.Blocks[e.Space.Block(b).LUTKey(option)] = m
		}
	}
	e = defaultEngine(t, func(s *Setup) { s.Limits = []Limit{{Cap: 13, LUT: &other, LUTName: "other"}} })
	err = e.NoNetworkWithin(t.Context(), fast.LatencyMS+0.01)
	if !errors.Is(err, ErrNoNetwork) || !strings.Contains(err.Error(), "latency of") || !strings.Contains(err.Error(), "latency on other of 13 ms together") {
		t.Error(err)
	}
}

// The best networks come best first, distinct, and the first is the answer.
func TestFindTop(t *testing.T) {
	e := defaultEngine(t)
	best, err := e.Search(t.Context(), Request{LimitMS: 5, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	f, err := e.Search(t.Context(), Request{LimitMS: 5, Top: 10})
	if err != nil || f.Status != solver.Optimal || len(f.Top) != 10 || f.Accuracy != best.Accuracy || f.LatencyMS != best.LatencyMS ||
		f.ShadowPrice != best.ShadowPrice || f.Limits[0].ShadowPrice != best.ShadowPrice {
		t.Fatalf("%+v, %v", f, err)
	}
	seen := map[string]bool{}
	for i, n := range f.Top {
		arch := e.Space.Architecture(n.Path).String()
		if seen[arch] || n.Used[0] > 5 || i > 0 && n.Accuracy > f.Top[i-1].Accuracy {
			t.Errorf("network %d: %+v", i, n)
		}
		seen[arch] = true
		if d := e.Differences(f.Path, n.Path); (len(d) == 0) != (i == 0) {
			t.Errorf("network %d differs in %v", i, d)
		}
	}
	if _, err := e.Search(t.Context(), Request{LimitMS: 5, Top: 2, Method: solver.BCFW}); !errors.Is(err, ErrOptimizer) {
		t.Errorf("top by bcfw: %v", err)
	}
	without, err := e.Search(t.Context(), Request{LimitMS: math.Inf(1)})
	if err != nil || math.Abs(without.LatencyMS-e.MaxLatencyMS()) > 1e-9 {
		t.Errorf("without a limit: %+v, %v", without, err)
	}
}

func TestParseAmount(t *testing.T) {
	for _, c := range []struct {
		kind LimitKind
		text string
		want float64
	}{
		{LimitParams, "6M", 6e6}, {LimitParams, " 5.3 M", 5.3e6}, {LimitParams, "4810k", 4.81e6}, {LimitMACs, "0.3G", 3e8}, {LimitMACs, "3e2M", 3e8},
		{LimitMemory, "8MB", 8e6}, {LimitMemory, "8MiB", 8 << 20}, {LimitMemory, "512KiB", 512 << 10}, {LimitMemory, "100B", 100}, {LimitLatency, "12ms", 12},
	} {
		if v, err := ParseAmount(c.kind, c.text); err != nil || v != c.want {
			t.Errorf("%q: %v, %v, want %v", c.text, v, err, c.want)
		}
	}
	for _, c := range []struct {
		kind       LimitKind
		text, want string
	}{
		{LimitParams, "6", "6k? 6M?"}, {LimitMemory, "8", "8KB? 8MB?"}, {LimitMACs, "300", "300M? 300G?"}, {LimitParams, "6MB", "k, M or G"},
		{LimitMemory, "8M", "B, KB, MB"}, {LimitParams, "", "a number and a unit"}, {LimitParams, "M", "for example 6M"}, {LimitParams, "0M", "more than 0"},
		{LimitParams, "-6M", "more than 0"}, {LimitMACs, "1e999M", "finite"}, {LimitMACs, "0x10M", "a number"}, {LimitMACs, "infM", "a number"}, {LimitMemory, "NaNMB", "a number"},
	} {
		if v, err := ParseAmount(c.kind, c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, %v; want %q", c.text, v, err, c.want)
		}
	}
}

func TestCapText(t *testing.T) {
	for _, c := range []struct {
		kind LimitKind
		cap  float64
		want string
	}{
		{LimitParams, 6e6, "6M"}, {LimitParams, 4810500, "4.8105M"}, {LimitParams, 4810501, "4810.501k"}, {LimitParams, 900, "0.9k"}, {LimitMACs, 2.5e9, "2.5G"},
		{LimitMemory, 8e6, "8MB"}, {LimitMemory, 8 << 20, "8MiB"}, {LimitMemory, 1234567, "1234.567KB"}, {LimitLatency, 3.123456789, "3.123456789ms"},
	} {
		l := Limit{Kind: c.kind, Cap: c.cap}
		if v, err := ParseAmount(c.kind, l.CapText()); err != nil || v != c.cap || l.CapText() != c.want {
			t.Errorf("%v: %q, read as %v, %v; want %q", c.cap, l.CapText(), v, err, c.want)
		}
	}
	r := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		l := Limit{Kind: LimitKind(r.IntN(4)), Cap: math.Round(math.Exp(r.Float64()*25)*1e6) / 1e6}
		if v, err := ParseAmount(l.Kind, l.CapText()); err != nil || v != l.Cap && (l.Kind == LimitLatency || l.Cap < 1e9) {
			t.Fatalf("%+v is written %q, read as %v, %v", l, l.CapText(), v, err)
		}
	}
}

// severalLimits are limits that bind around the middle of the frontier.
func severalLimits(t *testing.T) []Limit {
	lut, err := LoadLUT("ort-cpu-224-2t")
	if err != nil {
		t.Fatal(err)
	}
	return []Limit{{Kind: LimitParams, Cap: 4.2e6}, {Kind: LimitMACs, Cap: 240e6}, {Kind: LimitMemory, Cap: 4e6}, {Cap: 3.6, LUT: lut, LUTName: "ort-cpu-224-2t"}}
}

// Pinning under several limits costs what the difference of two searches is.
func TestWhatIfUnderSeveralLimits(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	all := severalLimits(t)
	none := 0
	for i := range 25 {
		limits := all[i%2 : 1+i%2+r.IntN(3)]
		pins := solver.Pins{Depth: make([]int, 5), Allowed: make([]uint64, 20)}
		pins.Allowed[r.IntN(20)] = 1 << r.IntN(12)
		pins.Depth[r.IntN(5)] = 2 + r.IntN(3)
		e := defaultEngine(t, func(s *Setup) { s.Limits = limits })
		pinned := defaultEngine(t, func(s *Setup) { s.Limits, s.Pins = limits, pins })
		limit := e.MinLatencyMS() + r.Float64()*3
		got, err := e.WhatIf(t.Context(), pins, limit)
		want, err2 := pinned.Search(t.Context(), Request{LimitMS: limit})
		free, err3 := e.Search(t.Context(), Request{LimitMS: limit})
		if err = errors.Join(err, err2, err3); err != nil || got.Status != want.Status || got.Accuracy != want.Accuracy || got.LatencyMS != want.LatencyMS {
			t.Fatalf("%+v, want %+v, %v", got, want, err)
		}
		if got.Status == solver.Infeasible {
			none++
			continue
		}
		if got.Accuracy > free.Accuracy+ProvedGap || !pins.Allows(0, got.Path.Option[0]) {
			t.Errorf("pinned to %v %%, free %v %%", got.Accuracy, free.Accuracy)
		}
	}
	if none > 15 {
		t.Errorf("%d of 25 are infeasible", none)
	}
}

// Every point of the frontier under several limits is what a search at its
// latency finds, and between two points nothing is better.
func TestParetoUnderSeveralLimits(t *testing.T) {
	for n := 1; n <= 4; n++ {
		if testing.Short() && n != 2 {
			continue
		}
		e := defaultEngine(t, func(s *Setup) { s.Limits = severalLimits(t)[:n] })
		points, exact, err := e.Pareto(t.Context(), 1)
		if err != nil || !exact || len(points) < 50 {
			t.Fatalf("%d limits: %d points, %v", n, len(points), err)
		}
		r := rand.New(rand.NewPCG(9, uint64(n)))
		for range 20 {
			i := r.IntN(len(points))
			limit := points[i].LatencyMS
			if i+1 < len(points) {
				limit += (points[i+1].LatencyMS - limit) * r.Float64() * 0.999
			}
			f, err := e.Search(t.Context(), Request{LimitMS: limit})
			if err != nil || f.Accuracy != points[i].Accuracy || f.LatencyMS != points[i].LatencyMS {
				t.Fatalf("%d limits, at %v ms: %+v, %v; the frontier has %+v", n, limit, f.Solution, err, points[i])
			}
		}
	}
	e := defaultEngine(t, quadratic, func(s *Setup) { s.Limits = severalLimits(t) })
	if _, _, err := e.Pareto(t.Context(), 1); !errors.Is(err, ErrOptimizer) || !strings.Contains(err.Error(), "bilinear") {
		t.Error(err)
	}
}

// The reduced cost charges every limit at its shadow price.
func TestSensitivityUnderSeveralLimits(t *testing.T) {
	limits := severalLimits(t)
	e := defaultEngine(t, func(s *Setup) { s.Limits = limits })
	f, err := e.Search(t.Context(), Request{LimitMS: 6})
	if err != nil || f.Status != solver.Optimal {
		t.Fatal(f, err)
	}
	alone := defaultEngine(t).Sensitivity(&f.Solution, nil)
	sens := e.Sensitivity(&f.Solution, f.Limits)
	if len(sens.Options) != len(alone.Options) || len(sens.Depths) != len(alone.Depths) {
		t.Fatalf("%d and %d changes, latency alone %d and %d", len(sens.Options), len(sens.Depths), len(alone.Options), len(alone.Depths))
	}
	charged := 0
	for i, c := range sens.Options {
		net := c.Accuracy
		for k, l := range f.Limits {
			if l.ShadowPrice > 0 {
				net -= l.ShadowPrice * c.Uses[k]
				charged++
			}
		}
		if math.Abs(net-c.ReducedCost) > 1e-9 || math.Abs(c.Accuracy-alone.Options[i].Accuracy) > 1e-9 || math.Abs(c.LatencyMS-c.Uses[0]) > 1e-9 {
			t.Errorf("%+v, net %v", c, net)
		}
	}
	if charged == 0 {
		t.Error("no limit charges anything")
	}
	if out := e.Sensitivity(&f.Solution, nil); out.Options != nil {
		t.Error("explained without prices")
	}
}
