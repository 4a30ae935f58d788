package onnx

import (
	"fmt"

	"github.com/binas-tui/binas-tui/model"
)

// layers adds the layers of a network to a graph, batch normalisation folded
// into the convolutions. The first error sticks and makes the rest do nothing.
type layers struct {
	g   *Graph
	w   Weights
	err error
	// statistics is nil where batch normalisation is folded.
	statistics *statistics
}

// tensor fetches weights under their own name.
func (l *layers) tensor(name string, shape ...int) string {
	if l.err != nil {
		return ""
	}
	data, err := l.w.Tensor(name, shape)
	if err != nil {
		l.err = err
		return ""
	}
	return l.g.Const(name, data, shape...)
}

// convolution is the geometry of one convolution of square kernels. Padding is
// kernel/2 on every side.
type convolution struct {
	in, out, kernel, stride, groups int
}

func (c convolution) shape() []int {
	return []int{c.out, c.in / c.groups, c.kernel, c.kernel}
}

func (c convolution) attrs() []Attr {
	p := c.kernel / 2
	return []Attr{
		Ints("kernel_shape", c.kernel, c.kernel), Ints("strides", c.stride, c.stride),
		Ints("pads", p, p, p, p), Int("group", c.groups),
	}
}

func pointwise(in, out int) convolution { return convolution{in, out, 1, 1, 1} }

func depthwise(channels, kernel, stride int) convolution {
	return convolution{channels, channels, kernel, stride, channels}
}

// convBN adds a convolution with the batch normalisation bn folded into it.
func (l *layers) convBN(x, conv, bn string, c convolution) string {
	if l.err != nil {
		return ""
	}
	if l.statistics != nil {
		return l.trainingBN(x, conv, bn, c)
	}
	weight, bias, err := folded(l.w, conv, bn, c.shape())
	if err != nil {
		l.err = err
		return ""
	}
	w := l.g.Const(conv+".weight", weight, c.shape()...)
	b := l.g.Const(conv+".bias", bias, c.out)
	return l.g.Node(conv, "Conv", []string{x, w, b}, c.attrs()...)
}

// conv adds a convolution with a bias and no normalisation.
func (l *layers) conv(x, name string, c convolution) string {
	w, b := l.tensor(name+".weight", c.shape()...), l.tensor(name+".bias", c.out)
	return l.g.Node(name, "Conv", []string{x, w, b}, c.attrs()...)
}

// activation adds a non-linearity. HardSwish is as fast as HardSigmoid and Mul
// in ONNX Runtime; written with Clip it would make a network 10% slower.
func (l *layers) activation(x, name string, a model.Activation) string {
	switch a {
	case model.ReLU:
		return l.g.Node(name, "Relu", []string{x})
	case model.ReLU6:
		low, high := l.g.Const(name+".low", []float32{0}), l.g.Const(name+".high", []float32{6})
		return l.g.Node(name, "Clip", []string{x, low, high})
	case model.Swish:
		return l.g.Node(name, "Mul", []string{x, l.g.Node(name+".gate", "Sigmoid", []string{x})})
	}
	return l.g.Node(name, "HardSwish", []string{x})
}

// squeezeExcite scales the channels of x by a gate computed from their means.
func (l *layers) squeezeExcite(x, prefix string, channels, squeezed int) string {
	y := l.g.Node(prefix+".pool", "GlobalAveragePool", []string{x})
	y = l.conv(y, prefix+".conv_reduce", pointwise(channels, squeezed))
	y = l.activation(y, prefix+".act", model.ReLU)
	y = l.conv(y, prefix+".conv_expand", pointwise(squeezed, channels))
	y = l.g.Node(prefix+".gate", "HardSigmoid", []string{y}, Float("alpha", 1.0/6), Float("beta", 0.5)) // relu6(y+3)/6
	return l.g.Node(prefix, "Mul", []string{x, y})
}

// block adds one block without repeats whose input has the given width.
func (l *layers) block(x, prefix string, b model.BlockCode, in int) string {
	at := func(name string) string { return prefix + "." + name }
	if b.Type == model.ConvBNAct {
		y := l.convBN(x, at("conv"), at("bn1"), convolution{in, b.Channels, b.Kernel, b.Stride, 1})
		return l.activation(y, at("act1"), b.Activation)
	}
	mid, y := b.MidChannels(in), x
	names := []string{"bn1", "act1", "conv_pw", "bn2", "act2"}
	if b.Type == model.InvertedResidual {
		y = l.convBN(y, at("conv_pw"), at("bn1"), pointwise(in, mid))
		y = l.activation(y, at("act1"), b.Activation)
		names = []string{"bn2", "act2", "conv_pwl", "bn3", "act3"}
	}
	y = l.convBN(y, at("conv_dw"), at(names[0]), depthwise(mid, b.Kernel, b.Stride))
	y = l.activation(y, at(names[1]), b.Activation)
	if se := b.SEChannels(in); se > 0 {
		y = l.squeezeExcite(y, at("se"), mid, se)
	}
	y = l.convBN(y, at(names[2]), at(names[3]), pointwise(mid, b.Channels))
	if b.Type == model.DepthwiseSepAct {
		return l.activation(y, at(names[4]), b.Activation)
	}
	if b.Stride == 1 && in == b.Channels {
		y = l.g.Node(at("sum"), "Add", []string{y, x})
	}
	return y
}

// Block is a block of a network with what it is fed: a map of InChannels by
// Resolution by Resolution.
type Block struct {
	Code       model.BlockCode
	InChannels int
	Resolution int // pixels
}

// Graph returns a model of the block alone, from input "x" [batch, InChannels,
// Resolution, Resolution] to output "y"; batch may be [Batch]. Its weights are
// asked for under blocks.0.0. A code with repeats is an error: see
// [model.Expanded].
func (b Block) Graph(batch int, w Weights) (*Graph, error) {
	if b.Code.Repeats != 1 || b.InChannels < 1 || b.Resolution < 1 || !validBatch(batch) {
		return nil, fmt.Errorf("graph of block %s on [%d, %d, %d, %d]: expected one repeat and sizes of at least 1",
			b.Code, batch, b.InChannels, b.Resolution, b.Resolution)
	}
	l := layers{g: NewGraph(b.Code.String()), w: w}
	x := l.g.Input("x", batch, b.InChannels, b.Resolution, b.Resolution)
	y := l.block(x, model.BlockName(0, 0), b.Code, b.InChannels)
	if l.err != nil {
		return nil, fmt.Errorf("graph of block %s: %w", b.Code, l.err)
	}
	side := model.Downsample(b.Resolution, b.Code.Stride)
	l.g.Output(l.g.rename(y, "y"), batch, b.Code.Channels, side, side)
	return l.g, nil
}

// Overhead returns a model that does next to nothing, from input "x" [1] to
// output "y": what a run of it takes is what every run takes beside its work.
func Overhead() *Graph {
	g := NewGraph("overhead")
	g.Output(g.Node("y", "Relu", []string{g.Input("x", 1)}), 1)
	return g
}

func validBatch(batch int) bool { return batch > 0 || batch == Batch }
