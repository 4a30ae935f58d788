package training

import (
	"context"
	"math"
	"slices"

	"github.com/binas-tui/binas-tui/internal/parallel"
	"github.com/binas-tui/binas-tui/onnx"
)

// Optimizer is stochastic gradient descent with Nesterov momentum, as PyTorch
// defines it:
//
//	g ← g + decay·w;  v ← momentum·v + g;  w ← w - lr·(g + momentum·v)
//
// Weight decay leaves out what has one dimension (biases, scales and shifts of
// BN). Parameters that a step did not touch stay as they are, momentum
// included, as in PyTorch where the gradient is None.
type Optimizer struct {
	Momentum    float64
	WeightDecay float64

	weights    onnx.StateDict
	velocities onnx.StateDict // of the parameters that have been touched so far
	work       []span
}

// span is a piece of one parameter: the unit of work of the goroutines.
type span struct {
	w, v, g []float32
	decay   float32
}

// spanSize is the most elements of a span: 64 K float32 of three kinds fit the
// second level cache.
const spanSize = 1 << 16

// NewOptimizer optimises weights in place.
func NewOptimizer(weights onnx.StateDict, momentum, weightDecay float64) *Optimizer {
	return &Optimizer{Momentum: momentum, WeightDecay: weightDecay, weights: weights, velocities: onnx.StateDict{}}
}

// Step moves the touched parameters against scale times their gradients.
// Gradients have the shapes of the weights.
func (o *Optimizer) Step(lr, scale float64, gradients onnx.StateDict, touched []string) {
	o.work = o.work[:0]
	for _, name := range touched {
		w := o.weights[name]
		v, ok := o.velocities[name]
		if !ok {
			v = onnx.TensorData{Shape: w.Shape, Data: make([]float32, len(w.Data))}
			o.velocities[name] = v
		}
		decay := float32(o.WeightDecay)
		if len(w.Shape) <= 1 {
			decay = 0
		}
		g := gradients[name].Data
		for from := 0; from < len(w.Data); from += spanSize {
			to := min(from+spanSize, len(w.Data))
			o.work = append(o.work, span{w.Data[from:to], v.Data[from:to], g[from:to], decay})
		}
	}
	parallel.For(context.Background(), len(o.work), func(i int) { o.work[i].step(float32(lr), float32(scale), float32(o.Momentum)) })
	clear(o.work)
}

func (s span) step(lr, scale, momentum float32) {
	w := s.w
	v, g := s.v[:len(w)], s.g[:len(w)]
	for i := range w {
		d := scale*g[i] + s.decay*w[i]
		u := momentum*v[i] + d
		v[i] = u
		w[i] -= lr * (d + momentum*u)
	}
}

// gradientNorm is the Euclidean norm over the touched gradients. Pieces are added
// up in the order of names, so that the sum is the same each time.
func gradientNorm(gradients onnx.StateDict, touched []string) float64 {
	var pieces [][]float32
	for _, name := range slices.Sorted(slices.Values(touched)) {
		for piece := range slices.Chunk(gradients[name].Data, spanSize) {
			pieces = append(pieces, piece)
		}
	}
	squares := make([]float64, len(pieces))
	parallel.For(context.Background(), len(pieces), func(i int) { squares[i] = sumOfSquares(pieces[i]) })
	sum := 0.0
	for _, s := range squares {
		sum += s
	}
	return math.Sqrt(sum)
}

// sumOfSquares has four sums, so that one addition need not wait for the last.
func sumOfSquares(values []float32) float64 {
	var a, b, c, d float64
	for len(values) >= 4 {
		p, q, r, s := float64(values[0]), float64(values[1]), float64(values[2]), float64(values[3])
		a, b, c, d = a+p*p, b+q*q, c+r*r, d+s*s
		values = values[4:]
	}
	for _, v := range values {
		a += float64(v) * float64(v)
	}
	return a + b + c + d
}

// clipScale is the factor that brings a gradient of the given norm down to a
// limit; a limit of 0 is none. As in PyTorch, 1e-6 keeps it finite.
func clipScale(norm, limit float64) float64 {
	if limit <= 0 {
		return 1
	}
	return min(1, limit/(norm+1e-6))
}
