package onnx

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
)

// Weights hands out the tensors of a network by the names of its PyTorch state
// dict: conv_stem.weight, bn1.weight, blocks.1.0.conv_pw.weight,
// blocks.1.0.bn1.running_var, blocks.1.0.se.conv_reduce.bias, conv_head.bias,
// classifier.weight and so on. Convolutions are [out, in/groups, k, k], row
// major. The caller does not change what it gets.
type Weights interface {
	Tensor(name string, shape []int) ([]float32, error)
}

// Errors about weights, wrapped with the tensor's name and shapes.
var (
	ErrNoTensor    = errors.New("no such tensor")
	ErrTensorShape = errors.New("tensor has another shape")
)

// Tensor data with its shape, as a state dict holds it.
type TensorData struct {
	Shape []int
	Data  []float32
}

// StateDict is a set of trained weights.
type StateDict map[string]TensorData

// Tensor implements [Weights].
func (s StateDict) Tensor(name string, shape []int) ([]float32, error) {
	t, ok := s[name]
	if !ok {
		return nil, fmt.Errorf("weights: %w: %s of shape %v", ErrNoTensor, name, shape)
	}
	if !slices.Equal(t.Shape, shape) || len(t.Data) != Elements(shape) {
		return nil, fmt.Errorf("weights: %w: %s is %v with %d values: the network needs %v",
			ErrTensorShape, name, t.Shape, len(t.Data), shape)
	}
	return t.Data, nil
}

// RandomWeights are made from a seed, for networks whose latency matters and
// whose answers do not. Convolutions are scaled by their fan-in and BN is near
// the identity, so that activations stay finite at any depth. A tensor depends
// on the seed and its name alone: value i is low + (high-low)·u with u the top
// 24 bits of splitmix64(fnv1a(name) + seed + i·step), so that other programs can
// make the same.
type RandomWeights struct{ Seed uint64 }

// Tensor implements [Weights].
func (r RandomWeights) Tensor(name string, shape []int) ([]float32, error) {
	data := make([]float32, Elements(shape))
	switch {
	case len(shape) > 1:
		bound := math.Sqrt(6 / float64(Elements(shape[1:])))
		r.fill(data, name, -bound, bound)
	case strings.HasSuffix(name, ".running_var"), strings.HasSuffix(name, ".weight"):
		r.fill(data, name, 0.8, 1.2)
	default:
		r.fill(data, name, -0.1, 0.1)
	}
	return data, nil
}

// fill writes numbers from low to high.
func (r RandomWeights) fill(data []float32, name string, low, high float64) {
	h := fnv.New64a()
	h.Write([]byte(name))
	state := h.Sum64() + r.Seed
	for i := range data {
		state += 0x9e3779b97f4a7c15
		z := state
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
		data[i] = float32(low + (high-low)*float64(z>>40)/(1<<24))
	}
}

// batchNormEps is what PyTorch adds to the variance.
const batchNormEps = 1e-5

// folded returns the weight and bias of a convolution with the normalisation bn
// folded in.
func folded(w Weights, conv, bn string, shape []int) (weight, bias []float32, err error) {
	raw, err := w.Tensor(conv+".weight", shape)
	if err != nil {
		return nil, nil, err
	}
	var p [4][]float32
	for i, name := range []string{".weight", ".bias", ".running_mean", ".running_var"} {
		if p[i], err = w.Tensor(bn+name, shape[:1]); err != nil {
			return nil, nil, err
		}
	}
	weight, bias = FoldBatchNorm(raw, p[0], p[1], p[2], p[3])
	return weight, bias, nil
}

// FoldBatchNorm returns the weight and bias of a convolution that stands for one
// without bias, raw [out, ...], and the batch normalisation behind it in evaluation
// mode: raw·g and shift - mean·g with g = scale/sqrt(variance+1e-5), computed in
// float64. The parameters of the normalisation are [out].
func FoldBatchNorm(raw, scale, shift, mean, variance []float32) (weight, bias []float32) {
	weight, bias = make([]float32, len(raw)), make([]float32, len(scale))
	per := len(raw) / len(scale)
	for c := range bias {
		gain := float64(scale[c]) / math.Sqrt(float64(variance[c])+batchNormEps)
		bias[c] = float32(float64(shift[c]) - float64(mean[c])*gain)
		for i := c * per; i < (c+1)*per; i++ {
			weight[i] = float32(float64(raw[i]) * gain)
		}
	}
	return weight, bias
}
