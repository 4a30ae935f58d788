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

// weightShape is the shape of the weights of a layer.
func weightShape(l model.ConvLayer) []int { return []int{l.Out, l.In / l.Groups, l.Kernel, l.Kernel} }

// convAttrs are the attributes of its convolution.
func convAttrs(l model.ConvLayer) []Attr {
	p := l.Kernel / 2
	return []Attr{
		Ints("kernel_shape", l.Kernel, l.Kernel), Ints("strides", l.Stride, l.Stride),
		Ints("pads", p, p, p, p), Int("group", l.Groups),
	}
}

// layer adds a layer whose names have a prefix.
func (l *layers) layer(x, prefix string, m model.ConvLayer) string {
	name := prefix + m.Name
	switch {
	case m.Squeeze > 0:
		return l.squeezeExcite(x, name, m)
	case m.Norm == "":
		w, b := l.tensor(name+".weight", weightShape(m)...), l.tensor(name+".bias", m.Out)
		x = l.g.Node(name, "Conv", []string{x, w, b}, convAttrs(m)...)
	default:
		x = l.convBN(x, name, prefix+m.Norm, m)
	}
	if m.Act != "" {
		x = l.activation(x, prefix+m.Act, m.Activation)
	}
	return x
}

// convBN adds a convolution with the batch normalisation bn folded into it.
func (l *layers) convBN(x, conv, bn string, m model.ConvLayer) string {
	if l.err != nil {
		return ""
	}
	if l.statistics != nil {
		return l.trainingBN(x, conv, bn, m)
	}
	weight, bias, err := folded(l.w, conv, bn, weightShape(m))
	if err != nil {
		l.err = err
		return ""
	}
	w := l.g.Const(conv+".weight", weight, weightShape(m)...)
	b := l.g.Const(conv+".bias", bias, m.Out)
	return l.g.Node(conv, "Conv", []string{x, w, b}, convAttrs(m)...)
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
func (l *layers) squeezeExcite(x, name string, m model.ConvLayer) string {
	m.Name = name
	reduce, expand := m.Gate()
	y := l.g.Node(name+".pool", "GlobalAveragePool", []string{x})
	y = l.layer(l.layer(y, "", reduce), "", expand)
	y = l.g.Node(name+".gate", "HardSigmoid", []string{y}, Float("alpha", 1.0/6), Float("beta", 0.5)) // relu6(y+3)/6
	return l.g.Node(name, "Mul", []string{x, y})
}

// block adds one block without repeats whose input has the given width.
func (l *layers) block(x, name string, b model.BlockCode, in int) string {
	y := x
	for _, m := range b.Layers(in) {
		y = l.layer(y, name+".", m)
	}
	if b.Skips(in) {
		y = l.g.Node(name+".sum", "Add", []string{y, x})
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
