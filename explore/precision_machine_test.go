package explore

import (
	"flag"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"

	"github.com/binas-tui/binas-tui/fit/published"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/solver"
)

// What integers gain, and what a table of them is worth beside one of floats:
//
//	go test ./explore -run PrecisionsOnThisMachine -v -machine -tables fp32.json,int8.json
var (
	machineTables = flag.String("tables", "", "a table in fp32 and one in int8, with a comma between them")
	machineTurns  = flag.Int("turns", 25, "how often networks take turns")
	machinePairs  = flag.Int("pairs", 4, "limits at which the tables disagree most")
)

// BINAS A and F in both precisions take turns. Then, at limits where the best network by
// the table of floats is furthest from the best by that of integers, both networks do,
// in integers.
func TestPrecisionsOnThisMachine(t *testing.T) {
	if !*onMachine || *machineTables == "" {
		t.Skip("give -machine and -tables to measure this machine")
	}
	if _, err := onnx.Open(""); err != nil {
		t.Fatal(err)
	}
	machines := map[onnx.Precision]*latency.Machine{}
	for _, p := range onnx.Precisions() {
		machines[p] = latency.NewMachine(latency.MachineOptions{Precision: p})
	}
	open := func(arch model.Architecture, p onnx.Precision) latency.OpenNetwork {
		n, err := machines[p].Open(t.Context(), arch, 224)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { n.Close() })
		return n
	}
	// turns are what networks take, and how much longer the first takes than the others
	// right after it: mean of its logarithm and standard error.
	turns := func(networks []latency.OpenNetwork) (tookMS, gain, off []float64) {
		logs := make([][]float64, len(networks))
		all := make([][]float64, len(networks))
		for range *machineTurns {
			took, err := latency.InTurn(t.Context(), networks, 1)
			if err != nil {
				t.Fatal(err)
			}
			for i, ms := range took {
				all[i], logs[i] = append(all[i], ms), append(logs[i], math.Log(took[0]/ms))
			}
		}
		for i := range networks {
			mean, deviation := stat.MeanStdDev(logs[i], nil)
			tookMS, gain, off = append(tookMS, latency.Quantile(all[i], 0.5)), append(gain, math.Exp(mean)), append(off, deviation/math.Sqrt(float64(*machineTurns)))
		}
		return tookMS, gain, off
	}
	for _, n := range published.Networks() {
		if n.Name == "BINAS A" || n.Name == "BINAS F" {
			took, gain, off := turns([]latency.OpenNetwork{open(n.Architecture, onnx.FP32), open(n.Architecture, onnx.INT8)})
			t.Logf("%s: %.3f ms in fp32, %.3f ms in int8: %.3f ± %.3f times as fast", n.Name, took[0], took[1], gain[1], 2*off[1])
		}
	}

	userData(t)
	var engines []*Engine
	var frontiers []*solver.Frontier
	for _, file := range strings.Split(*machineTables, ",") {
		setup, err := Load("", file, "")
		if err != nil {
			t.Fatal(err)
		}
		e, err := New(t.Context(), setup)
		if err != nil {
			t.Fatal(err)
		}
		f, err := e.Frontier(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		engines, frontiers = append(engines, e), append(frontiers, f)
	}
	type pair struct {
		limitMS                 float64 // in fp32
		floats, accurate, quick int     // points of the frontiers: the best by either table
		saved                   float64 // of its latency in int8, by that table
		ms                      float64
	}
	floats, integers := frontiers[0], frontiers[1]
	var pairs []pair
	for i, p := range floats.Points {
		var path model.Path
		floats.Path(&path, i)
		on := engines[1].LatencyMS(path)
		quick := slices.IndexFunc(integers.Points, func(q solver.Point) bool { return q.Accuracy >= p.Accuracy-1e-9 })
		if accurate := integers.At(on); quick >= 0 && accurate >= 0 {
			pairs = append(pairs, pair{p.LatencyMS, i, accurate, quick, 1 - integers.Points[quick].LatencyMS/on, on})
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		if a.saved > b.saved {
			return -1
		}
		return 1
	})
	t.Logf("saved by the table of integers: median %.2f%%, most %.2f%%, over %d limits", 100*pairs[len(pairs)/2].saved, 100*pairs[0].saved, len(pairs))
	var taken []pair
	for _, p := range pairs {
		if len(taken) == *machinePairs || slices.ContainsFunc(taken, func(q pair) bool { return math.Abs(q.limitMS/p.limitMS-1) < 0.08 }) {
			continue
		}
		taken = append(taken, p)
		var path model.Path
		var networks []latency.OpenNetwork
		var archs []string
		for k, i := range []int{p.floats, p.quick, p.accurate} {
			frontiers[min(k, 1)].Path(&path, i)
			arch := engines[0].Space.Architecture(path)
			networks, archs = append(networks, open(arch, onnx.INT8)), append(archs, arch.String())
		}
		took, gain, off := turns(networks)
		quick, accurate := integers.Points[p.quick], integers.Points[p.accurate]
		t.Logf("limit %.3f ms in fp32: its best, %.2f%%, takes %.3f ms in int8 (table %.3f)\n  as accurate by the table of integers, %.2f%%: %.3f ms (table %.3f), %.2f ± %.2f%% faster (table %.2f%%)\n  as fast: %.2f%%, %.3f ms (table %.3f), %+.2f ± %.2f%% slower\n%s",
			p.limitMS, floats.Points[p.floats].Accuracy, took[0], p.ms,
			quick.Accuracy, took[1], quick.LatencyMS, 100*(gain[1]-1), 200*off[1], 100*p.saved,
			accurate.Accuracy, took[2], accurate.LatencyMS, 100*(1/gain[2]-1), 200*off[2], strings.Join(archs, "\n"))
	}
}
