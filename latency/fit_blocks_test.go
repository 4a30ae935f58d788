package latency

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Whole networks correct the share of the fixed part where they show that it is
// wrong, and leave it where they are too noisy to tell.
func TestCorrectingTheFixedPart(t *testing.T) {
	s := smallSpace(t)
	c := newColumns(s)
	for _, test := range []struct {
		share, noise float64 // of the fixed part that is there in networks; of networks
		least, most  float64 // share that may be found
	}{{1, 0.01, 0.95, 1.05}, {0.4, 0.01, 0.3, 0.65}, {1.5, 0.01, 1.2, 1.65}, {1, 0.15, 0.7, 1.3}} {
		rng := rand.New(rand.NewPCG(1, 1))
		f := blockFit{ms: make([]float64, len(c.keys)), error: make([]float64, len(c.keys)), spread: make([]float64, len(c.keys)),
			least: make([]float64, len(c.keys)), level: 1}
		nodes := make([][]float64, len(c.keys))
		for i := range f.ms {
			f.ms[i], nodes[i] = 0.1*math.Exp(0.5*rng.NormFloat64()), []float64{8}
		}
		f.ms[c.fixed()] = 0.5
		traced := append([]float64{}, f.ms...)
		var rows [][]float64
		var ms []float64
		for _, p := range networksToTime(s, 48, 1) {
			row := c.row(p)
			rows = append(rows, row)
			ms = append(ms, (dot(row, traced)+(test.share-1)*0.5)*math.Exp(test.noise*rng.NormFloat64()))
		}
		f.correct(c, nodes, rows, ms)
		blocks, before := 0.0, 0.0
		for i := range c.fixed() {
			blocks, before = blocks+f.ms[i], before+traced[i]
		}
		if share := f.ms[c.fixed()] / 0.5 / (blocks / before); share < test.least || share > test.most {
			t.Errorf("%+v: %.2f of the fixed part is found, blocks %.3f of theirs", test, share, blocks/before)
		}
	}
	if out := undisturbed([]float64{1, 1.01, 0.99, 3, 1.02}); len(out) != 4 {
		t.Errorf("undisturbed: %v", out)
	}
}
