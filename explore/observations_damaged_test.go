package explore

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/latency"
)

// Observations that cannot be read do not count, and the table says so: it can be
// used as before, whatever lies there.
func TestDamagedObservationsDoNotCount(t *testing.T) {
	userData(t)
	e := defaultEngine(t)
	provenance := latency.NewMachine(latency.MachineOptions{}).Provenance()
	arch := e.Space.Architecture(latency.ReferenceNetwork(e.Space)).String()
	path := observationPath(e.LUT)
	add := func(opening string, latencies ...float64) []byte { // to the file, and returns it
		f, err := OpenObservations(e.LUT, latency.NewObservationHeader("t", e.LUT, e.Space, provenance, 1000))
		if err != nil {
			t.Fatal(err)
		}
		for _, ms := range latencies {
			if err := f.Add(latency.Observation{Architecture: arch, MS: []float64{ms, ms}, ReferenceMS: []float64{6, 6}, Opening: opening, Search: "s", Date: time.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	provenance.Threads, provenance.Batch = 4, 1
	add("d", 6, 6.1, 6)
	if lut, err := LoadLUT(e.LUTName); err != nil || lut.Learnt.Set() || !strings.Contains(lut.Learnt.Unused, "with threads 4, the table with 1") {
		t.Errorf("of other threads: %+v, %v", lut.Learnt, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	provenance.Threads = 1
	whole := add("a", 6, 6.1, 6)
	disturbed := add("b", 6, 9, 4, 7)
	rested := add("c", 6, 6.1, 6)
	header := bytes.IndexByte(whole, '\n')
	write := func(data []byte) func() error { return func() error { return os.WriteFile(path, data, 0o666) } }
	for _, c := range []struct {
		name   string
		make   func() error
		unused string // part of why; "" is nothing to say
		learnt bool
	}{
		{"whole", write(whole), "", true},
		{"disturbed", write(disturbed), "too much to learn from", false},
		{"disturbed, then not", write(rested), "", true},
		{"empty", write(nil), "", false},
		{"header unfinished", write(whole[:header/2]), "", false},
		{"header alone", write(whole[:header+1]), "", false},
		{"header damaged", write(bytes.Replace(whole, []byte(`"target":"cpu"`), []byte(`"target":"cqu"`), 1)), "the header", false},
		{"something else", write([]byte("{}\n{}\n")), "not a file of observations", false},
		{"a folder", func() error { return os.MkdirAll(filepath.Join(path, "x"), 0o777) }, "a folder", false},
	} {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		if err := c.make(); err != nil {
			t.Fatal(err)
		}
		lut, err := LoadLUT(e.LUTName)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if l := lut.Learnt; l.Set() != c.learnt || !strings.Contains(l.Unused, c.unused) || (l.Unused == "") != (c.unused == "") {
			t.Errorf("%s: %+v", c.name, l)
		}
	}
}
