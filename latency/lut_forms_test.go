package latency

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/datatest"
	"github.com/binas-tui/binas-tui/internal/pickle"
	"github.com/binas-tui/binas-tui/internal/timetest"
	"github.com/binas-tui/binas-tui/model"
)

// forms are the files of testdata/forms.zip, which forms.py has made, by name.
func forms(t testing.TB) map[string][]byte {
	t.Helper()
	return datatest.Zipped(t, "testdata/forms.zip", "", 30)
}

// A table is the same whether its numbers are Python's, numpy's or torch's, and
// under every protocol of pickle.
func TestLUTInEveryForm(t *testing.T) {
	whole, err := DecodeLUT(golden(t, "lut.pkl"))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range forms(t) {
		l, err := DecodeLUT(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(l.Blocks) != 12 || l.Fixed != whole.Fixed {
			t.Errorf("%s: %d blocks, fixed part %v", name, len(l.Blocks), l.Fixed)
		}
		for key, m := range l.Blocks {
			if m != whole.Blocks[key] {
				t.Errorf("%s: %s takes %v ms, expected %v", name, key, m.MedianMS, whole.Blocks[key].MedianMS)
			}
		}
	}
}

// networkMS is the latency of a network in the middle of a space.
func networkMS(t *testing.T, l *LUT, s *model.Space) float64 {
	t.Helper()
	table, err := l.Table(s)
	if err != nil {
		t.Fatal(err)
	}
	p := model.Path{Option: make([]int, s.NumBlocks())}
	for range s.Stages {
		p.Depth = append(p.Depth, 3)
	}
	for b := range p.Option {
		p.Option[b] = b % s.NumOptions()
	}
	return table.LatencyMS(s, p)
}

// A table in seconds is read as that, one in milliseconds never: whatever the
// device, from a slow telephone to a fast GPU, and whatever the image size.
func TestUnitOfBINASTables(t *testing.T) {
	tables := map[string]*LUT{}
	for _, file := range []string{"lut.pkl", "device_a.pkl", "device_b.pkl"} {
		l, err := DecodeLUT(golden(t, file))
		if err != nil {
			t.Fatal(err)
		}
		tables[file+" at 224"] = l
	}
	for _, size := range []int{32, 96, 224} { // blocks that take 20 µs and 5 ps for a multiply-accumulate
		s := mustSpace(t, model.MobileNASNet, size)
		l := &LUT{Blocks: map[string]Measurement{}, Fixed: Measurement{MedianMS: 0.1}}
		for b, costs := 0, s.Costs(1000); b < s.NumBlocks(); b++ {
			for o := range s.Options {
				l.Blocks[s.Block(b).LUTKey(s.Options[o])] = Measurement{MedianMS: 0.02 + 5e-9*float64(costs.Block[b*s.NumOptions()+o].MACs)}
			}
		}
		tables[fmt.Sprintf("GPU at %d", size)] = l
	}
	for name, l := range tables {
		var size int
		fmt.Sscanf(name[strings.LastIndexByte(name, ' ')+1:], "%d", &size)
		s := mustSpace(t, model.MobileNASNet, size)
		slow := networkMS(t, l, s)
		for _, ms := range []float64{slow, 1, 10} {
			scaled := &LUT{Blocks: map[string]Measurement{}, Fixed: Measurement{MedianMS: l.Fixed.MedianMS * ms / slow}}
			for key, m := range l.Blocks {
				scaled.Blocks[key] = Measurement{MedianMS: m.MedianMS * ms / slow}
			}
			inSeconds, _, err := EncodePickle(scaled)
			if err != nil {
				t.Fatal(err)
			}
			thousandfold := &LUT{Blocks: map[string]Measurement{}, Fixed: Measurement{MedianMS: scaled.Fixed.MedianMS * 1000}}
			for key, m := range scaled.Blocks {
				thousandfold.Blocks[key] = Measurement{MedianMS: m.MedianMS * 1000}
			}
			inMS, _, err := EncodePickle(thousandfold)
			if err != nil {
				t.Fatal(err)
			}
			if have, err := DecodeLUT(inSeconds); err != nil {
				t.Errorf("%s, %g ms a network, in seconds: %v", name, ms, err)
			} else if got := networkMS(t, have, s); math.Abs(got/ms-1) > 1e-9 {
				t.Errorf("%s: %g ms became %g", name, ms, got)
			}
			_, err = DecodeLUT(inMS)
			if err == nil || !strings.Contains(err.Error(), "were milliseconds written") || !strings.Contains(err.Error(), fmt.Sprintf("at %d pixels", size)) {
				t.Errorf("%s, %g ms a network, in milliseconds: %v", name, ms, err)
			}
			for unit, data := range map[Unit][]byte{Milliseconds: inMS, Seconds: inSeconds} {
				if have, err := DecodeLUTIn(unit, data); err != nil {
					t.Errorf("%s in %s: %v", name, unit, err)
				} else if got := networkMS(t, have, s); math.Abs(got/ms-1) > 1e-9 {
					t.Errorf("%s in %s: %g ms became %g", name, unit, ms, got)
				}
			}
		}
	}
	if _, err := DecodeLUTIn("us", nil); err == nil {
		t.Error("a unit that is none")
	}
	ours, err := EncodeLUT(tables["lut.pkl at 224"])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := DecodeLUTIn(Milliseconds, ours); err == nil {
		t.Error("a unit for a table that has one")
	}
}

// A table with a million keys is refused soon, in every form.
func TestAMillionKeys(t *testing.T) {
	few := map[string]float64{generalKey: 0.1, someKey: 1e-3}
	var entries []pickle.Entry
	for key := range maps.Keys(few) {
		entries = append(entries, pickle.Entry{Key: key, Value: few[key]})
	}
	var flat, ours strings.Builder
	flat.WriteString(`{"general":0.1`)
	ours.WriteString(`{"format":"binas-tui-lut","version":1,"fixed":{"median_ms":1},"blocks":{"x":{}`)
	for i := range 1_000_000 {
		name := fmt.Sprintf("%05x", i)
		if flat.Len() < MaxLUTBytes-100 {
			fmt.Fprintf(&flat, `,"%s":0`, name)
		}
		if ours.Len() < MaxLUTBytes-100 {
			fmt.Fprintf(&ours, `,"%s":{}`, name)
		}
		if i < 900_000 {
			entries = append(entries, pickle.Entry{Key: name, Value: nil})
		}
	}
	pickled, err := pickle.Encode(entries)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"JSON": []byte(flat.String() + "}"), "our JSON": []byte(ours.String() + "}}"), "pickle": pickled} {
		if len(data) > MaxLUTBytes || len(data) < MaxLUTBytes*3/4 {
			t.Fatalf("%s: %d bytes", name, len(data))
		}
		timetest.Within(t, time.Second, func(asked func()) {
			asked()
			if _, err := DecodeLUT(data); err == nil || !strings.Contains(err.Error(), "more than 10000 entries") && !strings.Contains(err.Error(), "too large") {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// A table of blocks alone with its calibration, as the method of before wrote them,
// reads as it did: sums are corrected, and it knows no errors.
func TestTablesOfBlocksAlone(t *testing.T) {
	data := golden(t, "isolated.json")
	l, err := DecodeLUT(data)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := EncodeLUT(l); err != nil || !bytes.Equal(again, data) {
		t.Errorf("written again it differs: %v", err)
	}
	s := mustSpace(t, model.MobileNASNet, 224)
	table, err := l.Table(s)
	if err != nil {
		t.Fatal(err)
	}
	plain := *l
	plain.Calibration = Calibration{}
	sums, err := plain.Table(s)
	if err != nil {
		t.Fatal(err)
	}
	p := ReferenceNetwork(s)
	want := l.Calibration.Slope*sums.LatencyMS(s, p) + l.Calibration.InterceptMS
	if got := table.LatencyMS(s, p); !l.Calibration.Set() || math.Abs(got-want) > 1e-9 || math.Abs(got-sums.LatencyMS(s, p)) < 0.1 {
		t.Errorf("%v ms: expected %v", got, want)
	}
	if _, known := l.Deviation(s, p); known || l.Quality != nil {
		t.Error("it knows its errors")
	}
}
