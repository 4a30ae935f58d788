package latency

import (
	"context"

	"math"
	"slices"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/model"
)

// originalRepeats is how often the original runs every block.
const originalRepeats = 100

// measureAsTheOriginal fills a table the way the original does: block after
// block, one run to warm up, then the mean of the others.
func measureAsTheOriginal(b *testing.B, s *model.Space) map[string]float64 {
	b.Helper()
	out := map[string]float64{}
	for _, t := range spaceTasks(s, MeasureOptions{}.withDefaults()) {
		r, err := t.open()
		if err != nil {
			b.Fatal(err)
		}
		var start time.Time
		for run := range originalRepeats + 1 {
			if run == 1 {
				start = time.Now()
			}
			if err := r.Run(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
		out[t.key] = float64(time.Since(start)) / float64(time.Millisecond) / originalRepeats
		r.Close()
	}
	return out
}

func measureInRounds(b *testing.B, s *model.Space) map[string]float64 {
	b.Helper()
	lut, err := Measure(context.Background(), s, MeasureOptions{Method: Isolated, MaxAttempts: 60})
	if err != nil {
		b.Fatal(err)
	}
	out := map[string]float64{FixedKey: lut.Fixed.MedianMS}
	for key, m := range lut.Blocks {
		out[key] = m.MedianMS
	}
	return out
}

// BenchmarkMeasureMethods measures the whole table at 224 pixels twice with
// either method, in turn, and reports how far the two tables of a method
// differ: the noise of the method on this machine. Run it with -benchtime 1x
// on a machine that has nothing else to do.
func BenchmarkMeasureMethods(b *testing.B) {
	onnxtest.Require(b)
	s, err := model.NewSpace(model.MobileNASNet, 224)
	if err != nil {
		b.Fatal(err)
	}
	methods := []struct {
		name    string
		measure func(*testing.B, *model.Space) map[string]float64
	}{{"rounds", measureInRounds}, {"original", measureAsTheOriginal}}
	for b.Loop() {
		tables, seconds := map[string][]map[string]float64{}, map[string]float64{}
		for range 2 {
			for _, m := range methods {
				start := time.Now()
				tables[m.name] = append(tables[m.name], m.measure(b, s))
				seconds[m.name] += time.Since(start).Seconds() / 2
			}
		}
		for _, m := range methods {
			first, second := tables[m.name][0], tables[m.name][1]
			var differ, x, y []float64
			for key, ms := range first {
				differ = append(differ, 200*math.Abs(ms-second[key])/(ms+second[key]))
				x, y = append(x, ms), append(y, second[key])
			}
			b.ReportMetric(seconds[m.name], m.name+"-s")
			b.ReportMetric(Quantile(differ, 0.5), m.name+"-median-%")
			b.ReportMetric(slices.Max(differ), m.name+"-worst-%")
			b.ReportMetric(model.KendallTau(x, y), m.name+"-tau")
		}
	}
}
