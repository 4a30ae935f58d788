package cli

import (
	"math"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
)

// syntheticLUT is a table in which a block takes as long as it has
// multiply-accumulates (1 ns each), times what factor says.
func syntheticLUT(t *testing.T, imageSize int, factor func(model.BlockShape, model.Option) float64) (*latency.LUT, *model.Space) {
	t.Helper()
	s, err := model.NewSpace(model.MobileNASNet, imageSize)
	if err != nil {
		t.Fatal(err)
	}
	lut := &latency.LUT{
		Provenance: latency.Provenance{Space: s.Name, ImageSize: imageSize, ChannelMultiplier: 1, Device: "cpu", Threads: 1, Batch: 1},
		Blocks:     map[string]latency.Measurement{}, Fixed: latency.Measurement{MedianMS: 0.5},
	}
	for b := range s.NumBlocks() {
		shape := s.Block(b)
		for i, o := range s.Options {
			ms := float64(s.BlockCode(b, i).Cost(shape.InChannels, shape.Resolution).MACs) * 1e-6
			if factor != nil {
				ms *= factor(shape, o)
			}
			lut.Blocks[shape.LUTKey(o)] = latency.Measurement{MedianMS: ms}
		}
	}
	return lut, s
}

func lutFileOf(t *testing.T, name string, lut *latency.LUT) string {
	t.Helper()
	data, err := latency.EncodeLUT(lut)
	if err != nil {
		t.Fatal(err)
	}
	return writeTemp(t, name, data)
}

// compareJSON is what scripts read.
type compareJSON struct {
	Kendall     float64
	MedianRatio float64 `json:"median_ratio"`
	Spread      float64
	Blocks      int
	Worst       []struct {
		Key   string
		AMS   float64 `json:"a_ms"`
		BMS   float64 `json:"b_ms"`
		Ratio float64
	}
	Transfers []struct {
		From, To     string
		LimitMS      float64  `json:"limit_ms"`
		Accuracy     float64  `json:"predicted_accuracy"`
		LatencyMS    float64  `json:"latency_ms"`
		BestAccuracy float64  `json:"best_accuracy"`
		Lost         *float64 `json:"lost"`
		FastestMS    *float64 `json:"fastest_ms"`
		Architecture string
	}
}

// A device that is twice as slow throughout ranks blocks alike, and its best
// networks are the same.
func TestCompareScaled(t *testing.T) {
	lut, _ := syntheticLUT(t, 224, nil)
	slow, _ := syntheticLUT(t, 224, func(model.BlockShape, model.Option) float64 { return 2 })
	slow.Fixed.MedianMS *= 2
	a, b := lutFileOf(t, "a.json", lut), lutFileOf(t, "b.json", slow)
	r := decode[compareJSON](t, mustRun(t, "lut", "compare", a, b, "--json"))
	if r.Blocks != 120 || math.Abs(r.Kendall-1) > 1e-12 || math.Abs(r.MedianRatio-2) > 1e-12 || r.Spread > 1e-12 {
		t.Errorf("%+v", r)
	}
	if len(r.Transfers) != 2*5 {
		t.Fatalf("%d transfers", len(r.Transfers))
	}
	for _, x := range r.Transfers {
		if *x.Lost > 1e-9 || x.FastestMS == nil || *x.FastestMS > x.LatencyMS || *x.FastestMS < 0.98*x.LatencyMS {
			t.Errorf("a network that is best on both is not, lost %v, fastest %v: %+v", *x.Lost, *x.FastestMS, x)
		}
	}
	if again := decode[compareJSON](t, mustRun(t, "lut", "compare", a, a, "--json")); again.MedianRatio != 1 || again.Kendall != 1 {
		t.Errorf("a table compared with itself: %+v", again)
	}
	if text := mustRun(t, "lut", "compare", a, b); !strings.Contains(text, "A on B") || !strings.Contains(text, "B on A") || !strings.Contains(text, "Kendall) 1.000") {
		t.Errorf("text:\n%s", text)
	}
}

// On a device where wide kernels are dear, networks found for another lose
// something, and the dear blocks are named.
func TestCompareOtherDevice(t *testing.T) {
	lut, s := syntheticLUT(t, 224, nil)
	other, _ := syntheticLUT(t, 224, func(shape model.BlockShape, o model.Option) float64 {
		switch {
		case o.Kernel == 5 && shape.Resolution == 112:
			return 30
		case o.Kernel == 5:
			return 3
		}
		return 1
	})
	a, b := lutFileOf(t, "a.json", lut), lutFileOf(t, "b.json", other)
	r := decode[compareJSON](t, mustRun(t, "lut", "compare", a, b, "--json"))
	if r.Kendall >= 1 || r.Kendall < 0.3 || !(r.Spread > 0.5) {
		t.Errorf("%+v", r)
	}
	for _, w := range r.Worst[:6] {
		if !strings.Contains(w.Key, "resolution_112") || !strings.Contains(w.Key, "_k_5_") || math.Abs(w.Ratio-30) > 1e-9 || math.Abs(w.BMS/w.AMS-30) > 1e-9 {
			t.Errorf("%+v", w)
		}
	}
	engine := func(file string) *explore.Engine {
		setup, err := explore.Load("", file, "")
		if err != nil {
			t.Fatal(err)
		}
		e, err := explore.New(t.Context(), setup)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	engines := map[string]*explore.Engine{a: engine(a), b: engine(b)}
	lost := 0.0
	for _, x := range r.Transfers {
		arch, err := model.ParseArchitecture(x.Architecture)
		if err != nil {
			t.Fatal(err)
		}
		path, err := s.Path(arch)
		if err != nil {
			t.Fatal(err)
		}
		from, to := engines[x.From], engines[x.To]
		best, err := to.Search(t.Context(), explore.Request{LimitMS: x.LatencyMS, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		if from.LatencyMS(path) > x.LimitMS || math.Abs(to.LatencyMS(path)-x.LatencyMS) > 1e-9 || math.Abs(from.Accuracy(path)-x.Accuracy) > 1e-9 {
			t.Errorf("%+v", x)
		}
		if math.Abs(best.Accuracy-x.BestAccuracy) > 1e-9 || math.Abs(*x.Lost-(x.BestAccuracy-x.Accuracy)) > 1e-9 || *x.FastestMS > x.LatencyMS {
			t.Errorf("%+v: the best is %v", x, best.Accuracy)
		}
		lost += *x.Lost
	}
	if lost < 0.01 {
		t.Errorf("networks lose %v points in all", lost)
	}
}

// Tables of other images or widths are refused by what differs.
func TestCompareRefuses(t *testing.T) {
	a, _ := syntheticLUT(t, 224, nil)
	b, _ := syntheticLUT(t, 32, nil)
	r := runCLI(t, "lut", "compare", lutFileOf(t, "a.json", a), lutFileOf(t, "b.json", b))
	if r.code != 2 || !strings.Contains(r.err, "224 pixels") || !strings.Contains(r.err, "for 32") || r.out != "" {
		t.Errorf("%+v", r)
	}
}
