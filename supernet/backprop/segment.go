package backprop

import (
	"fmt"

	"github.com/binas-tui/binas-tui/kernels"
	"github.com/binas-tui/binas-tui/model"
)

// layer is one step of a network: it makes a matrix from a matrix. The kinds, each
// with its derivative in its own file:
//
//	pointwise      1x1 convolution and batch normalisation
//	depthwise      depthwise convolution and batch normalisation
//	activation     ReLU, h-swish
//	squeezeExcite  channels times a gate
//	head           pooling, conv_head, dropout and classifier
//	multiKernel    depthwise, the images choosing a kernel
//	multiNorm      pointwise, the images choosing a normalisation
type layer interface {
	// forward returns the result for x, in training, or with the weights of the
	// builder in evaluation mode. It saves what backward needs.
	forward(b *builder, x string) string
	// backward takes the gradient d of the result. It writes those of the
	// parameters and returns that of x, added to plus where plus is not empty.
	backward(b *builder, d, plus string) string
}

// segment is a part of a network with one forward and one backward graph: layers in
// a row, around which the input may be added to the result.
type segment struct {
	key      string // tells segments with other graphs apart
	channels int    // of the input, whose shape is [channels, m]
	m        int
	layers   []layer
	skip     bool
	plain    bool // of ordinary operators, though kernels could be used
}

func (s segment) forward(b *builder, x string) string {
	out, layers := x, s.fused(b)
	for i, l := range layers {
		if i == len(layers)-1 && s.normSkips(b, l) {
			b.keep, b.skip = s.keep(b), x
			return l.forward(b, out)
		}
		out = l.forward(b, out)
	}
	if s.skip {
		if b.frozen == nil {
			out = b.perImage(out, s.keep(b))
		}
		out = b.add(out, x)
	}
	return out
}

func (s segment) backward(b *builder, d, plus string) string {
	skipped, layers := plus, s.fused(b)
	if s.skip {
		skipped = b.plus(d, plus)
		if s.normSkips(b, layers[len(layers)-1]) {
			b.keep = s.keep(b)
		} else {
			d = b.perImage(d, s.keep(b))
		}
	}
	for i := len(layers) - 1; i > 0; i-- {
		d = layers[i].backward(b, d, "")
	}
	return layers[0].backward(b, d, skipped)
}

// fused are the layers as a graph computes them.
func (s segment) fused(b *builder) []layer {
	if b.useKernels() {
		return fuse(s.layers, b.batch, b.frozen != nil)
	}
	return s.layers
}

// kernels are those of a set that the graphs use.
func (s segment) kernels(of kernels.Set) kernels.Set {
	if s.plain {
		return kernels.Off
	}
	return of
}

// normSkips reports whether the last layer ends in an operator that drops paths and
// adds the input itself, with the keep and skip of the builder.
func (s segment) normSkips(b *builder, last layer) bool {
	if f, ok := last.(fusedDepthwise); ok && f.project != nil {
		last = *f.project
	}
	l, ok := last.(pointwise)
	return s.skip && ok && b.useKernels() && b.frozen == nil && l.out <= l.in
}

// keep is drop path: 0, or 1/(1-p), for every image.
func (s segment) keep(b *builder) string { return b.input("keep", 1, 1, b.batch) }

// graphs writes both graphs of a segment.
func (s segment) graphs(batch int, set kernels.Set) (forward, backward *builder) {
	set = s.kernels(set)
	forward, backward = newBuilder(s.key, batch, set), newBuilder(s.key, batch, set)
	out := s.forward(forward, forward.input("x", s.channels, s.m))
	forward.output("out", out)
	backward.forward = forward
	if dx := s.backward(backward, backward.input("dout", forward.shapes[out]...), ""); dx != "" {
		backward.output("dx", dx)
	}
	return forward, backward
}

const patchSize = 27 // 3 channels of 3x3

// stem is the first convolution, on the 3x3 patches of the image that [patches]
// gathers.
func stem(channels, m int) segment {
	l := model.Stem(channels)
	return segment{key: "stem", channels: patchSize, m: m, layers: []layer{
		pointwise{conv: l.Name, bn: l.Norm, in: patchSize, out: l.Out, first: true},
		activation{l.Activation, l.Norm, l.Act},
	}}
}

// block is a block of a network whose input has the given channels and side.
func block(code model.BlockCode, channels, side, batch int) segment {
	var layers []layer
	for _, l := range code.Layers(channels) {
		layers = append(layers, layersOf(l, side)...)
	}
	return blockOf(fmt.Sprint("block ", code, channels, side), code, channels, side, batch, layers)
}

// blockOf is a block with layers of its own.
func blockOf(key string, code model.BlockCode, channels, side, batch int, layers []layer) segment {
	return segment{key: key, channels: channels, m: side * side * batch, layers: layers, skip: code.Skips(channels)}
}

// layersOf is a layer of a network on a map of the given side, and the activation
// after it.
func layersOf(l model.ConvLayer, side int) []layer {
	var layers []layer
	switch {
	case l.Squeeze > 0:
		layers = []layer{squeezeExcite{l, false}}
	case l.Groups > 1:
		layers = []layer{depthwise{l.Name, l.Norm, l.Out, l.Kernel, l.Stride, side}}
	default:
		layers = []layer{pointwise{conv: l.Name, bn: l.Norm, in: l.In, out: l.Out}}
	}
	if l.Act != "" {
		layers = append(layers, activation{l.Activation, l.Norm, l.Act})
	}
	return layers
}
