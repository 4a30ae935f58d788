package latency_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/devicetest"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
)

// shapeError is the mean error of a table on random networks of a device, one
// common factor taken out, and the factor.
func shapeError(t *testing.T, d *devicetest.Device, lut *latency.LUT) (shape, level float64) {
	t.Helper()
	table, err := lut.Table(d.Space)
	if err != nil {
		t.Fatal(err)
	}
	var ratios []float64
	for _, p := range latency.RandomNetworks(d.Space, 60, 77) {
		ratios = append(ratios, table.LatencyMS(d.Space, p)/d.TrueMS(p))
	}
	level = latency.Quantile(ratios, 0.5)
	for _, r := range ratios {
		shape += math.Abs(r/level-1) / float64(len(ratios))
	}
	return shape, level
}

// restless is a device on which everything goes wrong that does on real ones.
func restless(s *model.Space, seed uint64) *devicetest.Device {
	d := devicetest.New(s, seed)
	d.Interaction, d.Session, d.Noise, d.Busy = 0.005, 0.01, 0.03, 0.05
	d.GapMS, d.TraceMS = 0.0005, 0.002
	d.Drift = func(seconds float64) float64 {
		return 1.1 + 0.08*math.Sin(seconds) + 0.05*math.Sin(9*seconds) // 1.0 to 1.23
	}
	return d
}

// The error of the level is that of how fast the device was while networks were
// looked at: on a steady one what is believed, less with every group, and more
// where it was slow for some of them.
func TestTheLevelsErrorIsThatOfTheDevice(t *testing.T) {
	s := newSpace(t, 224)
	var errors []float64
	for _, slow := range []float64{1, 1.2} {
		d := devicetest.New(s, 1)
		d.Noise = 0.01
		d.Drift = func(seconds float64) float64 { return 1 + (slow-1)*math.Floor(math.Mod(seconds, 20)/10) }
		lut, err := latency.Measure(t.Context(), s, latency.MeasureOptions{Device: d})
		if err != nil {
			t.Fatal(err)
		}
		errors = append(errors, lut.Quality.LevelError)
		p := latency.ReferenceNetwork(s)
		shape, _ := lut.Shape(s, p)
		if all, known := lut.Deviation(s, p); !known || math.Abs(all-math.Hypot(lut.Quality.LevelError, shape)) > 1e-12 {
			t.Errorf("a network is certain to %v, its shape to %v, the level to %v", all, shape, lut.Quality.LevelError)
		}
	}
	if errors[0] > 0.03 || errors[0] < 0.005 || errors[1] < 0.06 || errors[1] > 0.2 {
		t.Errorf("steady %v, slow at times %v", errors[0], errors[1])
	}
}

// On a quiet device every block is found, and networks are predicted exactly:
// what tracing and the gaps between nodes take is not charged to blocks.
func TestContextFindsTheKnownCosts(t *testing.T) {
	for _, overhead := range [][2]float64{{0, 0}, {0.001, 0.003}, {0.004, 0}} {
		d := devicetest.New(newSpace(t, 224), 1)
		d.GapMS, d.TraceMS = overhead[0], overhead[1]
		lut, err := latency.Measure(t.Context(), d.Space, latency.MeasureOptions{Device: d, Name: "known"})
		if err != nil {
			t.Fatal(err)
		}
		if shape, level := shapeError(t, d, lut); shape > 1e-4 || math.Abs(level-1) > 1e-4 {
			t.Errorf("gaps and tracing %v: shape is off by %v, the level is %v", overhead, shape, level)
		}
		for key, ms := range d.BlockMS {
			nodes := 5.0
			if strings.Contains(key, "se_0.25") {
				nodes = 10
			}
			m := lut.Blocks[key]
			if want := ms + nodes*d.GapMS; math.Abs(m.MedianMS/want-1) > 1e-3 || m.Rounds < 2 || m.Spread > 1e-6 || math.Abs(m.MinMS-m.MedianMS) > 1e-6 {
				t.Errorf("gaps and tracing %v: %s is %+v: expected %v ms", overhead, key, m, want)
			}
		}
		q, p := lut.Quality, lut.Provenance
		if len(lut.Blocks) != 120 || q == nil || !q.Traced || q.Networks != 48 || q.Disturbed != "" || q.Halves < 0.999 ||
			p.Method != latency.InContext || p.Name != "known" || p.Processor != "simulated" || p.ImageSize != 224 || p.Date.IsZero() {
			t.Errorf("%d blocks, quality %+v, provenance %+v", len(lut.Blocks), q, p)
		}
		if d.Opened != d.Closed {
			t.Errorf("%d networks opened, %d closed", d.Opened, d.Closed)
		}
	}
}

// Drift, noise, interrupted runs, sessions that differ and networks that are not
// quite the sum of their blocks leave a table that ranks networks, at the level
// of an undisturbed device, and says how uncertain it is.
func TestContextWithstandsARestlessDevice(t *testing.T) {
	var tables []*latency.LUT
	d := restless(newSpace(t, 224), 2)
	for seed := range uint64(2) {
		lut, err := latency.Measure(t.Context(), d.Space, latency.MeasureOptions{Device: d, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		shape, level := shapeError(t, d, lut)
		if shape > 0.008 || level < 0.98 || level > 1.08 {
			t.Errorf("the shape is off by %.2f%%, the level is %.3f", 100*shape, level)
		}
		if q := lut.Quality; q.StandardError < 0.001 || q.StandardError > 0.015 || q.Speeds < 1.05 || q.Halves < 0.97 || q.Disturbed != "" {
			t.Errorf("quality %+v", q)
		}
		// The standard errors are those of the errors that are there.
		within, all := 0, 0
		for key, m := range lut.Blocks {
			nodes := 5.0
			if strings.Contains(key, "se_0.25") {
				nodes = 10
			}
			if off := math.Abs(m.MedianMS/level - d.BlockMS[key] - nodes*d.GapMS); off < 2*m.StandardErrorMS+0.01*m.MedianMS {
				within++
			}
			all++
		}
		if within < all*85/100 {
			t.Errorf("%d of %d blocks are within two standard errors", within, all)
		}
		tables = append(tables, lut)
	}
	a, _ := tables[0].Table(d.Space)
	b, _ := tables[1].Table(d.Space)
	differ := 0.0
	networks := latency.RandomNetworks(d.Space, 60, 78)
	for _, p := range networks {
		differ += math.Abs(a.LatencyMS(d.Space, p)/b.LatencyMS(d.Space, p)-1) / float64(len(networks))
	}
	if differ > 0.02 {
		t.Errorf("two tables differ by %.2f%% on networks", 100*differ)
	}
}

// Where a device gives no traces, or such as name no blocks, whole networks
// alone make the table, in the same form.
func TestContextWithoutTraces(t *testing.T) {
	fused := restless(newSpace(t, 224), 3)
	fused.Corrupt = func(trace *latency.Trace) {
		for i := range trace.Nodes {
			trace.Nodes[i] = "CoreMLExecutionProvider_0"
		}
	}
	untraced := restless(newSpace(t, 224), 3)
	untraced.Untraced = true
	ceases, traces := restless(newSpace(t, 224), 3), 0
	ceases.Corrupt = func(trace *latency.Trace) {
		if traces++; traces > 15 {
			fused.Corrupt(trace)
		}
	}
	for name, d := range map[string]*devicetest.Device{"untraced": untraced, "fused": fused, "ceases to trace": ceases} {
		lut, err := latency.Measure(t.Context(), d.Space, latency.MeasureOptions{Device: d})
		if err != nil {
			t.Fatal(err)
		}
		shape, level := shapeError(t, d, lut)
		if shape > 0.02 || level < 0.97 || level > 1.08 || lut.Quality.Traced || lut.Quality.Networks < 72 {
			t.Errorf("%s: the shape is off by %.2f%%, the level is %.3f; %+v", name, 100*shape, level, lut.Quality)
		}
		for key, m := range lut.Blocks {
			if !(m.MedianMS > 0) || !(m.StandardErrorMS > 0) || m.Rounds < 4 {
				t.Errorf("%s: %s is %+v", name, key, m)
			}
		}
		if d.Opened != d.Closed {
			t.Errorf("%s: %d networks opened, %d closed", name, d.Opened, d.Closed)
		}
	}
}

// A trace that is damaged once is made again; one that stays so ends the
// measurement with what is wrong, what was found before being kept.
func TestContextWithDamagedTraces(t *testing.T) {
	s := newSpace(t, 224)
	traces := 0
	d := devicetest.New(s, 1)
	d.Corrupt = func(trace *latency.Trace) {
		if traces++; traces%5 == 0 {
			trace.RunsMS = trace.RunsMS[:len(trace.RunsMS)-2]
		}
	}
	lut, err := latency.Measure(t.Context(), s, latency.MeasureOptions{Device: d})
	if err != nil {
		t.Fatal(err)
	}
	if shape, _ := shapeError(t, d, lut); shape > 1e-4 || traces < 50 {
		t.Errorf("%d traces, the shape is off by %v", traces, shape)
	}
	for name, c := range map[string]struct {
		corrupt func(*latency.Trace)
		want    string
	}{
		"cut":           {func(t *latency.Trace) { t.RunsMS = t.RunsMS[:3] }, "3 runs"},
		"unknown stage": {func(t *latency.Trace) { t.Nodes[7] = "blocks.9.0.conv_dw" }, "blocks.9.0.conv_dw"},
		"unknown block": {func(t *latency.Trace) { t.Nodes[7] = "blocks.1.7.conv_dw" }, "no block 1.7"},
		"negative time": {func(t *latency.Trace) { t.RunsMS[4][2] = -1 }, "-1 ms"},
		"ragged":        {func(t *latency.Trace) { t.RunsMS[4] = t.RunsMS[4][1:] }, "nodes"},
	} {
		d := devicetest.New(s, 1)
		d.Corrupt = func(trace *latency.Trace) {
			if name == "ragged" || name == "negative time" { // in a run that counts
				for r := range trace.RunsMS {
					trace.RunsMS[r] = append([]float64{}, trace.RunsMS[r]...)
				}
			}
			c.corrupt(trace)
		}
		_, err := latency.Measure(t.Context(), s, latency.MeasureOptions{Device: d})
		if !errors.Is(err, latency.ErrTrace) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if d.Opened != d.Closed {
			t.Errorf("%s: %d networks opened, %d closed", name, d.Opened, d.Closed)
		}
	}
}

// A device that is too disturbed gives no table; one that is somewhat so a table
// that says it, after more networks.
func TestContextOnADisturbedDevice(t *testing.T) {
	s := newSpace(t, 224)
	d := devicetest.New(s, 1)
	d.Session = 0.3
	_, err := latency.Measure(t.Context(), s, latency.MeasureOptions{Device: d})
	if !errors.Is(err, latency.ErrInconclusive) || !strings.Contains(err.Error(), "standard error") {
		t.Errorf("sessions that differ by 30%%: %v", err)
	}
	d = devicetest.New(s, 1)
	d.Drift = func(seconds float64) float64 { return 1 + math.Floor(math.Mod(seconds, 8)/4) }
	lut, err := latency.Measure(t.Context(), s, latency.MeasureOptions{Device: d})
	if err != nil || !strings.Contains(lut.Quality.Disturbed, "times slower") || lut.Quality.Networks != 96 {
		t.Fatalf("a device at half speed now and then: %+v, %v", lut, err)
	}
	if shape, _ := shapeError(t, d, lut); shape > 0.005 {
		t.Errorf("its table is off by %.2f%%", 100*shape)
	}
}

// What other programs take of every burst is not said to be of networks.
func TestContextOnABusyDevice(t *testing.T) {
	d := devicetest.New(newSpace(t, 224), 1)
	d.Drift = func(seconds float64) float64 {
		return 1 + 0.3*rand.New(rand.NewPCG(uint64(seconds/0.05), 1)).ExpFloat64()
	}
	lut, err := latency.Measure(t.Context(), d.Space, latency.MeasureOptions{Device: d})
	if err != nil {
		t.Fatal(err)
	}
	if q := lut.Quality; q.NetworkError > 0.04 || strings.Contains(q.Disturbed, "sum of their blocks") {
		t.Errorf("networks are the sums of their blocks: %+v", q)
	}
}

// Where large networks take more than the sum of their blocks, as beyond the caches,
// the table says so, and how far networks are from it.
func TestContextWhereNetworksAreNoSums(t *testing.T) {
	s := newSpace(t, 224)
	d := devicetest.New(s, 1)
	d.Convex = 0.8
	lut, err := latency.Measure(t.Context(), s, latency.MeasureOptions{Device: d})
	if err != nil {
		t.Fatal(err)
	}
	off, _ := shapeError(t, d, lut)
	if q := lut.Quality; q.NetworkError < off/2 || q.NetworkError < 0.04 || !strings.Contains(q.Disturbed, "sum of their blocks") {
		t.Errorf("the shape is off by %.2f%%, quality %+v", 100*off, q)
	}
	if shape, known := lut.Shape(s, latency.ReferenceNetwork(s)); !known || shape < lut.Quality.NetworkError {
		t.Errorf("a network is said to be within %v", shape)
	}
}

// A measurement that is cancelled goes on where it was: what was looked at is
// not looked at again, and the table is that of all of it.
func TestContextGoesOn(t *testing.T) {
	s := newSpace(t, 224)
	for _, share := range []int{0, 700, 1500} {
		o := latency.MeasureOptions{Folder: filepath.Join(t.TempDir(), "run")}
		ctx, cancel := context.WithCancel(t.Context())
		d := restless(s, 4)
		d.OnRun = func() {
			if d.Runs >= share {
				cancel()
			}
		}
		o.Device = d
		if _, err := latency.Measure(ctx, s, o); !errors.Is(err, context.Canceled) || d.Opened != d.Closed {
			t.Fatalf("cancelled: %v, %d opened, %d closed", err, d.Opened, d.Closed)
		}
		before := readRun(t, o.Folder)
		again := restless(s, 4)
		o.Device = again
		lut, err := latency.Measure(t.Context(), s, o)
		if err != nil {
			t.Fatal(err)
		}
		if kept := bytes.Count(before, []byte("\n")) - 1; again.Opened > 2*(48-max(kept, 0)) {
			t.Errorf("after %d networks %d sessions were opened", kept, again.Opened)
		}
		for line := range bytes.Lines(before) {
			if !bytes.Contains(readRun(t, o.Folder), line) {
				t.Errorf("gone from the file: %.80s", line)
			}
		}
		checkRepeats(t, s, o, lut)
	}
}

func readRun(t *testing.T, folder string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "measure.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// checkRepeats checks that a finished folder gives the same table again, with
// nothing run.
func checkRepeats(t *testing.T, s *model.Space, o latency.MeasureOptions, want *latency.LUT) {
	t.Helper()
	idle := devicetest.New(s, 4)
	o.Device = idle
	have, err := latency.Measure(t.Context(), s, o)
	if err != nil || idle.Opened > 0 {
		t.Fatalf("%d sessions opened, %v", idle.Opened, err)
	}
	a, errA := latency.EncodeLUT(have)
	b, errB := latency.EncodeLUT(want)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Errorf("the same file gives another table (%v, %v)", errA, errB)
	}
}

// The same after kill -9, five times, and a last line that is half written: what
// was found before a kill stays, and the table is that of the file, byte for byte.
func TestContextGoesOnAfterAKill(t *testing.T) {
	s := newSpace(t, 224)
	if folder := os.Getenv("LATENCY_TEST_CONTEXT"); folder != "" {
		d := restless(s, 4)
		d.OnRun = func() {
			if os.Getenv("LATENCY_TEST_RUNS") == strconv.Itoa(d.Runs) {
				self, _ := os.FindProcess(os.Getpid())
				self.Kill()
				select {}
			}
		}
		latency.Measure(context.Background(), s, latency.MeasureOptions{Device: d, Folder: folder})
		return
	}
	o := latency.MeasureOptions{Folder: t.TempDir()}
	var kept []byte
	for _, runs := range []string{"500", "1500", "500", "1500", "500"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestContextGoesOnAfterAKill$")
		cmd.Env = append(os.Environ(), "LATENCY_TEST_CONTEXT="+o.Folder, "LATENCY_TEST_RUNS="+runs)
		if out, err := cmd.CombinedOutput(); err == nil {
			t.Fatalf("the process was not killed: %s", out)
		}
		before := kept
		kept = readRun(t, o.Folder)
		for line := range bytes.Lines(before) {
			if !bytes.Contains(kept, line) {
				t.Fatalf("another kill lost %.80s", line)
			}
		}
	}
	if bytes.Count(kept, []byte("\n")) < 5 {
		t.Fatalf("the killed processes left %d bytes", len(kept))
	}
	half := append(bytes.Clone(kept), `{"network":40,"round":0,"bursts":[{"at`...)
	if err := os.WriteFile(filepath.Join(o.Folder, "measure.jsonl"), half, 0o644); err != nil {
		t.Fatal(err)
	}
	d := restless(s, 4)
	o.Device = d
	lut, err := latency.Measure(t.Context(), s, o)
	if err != nil || !bytes.HasPrefix(readRun(t, o.Folder), kept[:bytes.IndexByte(kept, '\n')]) {
		t.Fatal(err)
	}
	checkRepeats(t, s, o, lut)
}

// A damaged line loses its network alone, which is looked at again, and is told.
func TestContextLosesADamagedLine(t *testing.T) {
	s := newSpace(t, 224)
	o := latency.MeasureOptions{Device: devicetest.New(s, 4), Folder: t.TempDir()}
	if _, err := latency.Measure(t.Context(), s, o); err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(readRun(t, o.Folder), []byte("\n"))
	lines[9] = bytes.Replace(lines[9], []byte(`"runs_ms":[`), []byte(`"runs_ms":[7`), 1)
	lines[20] = append(lines[20][:len(lines[20])/2], '\n')
	if err := os.WriteFile(filepath.Join(o.Folder, "measure.jsonl"), bytes.Join(lines, nil), 0o644); err != nil {
		t.Fatal(err)
	}
	d := devicetest.New(s, 4)
	o.Device = d
	warned := ""
	o.Warn = func(text string) { warned += text }
	lut, err := latency.Measure(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	if shape, _ := shapeError(t, d, lut); d.Opened != 4 || shape > 1e-4 || !strings.Contains(warned, "10") || !strings.Contains(warned, "21") {
		t.Errorf("%d sessions opened: expected 4; the shape is off by %v; told %q", d.Opened, shape, warned)
	}
}

// One folder is for one measurement at a time, and for one kind of them.
func TestContextFolders(t *testing.T) {
	s := newSpace(t, 224)
	o := latency.MeasureOptions{Device: devicetest.New(s, 4), Folder: t.TempDir()}
	var inside error
	o.Progress = func(p latency.MeasureProgress) {
		if p.Done > 0 && inside == nil {
			other := o
			other.Device, other.Progress = devicetest.New(s, 4), nil
			_, inside = latency.Measure(t.Context(), s, other)
		}
	}
	if _, err := latency.Measure(t.Context(), s, o); err != nil || !errors.Is(inside, safefile.ErrLocked) {
		t.Errorf("%v; meanwhile another: %v", err, inside)
	}
	for name, other := range map[string]latency.MeasureOptions{
		"seed":       {Device: o.Device, Seed: 9, Folder: o.Folder},
		"classes":    {Device: o.Device, Classes: 10, Folder: o.Folder},
		"runtime":    {Folder: o.Folder},
		"image_size": {Device: o.Device, Folder: o.Folder},
	} {
		space := s
		if name == "image_size" {
			space = newSpace(t, 96)
		}
		if _, err := latency.Measure(t.Context(), space, other); !errors.Is(err, latency.ErrRunMismatch) || !strings.Contains(err.Error(), name) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	if !latency.KeepsRounds(o.Folder) {
		t.Error("the folder keeps nothing")
	}
	latency.RemoveRun(o.Folder)
	if _, err := os.Stat(o.Folder); err == nil {
		t.Error("the folder is still there")
	}
}

// Progress ends at its total; the table fills up and ends as the result.
func TestContextProgress(t *testing.T) {
	s := newSpace(t, 224)
	var all []latency.MeasureProgress
	var parts []map[string]latency.Measurement
	lut, err := latency.Measure(t.Context(), s, latency.MeasureOptions{Device: restless(s, 4),
		Progress: func(p latency.MeasureProgress) { all = append(all, p) },
		Partial:  func(m map[string]latency.Measurement) { parts = append(parts, m) }})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range all {
		if p.Done > p.Total || i > 0 && p.Done < all[i-1].Done || p.Unit != "network" {
			t.Errorf("report %d is %+v", i, p)
		}
	}
	if last := all[len(all)-1]; last.Done != 48 || last.Total != 48 || last.Remaining != 0 || fmt.Sprint(last) != "network 48 of 48" {
		t.Errorf("the last report is %v", last)
	}
	if len(parts) < 4 || len(parts[0]) >= len(parts[len(parts)-1])+1 || len(parts[0]) < 60 {
		t.Fatalf("%d parts, the first of %d blocks", len(parts), len(parts[0]))
	}
	last := parts[len(parts)-1]
	if last[latency.FixedKey] != lut.Fixed || len(last) != 121 {
		t.Errorf("the last part has %d blocks, the fixed part %+v: expected %+v", len(last), last[latency.FixedKey], lut.Fixed)
	}
	for key, m := range lut.Blocks {
		if last[key] != m {
			t.Errorf("the last part has %s as %+v: expected %+v", key, last[key], m)
		}
	}
}

// On this machine: a table of the wider space, of two threads and images.
func TestContextOnThisMachine(t *testing.T) {
	onnxtest.Require(t)
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, c := range []struct {
		space string
		o     latency.MeasureOptions
	}{{space: model.MobileNASNetLarge, o: latency.MeasureOptions{Networks: 24, Threads: 2, Batch: 2, Classes: 10}}} {
		s, err := model.NewSpace(c.space, 32)
		if err != nil {
			t.Fatal(err)
		}
		lut, err := latency.Measure(t.Context(), s, c.o)
		if errors.Is(err, latency.ErrInconclusive) { // others have the processor: that it says so is right
			t.Log(err)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if p := lut.Provenance; !lut.Quality.Traced || len(lut.Blocks) != 120 || p.Threads != max(1, c.o.Threads) || p.Batch != max(1, c.o.Batch) || p.Space != c.space {
			t.Errorf("%d blocks, %+v, %+v", len(lut.Blocks), lut.Quality, p)
		}
	}
}
