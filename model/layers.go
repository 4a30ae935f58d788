package model

import "strconv"

// ConvLayer is a convolution, the classifier or squeeze-excite, with what follows it,
// under the names that timm's state dicts have for its tensors. What a network
// computes, holds and costs is said by layers alone.
type ConvLayer struct {
	Name       string // of the weights: conv_pw; of squeeze-excite its prefix
	Norm       string // of the batch normalisation; empty: the layer has a bias instead
	Act        string // of the activation; empty: none
	Activation Activation

	In, Out                int // channels
	Kernel, Stride, Groups int // padding is Kernel/2 on every side
	Squeeze                int // channels of the squeeze of a squeeze-excite, which has In and Out alone beside; else 0
}

// BlockName is what the names of a block's tensors start with in state dicts and
// graphs: blocks.1.0. Stages and blocks count from 0.
func BlockName(stage, block int) string {
	return "blocks." + strconv.Itoa(stage) + "." + strconv.Itoa(block)
}

// Stem is the convolution that all networks start with.
func Stem(channels int) ConvLayer {
	return ConvLayer{Name: "conv_stem", Norm: "bn1", Act: "act1", Activation: HSwish, In: 3, Out: channels, Kernel: 3, Stride: 2, Groups: 1}
}

// Head is what they end with, on the mean of the map over its positions.
func Head(in, classes int) (conv, classifier ConvLayer) {
	conv = pointwise("conv_head", "", "act2", HSwish, in, FeatureWidth)
	return conv, pointwise("classifier", "", "", HSwish, FeatureWidth, classes)
}

// Layers are the layers of a block without repeats whose input has the given width.
func (b BlockCode) Layers(in int) []ConvLayer {
	a, mid := b.Activation, b.MidChannels(in)
	depthwise := ConvLayer{Name: "conv_dw", Activation: a, In: mid, Out: mid, Kernel: b.Kernel, Stride: b.Stride, Groups: mid}
	var layers []ConvLayer
	var project ConvLayer
	switch b.Type {
	case ConvBNAct:
		return []ConvLayer{{Name: "conv", Norm: "bn1", Act: "act1", Activation: a, In: in, Out: b.Channels, Kernel: b.Kernel, Stride: b.Stride, Groups: 1}}
	case InvertedResidual:
		layers = append(layers, pointwise("conv_pw", "bn1", "act1", a, in, mid))
		depthwise.Norm, depthwise.Act = "bn2", "act2"
		project = pointwise("conv_pwl", "bn3", "", a, mid, b.Channels)
	default:
		depthwise.Norm, depthwise.Act = "bn1", "act1"
		project = pointwise("conv_pw", "bn2", "", a, mid, b.Channels)
		if b.Type == DepthwiseSepAct {
			project.Act = "act2"
		}
	}
	layers = append(layers, depthwise)
	if squeezed := b.SEChannels(in); squeezed > 0 {
		layers = append(layers, ConvLayer{Name: "se", In: mid, Out: mid, Squeeze: squeezed})
	}
	return append(layers, project)
}

func pointwise(name, norm, act string, a Activation, in, out int) ConvLayer {
	return ConvLayer{Name: name, Norm: norm, Act: act, Activation: a, In: in, Out: out, Kernel: 1, Stride: 1, Groups: 1}
}

// Gate is the two layers of a squeeze-excite, on the means of the map.
func (l ConvLayer) Gate() (reduce, expand ConvLayer) {
	return pointwise(l.Name+".conv_reduce", "", l.Name+".act", ReLU, l.In, l.Squeeze),
		pointwise(l.Name+".conv_expand", "", "", ReLU, l.Squeeze, l.In)
}

// Skips reports whether the input of a block is added to its result.
func (b BlockCode) Skips(in int) bool {
	return (b.Type == InvertedResidual || b.Type == DepthwiseSep) && b.Stride == 1 && in == b.Channels
}

// FeatureWidth is the width of conv_head.
const FeatureWidth = 1280

// MidChannels is the width of the block's depthwise convolution.
func (b BlockCode) MidChannels(in int) int {
	if b.Type == InvertedResidual {
		return MakeDivisible(float64(in)*b.Expansion, 8)
	}
	return in
}

// SEChannels is the width of the block's squeeze, 0 without squeeze-excite.
func (b BlockCode) SEChannels(in int) int {
	if b.SERatio == 0 {
		return 0
	}
	return MakeDivisible(float64(b.MidChannels(in))*b.SERatio, 8)
}
