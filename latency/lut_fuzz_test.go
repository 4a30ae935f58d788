package latency

import (
	"bytes"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/model"
)

// FuzzDecodeLUT checks that a table that is read can be written in both forms
// and laid out, or refused, without harm.
func FuzzDecodeLUT(f *testing.F) {
	few := &LUT{Blocks: map[string]Measurement{someKey: {MedianMS: 1}, strings.Replace(someKey, "er_4", "er_2.5", 1): {MedianMS: 2}}}
	data, _, err := EncodePickle(few)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:len(data)/2])
	f.Add([]byte(`{"format":"binas-tui-lut","version":1,"provenance":{"space":"mobilenasnet","image_size":32,"date":"2025-01-02T03:04:05Z"},` +
		`"fixed":{"median_ms":1},"calibration":{"slope":1.5,"intercept_ms":-1},"blocks":{"` + someKey + `":{"median_ms":1e-9,"rounds":3}}}`))
	f.Add([]byte(`{"general":0.1,"` + someKey + `":1e-3}`))
	f.Add([]byte("\x80\x04}\x8c\x07generalG\x3f\xb9\x99\x99\x99\x99\x99\x9as."))
	for _, data := range forms(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		inSeconds, err := DecodeLUTIn(Seconds, data)
		if inMS, errMS := DecodeLUTIn(Milliseconds, data); err == nil && errMS == nil {
			for key, m := range inSeconds.Blocks {
				if math.Abs(m.MedianMS-1000*inMS.Blocks[key].MedianMS) > 1e-9*m.MedianMS {
					t.Fatalf("%s: %v ms of seconds, %v of milliseconds", key, m.MedianMS, inMS.Blocks[key].MedianMS)
				}
			}
		}
		l, err := DecodeLUT(data)
		if err != nil {
			return
		}
		written, err := EncodeLUT(l)
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeLUT(written)
		if err != nil {
			t.Fatal(err)
		}
		if second, err := EncodeLUT(again); err != nil || !bytes.Equal(written, second) {
			t.Fatalf("it is not written back as it was: %v", err)
		}
		if _, _, err := EncodePickle(l); err != nil {
			t.Fatal(err)
		}
		if s, err := model.NewSpace(l.Provenance.Space, l.Provenance.ImageSize); err == nil {
			if table, err := l.Table(s); err == nil && len(table.BlockMS) != s.NumAlphas() {
				t.Fatalf("a table of %d entries", len(table.BlockMS))
			}
		}
	})
}

// TestDecodeLUTIsBounded checks what hostile tables make the decoder allocate.
func TestDecodeLUTIsBounded(t *testing.T) {
	rep := func(head, unit string, n int) []byte { return []byte(head + strings.Repeat(unit, n)) }
	for name, data := range map[string][]byte{
		"nested":      rep("", `{"a":`, 100000),
		"short keys":  append(rep("{", `"a":1,`, 100000), `"b":1}`...),
		"array":       rep(`{"blocks":[`, "1,", 200000),
		"long number": rep(`{"general":`, "1", 500000),
		"long key":    rep(`{"`, "x", 500000),
		"pickle":      rep("\x80\x04}(", "\x8c\x00N", 100000),
		"zeros":       make([]byte, 500000),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := DecodeLUT(data)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s was accepted", name)
		} else if len(err.Error()) > 500 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
		if got, limit := after.TotalAlloc-before.TotalAlloc, 24*len(data)+2<<20; got > uint64(limit) {
			t.Errorf("%s: %d bytes were allocated for %d", name, got, len(data))
		}
	}
}
