package evaluation

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/binas-tui/binas-tui/internal/datatest"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// histogramOf is that of some values.
func histogramOf(values []float32) *histogram {
	h := &histogram{low: math.MaxFloat32, high: -math.MaxFloat32}
	h.extend(values)
	h.count(values)
	return h
}

// A percentile leaves its share outside, half at either end; all of them is from
// the least to the greatest. Entropy keeps a distribution and drops what is far
// from it.
func TestRangesOfHistograms(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	values := make([]float32, 100000)
	for i := range values {
		values[i] = float32(rng.NormFloat64())
	}
	values[0], values[1] = 40, -40 // a thousandth of a percent
	h := histogramOf(values)
	if r := h.percentile(100); r.Min != -40 || r.Max != 40 {
		t.Errorf("all: %v", r)
	}
	if r := h.percentile(90); math.Abs(float64(r.Min)+1.645) > 0.08 || math.Abs(float64(r.Max)-1.645) > 0.08 {
		t.Errorf("90%%: %v, expected ±1.645", r)
	}
	if r := h.entropy(); r.Max > 20 || r.Max < 2 || r.Min < -20 || r.Min > -2 {
		t.Errorf("entropy: %v", r)
	}
	positive := make([]float32, len(values))
	for i, v := range values {
		positive[i] = max(0, v)
	}
	for _, r := range []onnx.Range{histogramOf(positive).percentile(99), histogramOf(positive).entropy()} {
		if r.Min != 0 || r.Max < 2 || r.Max > 20 {
			t.Errorf("after ReLU: %v", r)
		}
	}
	same := histogramOf([]float32{3, 3, 3})
	for _, r := range []onnx.Range{same.percentile(99), same.entropy()} {
		if r.Min != 3 || r.Max != 3 {
			t.Errorf("one value: %v", r)
		}
	}
}

// Ranges are of all images, each once, whatever is left of the last run.
func TestRangesOnImages(t *testing.T) {
	onnxtest.Require(t)
	folder, _ := datatest.Twins(t, 32, 4, 10, 4)
	set, _, err := dataset.Open(t.Context(), folder, dataset.Options{Size: 32})
	if err != nil {
		t.Fatal(err)
	}
	images, err := Load(t.Context(), set, 0)
	if err != nil {
		t.Fatal(err)
	}
	arch, err := model.ParseArchitecture("[['ds_r1_k3_s1_e1_c16_nre'], ['ir_r1_k3_s2_e3_c24_nre'], ['ir_r1_k3_s2_e3_c40_se0.25'], ['cn_r1_k1_s1_c64']]")
	if err != nil {
		t.Fatal(err)
	}
	graph := func(batch int) *onnx.Graph {
		g, err := onnx.Network(arch, onnx.RandomWeights{Seed: 1}, onnx.NetworkOptions{ImageSize: 32, Classes: 4, Batch: batch})
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	g := graph(RangeImages(32))
	if images.Len()%RangeImages(32) == 0 {
		t.Fatal("the last run is whole")
	}
	have, err := Ranges(t.Context(), g, images, Ranging{Percentile: 100}, nil)
	if err != nil || len(have) != len(g.Ranged()) {
		t.Fatalf("%d ranges, %v", len(have), err)
	}
	s, err := onnx.NewSession(graph(1).Observed().Marshal(), onnx.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	x, err := s.Input(0)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]histogram, len(s.Outputs()))
	for i := range want {
		want[i] = histogram{low: math.MaxFloat32, high: -math.MaxFloat32}
	}
	for c, err := range images.chunks(t.Context(), 0, images.Len(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		copy(x, c.x)
		if err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i := range want {
			data, _ := s.Output(i)
			want[i].extend(data)
		}
	}
	for i, v := range s.Outputs() {
		r, w := have[v.Name], want[i]
		if tolerance := 1e-4 * float64(w.high-w.low+1); math.Abs(float64(r.Min-w.low)) > tolerance || math.Abs(float64(r.Max-w.high)) > tolerance {
			t.Errorf("%s: %v, expected %v to %v", v.Name, r, w.low, w.high)
		}
	}
	if _, err := Ranges(t.Context(), graph(1), images, Ranging{Percentile: 100}, nil); err == nil {
		t.Error("a graph of another batch is taken")
	}
}
