package latency

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/jsonl"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

func observationSpace(t testing.TB) *model.Space {
	t.Helper()
	s, err := model.NewSpace(model.MobileNASNet, 224)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func header(s *model.Space) ObservationHeader {
	return NewObservationHeader("t", &LUT{}, s, Provenance{Device: "cpu", Processor: "p", Runtime: "r", Threads: 1, Batch: 1}, 1000)
}

// file writes observations as they are kept.
func file(t testing.TB, h ObservationHeader, lines ...any) []byte {
	t.Helper()
	key, err := jsonl.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonl.Encode(h, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		line, err := jsonl.Encode(l, key)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, line...)
	}
	return out
}

// The drift that a network and the reference share is taken out, within an
// opening session by session, from an earlier one by the reference alone.
func TestKnownTakesTheDriftOut(t *testing.T) {
	s := observationSpace(t)
	obs := Observations{Header: header(s)}
	add := func(arch, opening string, speed float64, layout [2]float64) {
		obs.Made = append(obs.Made, Observation{
			Architecture: arch, Opening: opening,
			MS: []float64{5 * speed, 5 * speed}, ReferenceMS: []float64{4 * speed * layout[0], 4 * speed * layout[1]},
		})
	}
	same := [2]float64{1, 1.02}
	add("a", "old", 2, [2]float64{1.01, 1.01})
	for _, speed := range []float64{0.9, 1, 1.1} {
		add("a", "new", speed, same)
	}
	known, left := obs.Known("", func(arch string) (float64, float64, bool) { return 5, 0, arch != "stranger" })
	if left != 0 || len(known) != 3 {
		t.Fatalf("%d known, %d left out", len(known), left)
	}
	if r := known[0]; r.ID != obs.Header.Reference || math.Abs(r.mean()-4*1.01) > 1e-12 {
		t.Errorf("the reference: %v", r)
	}
	if a := known[1]; a.Opening != 0 || len(a.MS) != 3 {
		t.Errorf("of the last opening: %+v", a)
	}
	for _, k := range known[1:] {
		for _, ms := range k.MS {
			for _, v := range ms {
				if math.Abs(v-5) > 1e-9 {
					t.Errorf("opening %d: %v ms, want 5 ms", k.Opening, v)
				}
			}
		}
	}
	if a := known[2]; a.Opening == 0 {
		t.Error("an earlier opening counts as the last")
	}
	obs.Made[0].Architecture = "stranger"
	if _, left := obs.Known("", func(arch string) (float64, float64, bool) { return 5, 0, arch != "stranger" }); left != 1 {
		t.Errorf("a network that the table does not know: %d left out", left)
	}
	// Before anything was measured beside an opening, the last one stands for it.
	if early, _ := obs.Known("none yet", func(string) (float64, float64, bool) { return 5, 0, true }); len(early) != 3 || early[0].mean() != known[0].mean() {
		t.Errorf("%d known", len(early))
	}
}

// What was learnt is less certain with time, with another opening, and the more so
// the more openings differ.
func TestTheLevelLearntWidens(t *testing.T) {
	s := observationSpace(t)
	lut := &LUT{Blocks: map[string]Measurement{}, Fixed: Measurement{MedianMS: 1}}
	for b := range s.NumBlocks() {
		for _, option := range s.Options {
			lut.Blocks[s.Block(b).LUTKey(option)] = Measurement{MedianMS: 0.25}
		}
	}
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	learnt := func(age time.Duration, speeds ...float64) Learnt {
		obs := Observations{Header: header(s)}
		for i, speed := range speeds {
			for range 4 {
				obs.Made = append(obs.Made, Observation{Architecture: obs.Header.Reference, Opening: string(rune('a' + i)), Date: now.Add(-age),
					MS: []float64{4 * speed, 4 * speed}, ReferenceMS: []float64{4 * speed, 4 * speed}})
			}
		}
		l, err := lut.Learn(obs, now)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	one := learnt(0, 1)
	if day := learnt(24*time.Hour, 1); one.SD < 0.03*one.Level || day.SD < 1.3*one.SD || day.Level != one.Level {
		t.Errorf("at once %v ± %v, a day later %v ± %v", one.Level, one.SD, day.Level, day.SD)
	}
	if year := learnt(8760*time.Hour, 1); year.SD < 0.095*one.Level || year.SD > 0.11*one.Level {
		t.Errorf("a year later %v ± %v: expected the prior's 10%%", year.Level, year.SD)
	}
	if steady := learnt(0, 1, 1, 1, 1, 1, 1); steady.SD >= one.SD {
		t.Errorf("openings that agree: %v ± %v, one %v ± %v", steady.Level, steady.SD, one.Level, one.SD)
	}
	// The second opening is 26% faster: the first level is well within two deviations.
	if busy := learnt(0, 2.44, 1.8); busy.Level+4*busy.SD < 2.44/1.8*busy.Level || busy.SD < 0.08*busy.Level {
		t.Errorf("openings that differ by 2.44 to 1.8: %v ± %v", busy.Level, busy.SD)
	}
}

func TestObservationsOfAnotherDeviceDiffer(t *testing.T) {
	s := observationSpace(t)
	now := header(s)
	for name, change := range map[string]func(*ObservationHeader){
		"processor": func(h *ObservationHeader) { h.Processor = "q" }, "runtime": func(h *ObservationHeader) { h.Runtime = "q" },
		"threads": func(h *ObservationHeader) { h.Threads = 2 }, "batch": func(h *ObservationHeader) { h.Batch = 8 }, "precision": func(h *ObservationHeader) { h.Precision = onnx.INT8 },
		"image size": func(h *ObservationHeader) { h.ImageSize = 32 }, "target": func(h *ObservationHeader) { h.Target = "cuda" },
		"table": func(h *ObservationHeader) { h.TableHash = "0" }, "classes": func(h *ObservationHeader) { h.Classes = 10 },
		"space": func(h *ObservationHeader) { h.Space = model.MobileNASNetLarge }, "reference network": func(h *ObservationHeader) { h.Reference = "" },
	} {
		then := now
		change(&then)
		if err := then.Differs(now); !errors.Is(err, ErrOtherDevice) || !strings.Contains(err.Error(), name) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	renamed := now
	renamed.Table = "other"
	if err := renamed.Differs(now); err != nil {
		t.Error(err)
	}
}

func TestReadObservations(t *testing.T) {
	s := observationSpace(t)
	h := header(s)
	o := Observation{Architecture: "a", MS: []float64{1, 2}, ReferenceMS: []float64{3, 4}, Opening: "x", Search: "s"}
	data := file(t, h, o, o, SearchEnd{"s"}, o)
	obs, lost, err := ReadObservations(append(data, `{"architecture":"tor`...))
	if err != nil || lost.Count != 0 || len(obs.Made) != 3 || obs.Header != h {
		t.Fatalf("%d observations, lost %v, %v", len(obs.Made), lost, err)
	}
	if own := obs.Of("s"); len(own) != 1 {
		t.Errorf("%d of the search since it ended", len(own))
	}
	for name, bad := range map[string]Observation{
		"no latency":   {ReferenceMS: []float64{1}},
		"uneven":       {MS: []float64{1, 2}, ReferenceMS: []float64{1}},
		"zero":         {MS: []float64{0}, ReferenceMS: []float64{1}},
		"negative":     {MS: []float64{1}, ReferenceMS: []float64{-1}},
		"out of range": {MS: []float64{1e300}, ReferenceMS: []float64{1}},
	} {
		obs, lost, err := ReadObservations(file(t, h, o, bad, o))
		if err != nil || lost.Count != 1 || len(obs.Made) != 2 {
			t.Errorf("%s: %d observations, lost %v, %v", name, len(obs.Made), lost, err)
		}
	}
	damaged := []byte(strings.Replace(string(data), `"ms":[1,2]`, `"ms":[1,3]`, 1))
	if obs, lost, _ := ReadObservations(damaged); lost.Count != 1 || len(obs.Made) != 2 {
		t.Errorf("a changed digit: %d observations, lost %v", len(obs.Made), lost)
	}
	other := h
	other.Version = 2
	for name, data := range map[string][]byte{"a table": []byte(`{"format":"binas-tui-lut","version":1}` + "\n"), "version 2": file(t, other)} {
		if _, _, err := ReadObservations(data); !errors.Is(err, ErrObservations) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever a file holds, what was read of it can be computed with.
func FuzzObservations(f *testing.F) {
	s := observationSpace(f)
	h := header(s)
	o := Observation{Architecture: s.Architecture(ReferenceNetwork(s)).String(), MS: []float64{1, 2}, ReferenceMS: []float64{3, 4}, Opening: "x", Search: "s"}
	f.Add(file(f, h, o, SearchEnd{"s"}, o))
	plain, err := json.Marshal(h)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(plain, "\n{\"ms\":[1e-300],\"reference_ms\":[1e7],\"opening\":\"y\"}\n{\"ms\":[9e6],\"reference_ms\":[1e-9,1]}\n"...))
	lut := &LUT{Blocks: map[string]Measurement{}, Fixed: Measurement{MedianMS: 1}}
	for b := range s.NumBlocks() {
		for _, option := range s.Options {
			lut.Blocks[s.Block(b).LUTKey(option)] = Measurement{MedianMS: 0.25}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		obs, _, err := ReadObservations(data)
		if err != nil || len(obs.Made) > 50 {
			return
		}
		obs.Of("s")
		known, left := obs.Known("", func(string) (float64, float64, bool) { return 5, 0, true })
		if len(known) > len(obs.Made)+1 || left > len(obs.Made) {
			t.Errorf("%d observations: %d known, %d left out", len(obs.Made), len(known), left)
		}
		l, err := lut.Learn(obs, time.Time{})
		if err == nil && (math.IsNaN(l.Level) || math.IsNaN(l.SD)) {
			t.Errorf("level %v ± %v", l.Level, l.SD)
		}
	})
}
