package onnx

import (
	"cmp"
	"fmt"

	"github.com/binas-tui/binas-tui/model"
)

// NetworkOptions are the sizes of a network that its string does not say.
type NetworkOptions struct {
	ImageSize int // side of the input image in pixels; 0 is 224
	Classes   int // 0 is 1000
	Batch     int // 0 is 1; Batch (-1) leaves it open until the network runs
}

func (o NetworkOptions) withDefaults() NetworkOptions {
	o.ImageSize = cmp.Or(o.ImageSize, 224)
	o.Classes = cmp.Or(o.Classes, 1000)
	o.Batch = cmp.Or(o.Batch, 1)
	return o
}

func (o NetworkOptions) check() error {
	if o.ImageSize < 1 || o.ImageSize > model.MaxImageSize || o.Classes < 1 || !validBatch(o.Batch) {
		return fmt.Errorf("network of batch %d, %d pixels, %d classes: expected at least 1 of each and at most %d pixels",
			o.Batch, o.ImageSize, o.Classes, model.MaxImageSize)
	}
	return nil
}

// Network returns the whole network of an architecture string for deployment:
// stem, blocks and head, batch normalisation folded, from input "image"
// [batch, 3, ImageSize, ImageSize] to output "logits" [batch, Classes]. The
// architecture is stored in the model's metadata.
func Network(arch model.Architecture, w Weights, o NetworkOptions) (*Graph, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	l := layers{g: NewGraph("network"), w: w}
	l.network(arch, o)
	if l.err != nil {
		return nil, fmt.Errorf("graph of network: %w", l.err)
	}
	return l.g, nil
}

// network adds the whole network of an architecture.
func (l *layers) network(arch model.Architecture, o NetworkOptions) {
	l.g.Metadata("architecture", arch.String())
	x := l.g.Input("image", o.Batch, 3, o.ImageSize, o.ImageSize)
	in := arch.StemWidth()
	x = l.layer(x, "", model.Stem(in))
	for s, stage := range arch {
		for b, code := range model.Expanded(stage) {
			x = l.block(x, model.BlockName(s, b), code, in)
			in = code.Channels
		}
	}
	l.head(x, in, o)
}

// FixedPart returns what every network of a space has in common, as one model
// with two inputs: stem and first block, from "image" to "first"; last
// convolution and head, from "last" [batch, channels of the last stage, side,
// side] to "logits".
func FixedPart(s *model.Space, w Weights, o NetworkOptions) (*Graph, error) {
	o.ImageSize = s.ImageSize
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	first, last := s.FirstBlock(), s.LastBlock()
	end := s.Stages[len(s.Stages)-1]
	side := model.Downsample(end.Resolution, end.Stride)

	l := layers{g: NewGraph("fixed part of " + s.Name), w: w}
	image := l.g.Input("image", o.Batch, 3, s.ImageSize, s.ImageSize)
	map7 := l.g.Input("last", o.Batch, end.OutChannels, side, side)
	y := l.block(l.layer(image, "", model.Stem(s.StemChannels)), model.BlockName(0, 0), first, s.StemChannels)
	start := s.Stages[0]
	l.g.Output(l.g.rename(y, "first"), o.Batch, first.Channels, start.Resolution, start.Resolution)
	y = l.block(map7, model.BlockName(len(s.Stages)+1, 0), last, end.OutChannels)
	l.head(y, last.Channels, o)
	if l.err != nil {
		return nil, fmt.Errorf("graph of the fixed part: %w", l.err)
	}
	return l.g, nil
}

// head is global average pooling, conv_head with a bias and h-swish, and the
// linear classifier; its output is "logits".
func (l *layers) head(x string, in int, o NetworkOptions) {
	y := l.g.Node("global_pool", "GlobalAveragePool", []string{x})
	conv, classifier := model.Head(in, o.Classes)
	y = l.layer(y, "", conv)
	y = l.g.Node("flatten", "Flatten", []string{y})
	weight, bias := l.tensor(classifier.Name+".weight", o.Classes, classifier.In), l.tensor(classifier.Name+".bias", o.Classes)
	y = l.g.Node("logits", "Gemm", []string{y, weight, bias}, Int("transB", 1))
	l.g.Output(y, o.Batch, o.Classes)
}
