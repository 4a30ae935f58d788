package cli

import (
	"context"
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/devicetest"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
)

// simulated replaces this machine by a device whose costs are the built-in
// table's times a level, as networks differ and as a quiet machine wavers.
func simulated(t *testing.T, level float64) *devicetest.Device {
	t.Helper()
	ownData(t)
	e := defaultEngine(t)
	d := devicetest.New(e.Space, 1)
	for b := range e.Space.NumBlocks() {
		for i, o := range e.Space.Options {
			d.BlockMS[e.Space.Block(b).LUTKey(o)] = level * e.Table.BlockMS[b*e.Space.NumOptions()+i]
		}
	}
	d.FixedMS = level * e.Table.FixedMS
	d.Interaction, d.Session, d.Noise = 0.007, 0.01, 0.01
	d.Drift = func(seconds float64) float64 { return 1 + 0.1*math.Sin(seconds) }
	real := deviceOf
	deviceOf = func(context.Context, *app, *explore.Engine, certainty) (latency.Device, error) { return here{d}, nil }
	t.Cleanup(func() { deviceOf = real })
	return d
}

// here is a simulated device that says it is this processor.
type here struct{ *devicetest.Device }

func (h here) Provenance() latency.Provenance {
	p := h.Device.Provenance()
	p.Processor = latency.NewMachine(latency.MachineOptions{}).Provenance().Processor
	return p
}

// keptJSON is what scripts read of a search on the device.
type keptJSON struct {
	searchJSON
	MeasuredMS       float64    `json:"measured_ms"`
	MeasuredCIMS     [2]float64 `json:"measured_ci_ms"`
	NetworksMeasured int        `json:"networks_measured"`
	Measurements     int
	Confidence       float64
	Level            struct{ Factor, Deviation float64 }
	Rounds           []map[string]any
	LatencyDeviation *float64 `json:"latency_deviation_ms"`
	Lowered          *float64 `json:"lowered_limit_ms"`
}

func TestSearchOnDevice(t *testing.T) {
	d := simulated(t, 1.2)
	for i, args := range []string{"", "--pin 2.1=k5", "--max-params 5M", "--nas-optimizer bcfw --confidence 90%"} {
		r := decode[keptJSON](t, mustRun(t, strings.Fields("search --limit 5ms --on-device --json "+args)...))
		arch, err := model.ParseArchitecture(*r.Architecture)
		if err != nil {
			t.Fatal(err)
		}
		path, err := d.Space.Path(arch)
		if err != nil {
			t.Fatal(err)
		}
		// The level wanders by a tenth and back: over a search it is about 1.
		if ms := d.TrueMS(path); math.Abs(r.MeasuredMS/ms-1) > 0.08 || r.MeasuredCIMS[1] > 5 || !(r.MeasuredCIMS[0] < r.MeasuredMS && r.MeasuredMS < r.MeasuredCIMS[1]) {
			t.Errorf("%q: measured %v of %v ms, truly %v ms", args, r.MeasuredMS, r.MeasuredCIMS, ms)
		}
		if math.Abs(r.Level.Factor/1.2-1) > 0.08 || !(r.Level.Deviation > 0) || len(r.Rounds) != r.Measurements || r.NetworksMeasured < 1 || r.NetworksMeasured > r.Measurements {
			t.Errorf("%q: level %+v, %d measurements of %d networks, %d rounds", args, r.Level, r.Measurements, r.NetworksMeasured, len(r.Rounds))
		}
		if want := []float64{0.95, 0.95, 0.95, 0.9}[i]; r.Confidence != want || r.LatencyDeviation == nil || *r.Gap < 0 {
			t.Errorf("%q: confidence %v, deviation %v, gap %v", args, r.Confidence, r.LatencyDeviation, *r.Gap)
		}
	}
	text := mustRun(t, "search", "--limit", "5ms", "--on-device")
	for _, want := range []string{"kept on the device: ", " ms ± ", "limit 5.000 ms (with 95% confidence, if the noise is as estimated)", "measurements of", "better by more than 0.03 points",
		"times what the table holds", "kept  why"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	// What was learnt is shown, counts from now on, and can be thrown away.
	if text := mustRun(t, "lut", "show"); !strings.Contains(text, "level        times 1.") || !strings.Contains(text, "lut forget") {
		t.Errorf("lut show:\n%.900s", text)
	}
	learnt := decode[keptJSON](t, mustRun(t, "search", "--limit", "5ms", "--json"))
	if math.Abs(learnt.Level.Factor/1.2-1) > 0.08 || *learnt.LatencyMS > 5 || learnt.LatencyDeviation == nil {
		t.Errorf("after it: level %v, %v ms, ± %v", learnt.Level, *learnt.LatencyMS, learnt.LatencyDeviation)
	}
	if text := mustRun(t, "explain", "--limit", "5ms"); !strings.Contains(text, " ± ") {
		t.Errorf("explain:\n%.300s", text)
	}
	certain := decode[keptJSON](t, mustRun(t, "search", "--limit", "5ms", "--json", "--confidence", "95%"))
	if up := *certain.LatencyMS + 1.64485*(*certain.LatencyDeviation); up > 5+1e-6 || up < 4.8 || !(*certain.Lowered < 5) || certain.LimitMS != 5 {
		t.Errorf("by the table alone: %v ± %v ms below %v", *certain.LatencyMS, *certain.LatencyDeviation, *certain.Lowered)
	}
	if text := mustRun(t, "search", "--limit", "5ms", "--confidence", "95%"); !strings.Contains(text, "by the table alone") || !strings.Contains(text, "proved of the lowered limit") {
		t.Errorf("by the table alone:\n%.300s", text)
	}
	if text := mustRun(t, "lut", "forget"); !strings.Contains(text, "forgotten") {
		t.Error(text)
	}
	if text := mustRun(t, "lut", "show"); strings.Contains(text, "lut forget") {
		t.Errorf("forgotten and still there:\n%.600s", text)
	}
	if text := mustRun(t, "lut", "forget"); !strings.Contains(text, "nothing was measured") {
		t.Error(text)
	}
}

func TestSearchOnDeviceRefuses(t *testing.T) {
	d := simulated(t, 1.2)
	for _, c := range []struct {
		args string
		code int
		text string
	}{
		{"--limit 3.9ms --on-device", exitNothing, "least measured latency is 4."},
		{"--on-device", exitUsage, "--limit"},
		{"--max-params 5M --on-device", exitUsage, "--limit"},
		{"--limit 5ms --on-device --top 3", exitUsage, "--top 3"},
		{"--limit 5ms --confidence 0.95", exitUsage, `confidence "0.95" has no unit: 0.95%?`},
		{"--limit 5ms --confidence 95", exitUsage, "95%?"},
		{"--limit 5ms --confidence 40% --on-device", exitUsage, "more than 50%"},
		{"--limit 5ms --confidence high", exitUsage, "for example 95%"},
	} {
		if r := runCLI(t, strings.Fields("search "+c.args)...); r.code != c.code || !strings.Contains(r.err, c.text) || r.out != "" {
			t.Errorf("%s: code %d, %s%.100s", c.args, r.code, r.err, r.out)
		}
	}
	// A table that says nothing of its errors gives no confidence, and no ±.
	mustRun(t, "lut", "forget")
	isolated := []string{"search", "--limit", "5ms", "--lut", filepath.Join("..", "latency", "testdata", "isolated.json")}
	plain := decode[map[string]json.RawMessage](t, mustRun(t, append(isolated, "--json")...))
	if deviation := string(plain["latency_deviation_ms"]); deviation != "null" {
		t.Errorf("a table of blocks alone is certain to %s ms", deviation)
	}
	if r := runCLI(t, append(isolated, "--confidence", "95%")...); r.code != exitUsage || !strings.Contains(r.err, "does not know its errors") {
		t.Errorf("code %d, %s", r.code, r.err)
	}
	mustRun(t, "search", "--limit", "5ms", "--on-device")
	deviceOf = func(context.Context, *app, *explore.Engine, certainty) (latency.Device, error) { return d, nil } // another processor
	if r := runCLI(t, "search", "--limit", "5ms", "--on-device"); r.code != exitUsage || !strings.Contains(r.err, "processor was") || !strings.Contains(r.err, "lut forget") {
		t.Errorf("observations of another processor: code %d, %s", r.code, r.err)
	}
	d.Session = 0.4
	mustRun(t, "lut", "forget")
	if r := runCLI(t, "search", "--limit", "5ms", "--on-device"); r.code != exitFailed || !strings.Contains(r.err, "inconclusive") || !strings.Contains(r.err, "what helps") {
		t.Errorf("a disturbed machine: code %d, %s", r.code, r.err)
	}
}
