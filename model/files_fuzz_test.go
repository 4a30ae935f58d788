package model

import (
	"bytes"
	"math"
	"runtime"
	"strings"
	"testing"
)

// FuzzDecodePredictor checks that what is read as a predictor can be used and
// written back.
func FuzzDecodePredictor(f *testing.F) {
	f.Add([]byte("PK\x03\x04"))
	small, err := EncodePredictor(&Bilinear{Alphas: 2, Betas: 1, Linear: []float64{1, 2, 3}, Q: []float64{0.1, 0.2}}, CheckpointInfo{Samples: 3})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(small)
	f.Add(small[:30])
	extra, err := EncodePredictor(&Bilinear{Alphas: 1, Betas: 1, Linear: []float64{1, 2}, Q: []float64{0.1}},
		CheckpointInfo{Inactive: "free", Extra: []Tensor{{Name: ExtraPrefix + "levels", Shape: []int{2}, Values: []float64{1, 0.3}}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(extra)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, info, err := DecodePredictor(data)
		if err != nil {
			return
		}
		p.Accuracy(make([]float64, p.InputSize()))
		for _, tensor := range append(Tensors(p), info.Extra...) {
			for _, v := range tensor.Values {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Fatalf("%s holds %v", tensor.Name, v)
				}
			}
		}
		written, err := EncodePredictor(p, info)
		if err != nil {
			return // metadata too long
		}
		q, _, err := DecodePredictor(written)
		if err != nil {
			t.Fatal(err)
		}
		again, err := EncodePredictor(q, info)
		if err != nil || !bytes.Equal(written, again) {
			t.Fatalf("it is not written back as it was: %v", err)
		}
	})
}

// FuzzDecodeSamples checks that what is read as samples is written and read
// back as it was.
func FuzzDecodeSamples(f *testing.F) {
	s := space(f, MobileNASNet)
	all, _, err := DecodeSamples(s, golden(f, "test_accuracy_lut.pkl.gz"))
	if err != nil {
		f.Fatal(err)
	}
	few, err := EncodeSamples(s, all[:1])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(few)
	f.Add(few[:len(few)/2])
	for name, data := range forms(f) {
		if strings.HasSuffix(name, "-2") && strings.HasPrefix(name, "samples") { // contributions are long
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, _, err := DecodeContributions(s, data); err == nil {
			written, err := EncodeContributions(s, c)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := DecodeContributions(s, written); err != nil {
				t.Fatal(err)
			}
		}
		samples, _, err := DecodeSamples(s, data)
		if err != nil {
			return
		}
		written, err := EncodeSamples(s, samples)
		if err != nil {
			return // one network under two spellings
		}
		again, _, err := DecodeSamples(s, written)
		if err != nil || len(again) != len(samples) {
			t.Fatalf("%d samples came back as %d: %v", len(samples), len(again), err)
		}
	})
}

// TestDecodersAreBounded feeds what claims to be large to the decoders, and
// checks what they allocate.
func TestDecodersAreBounded(t *testing.T) {
	s := space(t, MobileNASNet)
	mlp := golden(t, "mlp_predictor_ckpt.pth.gz")
	header := append([]byte("\xf0\x7f\x00\x00\x00\x00\x00\x00{"), bytes.Repeat([]byte(`"a":{"s":[`), 100)...)
	header = append(header, bytes.Repeat([]byte("0,"), 16000)...)
	logits := append([]byte("\x80\x04}\x8c\x05[['ir](K\x01"), bytes.Repeat([]byte("h\x00"), 50000)...)
	for name, data := range map[string][]byte{
		"mlp": mlp, "mlp cut": mlp[:len(mlp)-100000], "header": header, "logits": logits,
		"zeros": make([]byte, 1<<20), "zip": append([]byte("PK\x03\x04"), make([]byte, 1<<20)...),
	} {
		for what, decode := range map[string]func(){
			"predictor":     func() { _, _, _ = DecodePredictor(data) },
			"samples":       func() { _, _, _ = DecodeSamples(s, data) },
			"contributions": func() { _, _, _ = DecodeContributions(s, data) },
		} {
			if got, limit := allocated(decode), uint64(40*len(data)+2<<20); got > limit {
				t.Errorf("%s as %s: %d bytes were allocated for %d", name, what, got, len(data))
			}
		}
	}
}

// allocated is how many bytes f allocates, garbage included.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
