package supernet

import (
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/binas-tui/binas-tui/onnx"
)

// classifierBound bounds the classifier's first weights, which are uniform.
// PyTorch's 1/sqrt(classes) makes the first steps with few classes useless.
const classifierBound = 0.01

// Init says how training starts. Convolutions are normal with mean 0 and
// variance 2/fan_out, where fan_out = k·k·out/groups; normalisations are the
// identity; biases are 0; the classifier is uniform within ±0.01. A tensor
// depends on the seed, its name and its shape alone.
type Init struct {
	Seed uint64
	// ResidualScale is where the scale of the last normalisation of blocks with
	// a residual connection starts. With 0, the default, such a block does
	// nothing at first, and the heaviest network trains as well as small ones
	// do; the paper's program has 1.
	ResidualScale float64
}

// Weights returns the first weights of a supernet or of one network, whose tensors
// [Layout] or [ChildLayout] lists.
func (o Init) Weights(tensors []Tensor) onnx.StateDict {
	w := make(onnx.StateDict, len(tensors))
	for _, t := range tensors {
		w[t.Name] = onnx.TensorData{Shape: t.Shape, Data: o.values(t)}
	}
	return w
}

func (o Init) values(t Tensor) []float32 {
	data := make([]float32, t.Elements())
	name := fnv.New64a()
	name.Write([]byte(t.Name))
	r := rand.New(rand.NewPCG(o.Seed, name.Sum64()))
	switch t.Kind {
	case Conv:
		deviation := math.Sqrt(2 / float64(t.Shape[2]*t.Shape[3]*t.Shape[0]/max(t.Groups, 1)))
		for i := range data {
			data[i] = float32(deviation * r.NormFloat64())
		}
	case Linear:
		for i := range data {
			data[i] = float32(classifierBound * (2*r.Float64() - 1))
		}
	case Scale:
		scale := 1.0
		if t.Residual {
			scale = o.ResidualScale
		}
		constant(data, scale)
	case Variance:
		constant(data, 1)
	case Choice:
		constant(data, 1/float64(len(data)))
	}
	return data
}

func constant(data []float32, v float64) {
	for i := range data {
		data[i] = float32(v)
	}
}
