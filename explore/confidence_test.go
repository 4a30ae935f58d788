package explore

import (
	"errors"
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/solver"
)

// certain gives every key of the table a standard error of a share of it; those
// with squeeze-excite ten times that.
func certain(share float64) func(*Setup) {
	return func(s *Setup) {
		lut := *s.LUT
		lut.Blocks = map[string]latency.Measurement{}
		for b := range s.Space.NumBlocks() {
			for _, o := range s.Space.Options {
				key := s.Space.Block(b).LUTKey(o)
				m := s.LUT.Blocks[key]
				m.StandardErrorMS = share * m.MedianMS
				if o.SERatio > 0 {
					m.StandardErrorMS *= 10
				}
				lut.Blocks[key] = m
			}
		}
		s.LUT = &lut
	}
}

func TestFindCertainKeepsTheLimitWithItsDeviation(t *testing.T) {
	e := defaultEngine(t, certain(0.01))
	for _, confidence := range []float64{0.8, 0.95, 0.99} {
		z := distuv.UnitNormal.Quantile(confidence)
		for i := range 12 {
			limit := e.MinLatencyMS() + (e.MaxLatencyMS()-e.MinLatencyMS())*(0.15+0.07*float64(i))
			c, err := e.FindCertain(t.Context(), Request{LimitMS: limit}, confidence)
			if err != nil {
				t.Fatal(err)
			}
			deviation, known := e.LatencyDeviation(c.Path)
			if !known || deviation != c.DeviationMS || c.LatencyMS+z*deviation > limit || c.LatencyMS > c.LoweredMS || c.Status != solver.Optimal || c.Limits[0].Cap != limit {
				t.Errorf("%v at %v: %v ± %v ms below %v", confidence, limit, c.LatencyMS, deviation, c.LoweredMS)
			}
			// A limit as low as the most uncertain network needs is worse or equal.
			crude, err := e.Search(t.Context(), Request{LimitMS: limit / (1 + z*0.12)})
			if err != nil || crude.Status != solver.Infeasible && c.Accuracy < crude.Accuracy {
				t.Errorf("%v at %v: accuracy %v, with a crude margin %v, %v", confidence, limit, c.Accuracy, crude.Accuracy, err)
			}
		}
	}
	if _, err := e.FindCertain(t.Context(), Request{LimitMS: 1.01 * e.MinLatencyMS()}, 0.95); !errors.Is(err, ErrNoNetwork) {
		t.Errorf("too close to the least: %v", err)
	}
	if c, err := e.FindCertain(t.Context(), Request{LimitMS: 0.5 * e.MinLatencyMS()}, 0.95); err != nil || c.Status != solver.Infeasible {
		t.Errorf("below the least: %v, %v", c.Status, err)
	}
	plain := defaultEngine(t, func(s *Setup) {
		lut := *s.LUT
		lut.Blocks = map[string]latency.Measurement{}
		for key, m := range s.LUT.Blocks {
			m.StandardErrorMS = 0
			lut.Blocks[key] = m
		}
		s.LUT = &lut
	})
	if _, err := plain.FindCertain(t.Context(), Request{LimitMS: 5}, 0.95); !errors.Is(err, ErrNoDeviation) {
		t.Errorf("a table without errors: %v", err)
	}
}

// Keys that a network has several times err together, others apart.
func TestShapeOfANetwork(t *testing.T) {
	e := defaultEngine(t, certain(0.02))
	p := latency.ReferenceNetwork(e.Space)
	sum, variance := e.LUT.Fixed.MedianMS, e.LUT.Fixed.StandardErrorMS*e.LUT.Fixed.StandardErrorMS
	count := map[string]float64{}
	for b, o := range p.Option {
		if e.Space.Active(p, b) {
			count[e.Space.Block(b).LUTKey(e.Space.Options[o])]++
		}
	}
	if len(count) != 10 { // a first block and two alike in each of five stages
		t.Fatalf("%d keys", len(count))
	}
	for key, n := range count {
		m := e.LUT.Blocks[key]
		sum += n * m.MedianMS
		variance += n * n * m.StandardErrorMS * m.StandardErrorMS
	}
	got, known := e.LUT.Shape(e.Space, p)
	if want := math.Hypot(0.01, math.Sqrt(variance)/sum); !known || math.Abs(got-want) > 1e-12 {
		t.Errorf("%v, want %v", got, want)
	}
}
