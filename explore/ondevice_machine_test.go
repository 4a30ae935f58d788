package explore

import (
	"flag"
	"math"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// The machine itself is measured where it is asked for: figures of a busy one are
// worth nothing.
//
//	go test ./explore -run OnThisMachine -v -machine -limits 20
var (
	onMachine     = flag.Bool("machine", false, "search on this machine too, with ONNX Runtime")
	machineLimits = flag.Int("limits", 20, "limits over the range that are searched for on this machine")
	machineFirst  = flag.Int("first", 0, "the first of them")
	machineMost   = flag.Int("most", 1000, "how many of them, from the first on")
	machineTable  = flag.String("table", "", "latency table that is searched by")
	machineFresh  = flag.Int("fresh", 12, "fresh measurements of every answer")
)

// Searches over the range of a table on this machine; each answer is measured
// afresh right after, beside the same reference.
func TestOnThisMachine(t *testing.T) {
	if !*onMachine {
		t.Skip("give -machine to measure this machine")
	}
	if _, err := onnx.Open(""); err != nil {
		t.Fatal(err)
	}
	userData(t)
	setup, err := Load("", *machineTable, "")
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(t.Context(), setup)
	if err != nil {
		t.Fatal(err)
	}
	p := e.LUT.Provenance
	machine := latency.NewMachine(latency.MachineOptions{Threads: p.Threads, Batch: p.Batch})
	t.Log("limit ms  estimate ms      fresh ms         upper/limit  measurements  networks  seconds  noise %  level  lost to the table's best")
	var counts, lost []float64
	for i := *machineFirst; i < min(*machineFirst+*machineMost, *machineLimits); i++ {
		level := 1.0
		file, err := OpenObservations(e.LUT, latency.NewObservationHeader("t", e.LUT, e.Space, machine.Provenance(), 1000))
		if err != nil {
			t.Fatal(err)
		}
		if l, err := e.LUT.Learn(file.Observations, time.Now()); err == nil && l.Set() {
			level = l.Level
		} else { // a first look, so that limits are spread over what this machine reaches
			level = firstLook(t, e, machine)
		}
		share := (float64(i) + 1) / (float64(*machineLimits) + 1)
		limit := level * (e.MinLatencyMS() + share*(e.MaxLatencyMS()-e.MinLatencyMS()))
		start := time.Now()
		meter, err := latency.NewMeter(t.Context(), machine, e.Space, start.Format(time.RFC3339Nano))
		if err != nil {
			t.Fatal(err)
		}
		k, err := e.SearchOnDevice(t.Context(), OnDevice{Request: Request{LimitMS: limit}, Measure: meter, Observation: file})
		took := time.Since(start).Seconds()
		if err != nil {
			t.Errorf("%8.3f  %v", limit, err)
		} else {
			fresh, half := freshMS(t, e, meter, file, k.Path)
			counts, lost = append(counts, float64(k.Measurements)), append(lost, k.Bound-k.Accuracy)
			t.Logf("%8.3f  %6.3f ± %5.3f  %6.3f ± %5.3f  %11.4f  %12d  %8d  %7.1f  %7.2f  %5.3f  %.3f",
				limit, k.MeasuredMS, k.MarginMS, fresh, half, (fresh+half)/limit, k.Measurements, k.Networks, took, 100*k.Noise, k.Engine.LUT.Learnt.Level, k.Bound-k.Accuracy)
			if fresh+half > 1.01*limit {
				t.Errorf("limit %.3f ms: fresh measurements say %.3f ± %.3f ms", limit, fresh, half)
			}
			if took > 20 {
				t.Errorf("limit %.3f ms: %.1f seconds", limit, took)
			}
		}
		meter.Close()
		file.Close()
	}
	t.Logf("measurements: median %v, 95%% %v; lost: mean %.3f points", latency.Quantile(counts, 0.5), latency.Quantile(counts, 0.95), stat.Mean(lost, nil))
	if m := latency.Quantile(counts, 0.5); m > 8 {
		t.Errorf("%v measurements (median): expected at most 8", m)
	}
}

// firstLook is about how many times the table's latency the reference takes.
func firstLook(t *testing.T, e *Engine, d latency.Device) float64 {
	t.Helper()
	path := latency.ReferenceNetwork(e.Space)
	m, err := latency.MeasureNetwork(t.Context(), e.Space.Architecture(path), e.Space.ImageSize, latency.MeasureOptions{Device: d, Rounds: 1})
	if err != nil {
		t.Fatal(err)
	}
	return m.MedianMS / e.LatencyMS(path)
}

// freshMS measures a network anew, stated for the machine as it was while the
// search lasted, and returns the mean and half the width of its 95% interval.
func freshMS(t *testing.T, e *Engine, meter *latency.Meter, file *ObservationFile, path model.Path) (mean, half float64) {
	t.Helper()
	var reference []float64 // what its sessions took during the search
	n := 0.0
	for _, o := range file.Made {
		if o.Opening == meter.Opening() {
			for i, ms := range o.ReferenceMS {
				if i == len(reference) {
					reference = append(reference, 0)
				}
				reference[i] += ms
			}
			n++
		}
	}
	var values []float64
	for range *machineFresh {
		o, err := meter.Observe(t.Context(), e.Space.Architecture(path))
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i, ms := range o.MS {
			sum += ms / o.ReferenceMS[i] * reference[i] / n
		}
		values = append(values, sum/float64(len(o.MS)))
	}
	mean, sd := stat.MeanStdDev(values, nil)
	n = float64(len(values))
	return mean, distuv.StudentsT{Sigma: 1, Nu: n - 1}.Quantile(0.975) * sd / math.Sqrt(n)
}
