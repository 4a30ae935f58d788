package backprop

import (
	"fmt"

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
}

func (s segment) forward(b *builder, x string) string {
	out := x
	for _, l := range s.layers {
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

func (s segment) backward(b *builder, d string) string {
	skipped := ""
	if s.skip {
		skipped = d
		d = b.perImage(d, s.keep(b))
	}
	for i := len(s.layers) - 1; i > 0; i-- {
		d = s.layers[i].backward(b, d, "")
	}
	return s.layers[0].backward(b, d, skipped)
}

// keep is drop path: 0, or 1/(1-p), for every image.
func (s segment) keep(b *builder) string { return b.input("keep", 1, 1, b.batch) }

// graphs writes both graphs of a segment.
func (s segment) graphs(batch int) (forward, backward *builder) {
	forward, backward = newBuilder(s.key, batch), newBuilder(s.key, batch)
	out := s.forward(forward, forward.input("x", s.channels, s.m))
	forward.output("out", out)
	backward.forward = forward
	if dx := s.backward(backward, backward.input("dout", forward.shapes[out]...)); dx != "" {
		backward.output("dx", dx)
	}
	return forward, backward
}

const patchSize = 27 // 3 channels of 3x3

// stem is the first convolution, on the 3x3 patches of the image that [patches]
// gathers.
func stem(channels, m int) segment {
	return segment{key: "stem", channels: patchSize, m: m, layers: []layer{
		pointwise{conv: "conv_stem", bn: "bn1", in: patchSize, out: channels, fold: true, first: true},
		activation{model.HSwish, "bn1"},
	}}
}

// separable is the first block.
func separable(in, out, side, batch int) segment {
	return segment{key: "separable", channels: in, m: side * side * batch, layers: []layer{
		depthwise{"conv_dw", "bn1", in, 3, 1, side},
		activation{model.ReLU, "bn1"},
		pointwise{conv: "conv_pw", bn: "bn2", in: in, out: out},
	}}
}

// last is the 1x1 convolution after the searched stages: the seventh stage.
func last(in, out, m int) segment {
	return segment{key: "last", channels: in, m: m, layers: []layer{
		pointwise{conv: "conv", bn: "bn1", in: in, out: out, fold: true},
		activation{model.HSwish, "bn1"},
	}}
}

// block is an inverted-residual block with one option.
func block(shape model.BlockShape, o model.Option, batch int) segment {
	mid, squeezed := widths(shape, o)
	return invertedResidual(fmt.Sprint("block ", shape, mid, squeezed, o.Kernel), shape, batch,
		depthwise{"conv_dw", "bn2", mid, o.Kernel, shape.Stride, shape.Resolution},
		squeezeExcite{name: "se", channels: mid, squeezed: squeezed},
		pointwise{conv: "conv_pwl", bn: "bn3", in: mid, out: shape.OutChannels})
}

// widths are the channels of a block after the expansion and after the squeeze; 0
// without one.
func widths(shape model.BlockShape, o model.Option) (mid, squeezed int) {
	code := model.BlockCode{Type: model.InvertedResidual, Expansion: o.Expansion, SERatio: o.SERatio}
	return code.MidChannels(shape.InChannels), code.SEChannels(shape.InChannels)
}

// invertedResidual is what blocks with one option and with several have in common.
func invertedResidual(key string, s model.BlockShape, batch int, spatial layer, se squeezeExcite, project layer) segment {
	layers := []layer{
		pointwise{conv: "conv_pw", bn: "bn1", in: s.InChannels, out: se.channels, fold: true},
		activation{s.Activation, "bn1"},
		spatial,
		activation{s.Activation, "bn2"},
	}
	if se.squeezed > 0 {
		layers = append(layers, se)
	}
	return segment{
		key: key, channels: s.InChannels, m: s.Resolution * s.Resolution * batch,
		layers: append(layers, project),
		skip:   s.Stride == 1 && s.InChannels == s.OutChannels,
	}
}
