package fit

import (
	"math/rand/v2"

	"github.com/binas-tui/binas-tui/model"
)

// linearLearner is a bilinear or quadratic predictor. Its weights start at 0.
type linearLearner struct {
	f       *features
	active  activeRows
	w       *weights   // all
	parts   []*weights // of w: the bias, linear weights, products
	scratch []float64
}

// productShare is the share of the learning rate that products get. Adam moves
// every weight alike; a sample touches many more products than other weights,
// and they matter less.
const productShare = 0.01

func newLinearLearner(f *features) *linearLearner {
	l := &linearLearner{f: f, active: f.activeRows(), w: newWeights(f.size, true), scratch: make([]float64, f.size)}
	n := 1 + f.d.inputs()
	l.parts = []*weights{l.w.part(0, 1), l.w.part(1, n), l.w.part(n, f.size)}
	l.parts[0].decays = false
	l.parts[2].share = productShare
	return l
}

// part is some of the weights, in the same memory.
func (w *weights) part(from, to int) *weights {
	return &weights{w.value[from:to], w.gradient[from:to], w.decays, w.share, w.m[from:to], w.v[from:to]}
}

func (l *linearLearner) weights() []*weights { return l.parts }

func (l *linearLearner) forward(rows []int, _ *rand.Rand) []float32 {
	out := make([]float32, len(rows))
	for i, r := range rows {
		for _, k := range l.active.row(r) {
			out[i] += l.w.value[k]
		}
	}
	return out
}

func (l *linearLearner) backward(rows []int, output []float32) {
	for i, r := range rows {
		for _, k := range l.active.row(r) {
			l.w.gradient[k] += output[i]
		}
	}
}

// project keeps the sums of weights at 0, so that blocks that are off add nothing.
func (l *linearLearner) project() {
	for i, v := range l.w.value {
		l.scratch[i] = float64(v)
	}
	l.f.center(l.scratch, 1)
	for i, v := range l.scratch {
		l.w.value[i] = float32(v)
	}
}

func (l *linearLearner) predictor(mean, scale float64) model.Predictor {
	w := make([]float64, l.f.size)
	for i, v := range l.w.value {
		w[i] = scale * float64(v)
	}
	l.f.center(w, 1)
	w[0] += mean
	return l.f.predictor(w)
}
