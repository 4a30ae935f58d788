package fit

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	"github.com/binas-tui/binas-tui/model"
)

// mlpLearner is affine layers with ReLU between them, in single precision.
// Inputs are centred: a one-hot group less the mean over its levels, and 0
// where it is absent.
type mlpLearner struct {
	d      *design
	layers []mlpLayer
	drop   float32

	inputs []blas32.General // of every layer, from the last forward pass
	mask   []float32        // what dropout multiplied the last layer's inputs by; nil for none
}

type mlpLayer struct {
	in, out int
	w, bias *weights // w is row-major [out][in]
}

func (l mlpLayer) matrix(data []float32) blas32.General { return matrix32(l.out, l.in, data) }

func matrix32(rows, cols int, data []float32) blas32.General {
	return blas32.General{Rows: rows, Cols: cols, Stride: cols, Data: data}
}

// newMLPLearner makes one whose first weights suit the rows trained on.
func newMLPLearner(d *design, s Descent, train []int, rng *rand.Rand) *mlpLearner {
	m := &mlpLearner{d: d, drop: float32(s.Dropout)}
	sizes := []int{d.inputs()}
	for range 1 + s.Layers {
		sizes = append(sizes, s.Hidden)
	}
	for i, in := range sizes {
		out := 1
		if i+1 < len(sizes) {
			out = sizes[i+1]
		}
		l := mlpLayer{in: in, out: out, w: newWeights(in*out, true), bias: newWeights(out, false)}
		for k := range l.w.value {
			l.w.value[k] = float32(rng.NormFloat64() / math.Sqrt(float64(in)))
		}
		m.layers = append(m.layers, l)
	}
	m.calibrate(train)
	// The last layer starts small: the first predictions are the mean accuracy.
	for k := range m.layers[len(sizes)-1].w.value {
		m.layers[len(sizes)-1].w.value[k] *= 0.1
	}
	return m
}

// encode writes the centred inputs of rows.
func (m *mlpLearner) encode(rows []int) blas32.General {
	n := m.d.inputs()
	x := matrix32(len(rows), n, make([]float32, len(rows)*n))
	for i, r := range rows {
		for g, l := range m.d.row(r) {
			if l == absent {
				continue
			}
			group := x.Data[i*n+m.d.offsets[g]:][:m.d.sizes[g]]
			for k := range group {
				group[k] = -1 / float32(len(group))
			}
			group[l]++
		}
	}
	return x
}

func (m *mlpLearner) weights() []*weights {
	var out []*weights
	for _, l := range m.layers {
		out = append(out, l.w, l.bias)
	}
	return out
}

func (m *mlpLearner) project() {}

// shift is the mean that a unit's sum starts with, in deviations: nearly all
// units start where ReLU does nothing, so that the network starts as a nearly
// linear function and learns curvature where it pays. With a mean of 0, the
// usual start, it fits the noise of 1,000 samples.
const shift = 2

// calibrate scales first weights so that what every unit adds up has deviation
// 1 over some of the rows, and mean shift.
func (m *mlpLearner) calibrate(rows []int) {
	x := m.encode(rows[:min(len(rows), 128)])
	for _, l := range m.layers[:len(m.layers)-1] {
		y := matrix32(x.Rows, l.out, make([]float32, x.Rows*l.out))
		blas32.Gemm(blas.NoTrans, blas.Trans, 1, x, l.matrix(l.w.value), 0, y)
		for o := range l.out {
			var mean, square float64
			for r := range y.Rows {
				v := float64(y.Data[r*l.out+o])
				mean += v / float64(y.Rows)
				square += v * v / float64(y.Rows)
			}
			by := 1 / math.Sqrt(max(square-mean*mean, 1e-12))
			for k := range l.in {
				l.w.value[o*l.in+k] *= float32(by)
			}
			l.bias.value[o] = float32(shift - mean*by)
			for r := range y.Rows {
				v := &y.Data[r*l.out+o]
				*v = max(0, *v*float32(by)+l.bias.value[o])
			}
		}
		x = y
	}
}

func (m *mlpLearner) forward(rows []int, dropout *rand.Rand) []float32 {
	x := m.encode(rows)
	m.inputs = m.inputs[:0]
	for i, l := range m.layers {
		last := i == len(m.layers)-1
		if last {
			m.dropUnits(x.Data, dropout)
		}
		m.inputs = append(m.inputs, x)
		y := matrix32(x.Rows, l.out, make([]float32, x.Rows*l.out))
		for r := range y.Rows {
			copy(y.Data[r*l.out:], l.bias.value)
		}
		blas32.Gemm(blas.NoTrans, blas.Trans, 1, x, l.matrix(l.w.value), 1, y)
		if !last {
			for k, v := range y.Data {
				y.Data[k] = max(0, v)
			}
		}
		x = y
	}
	return x.Data
}

// dropUnits sets some values to 0 and scales the rest so that their mean stays.
func (m *mlpLearner) dropUnits(x []float32, rng *rand.Rand) {
	m.mask = nil
	if rng == nil || m.drop == 0 {
		return
	}
	m.mask = make([]float32, len(x))
	for i := range x {
		if rng.Float32() >= m.drop {
			m.mask[i] = 1 / (1 - m.drop)
		}
		x[i] *= m.mask[i]
	}
}

func (m *mlpLearner) backward(rows []int, output []float32) {
	g := matrix32(len(rows), 1, output)
	for i := len(m.layers) - 1; i >= 0; i-- {
		l, x := m.layers[i], m.inputs[i]
		blas32.Gemm(blas.Trans, blas.NoTrans, 1, g, x, 1, l.matrix(l.w.gradient))
		for k, v := range g.Data {
			l.bias.gradient[k%l.out] += v
		}
		if i == 0 {
			return
		}
		next := matrix32(x.Rows, x.Cols, make([]float32, len(x.Data)))
		blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, g, l.matrix(l.w.value), 0, next)
		for k, v := range x.Data {
			if v <= 0 {
				next.Data[k] = 0 // ReLU was off, or the unit dropped
			} else if i == len(m.layers)-1 && m.mask != nil {
				next.Data[k] *= m.mask[k]
			}
		}
		g = next
	}
}

// predictor takes inputs that are not centred: the first bias makes up for it.
func (m *mlpLearner) predictor(mean, scale float64) model.Predictor {
	p := &model.MLP{}
	for _, l := range m.layers {
		layer := model.Layer{In: l.in, Out: l.out}
		for _, v := range l.w.value {
			layer.W = append(layer.W, float64(v))
		}
		for _, v := range l.bias.value {
			layer.Bias = append(layer.Bias, float64(v))
		}
		p.Layers = append(p.Layers, layer)
	}
	first, last := &p.Layers[0], &p.Layers[len(p.Layers)-1]
	for o := range first.Out {
		for g, offset := range m.d.offsets {
			for k := range m.d.sizes[g] {
				first.Bias[o] -= first.W[o*first.In+offset+k] / float64(m.d.sizes[g])
			}
		}
	}
	for i := range last.W {
		last.W[i] *= scale
	}
	last.Bias[0] = mean + scale*last.Bias[0]
	return p
}
