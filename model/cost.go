package model

import "fmt"

// Cost is what a network holds and does at batch size 1.
type Cost struct {
	Params int64 // learnable values: convolutions, BN weight and bias, classifier
	MACs   int64 // multiply-accumulates of convolutions and linear layers
	// PeakBytes is the peak activation memory: the greatest sum of input and
	// output of one convolution or linear layer, as float32. Activations, the
	// scaling of squeeze-excite and the addition of a residual work in place;
	// what a residual keeps alive across its block is not counted.
	PeakBytes int64
	// MapBytes is all outputs of convolutions and linear layers together, as
	// float32: what training keeps for the way back.
	MapBytes int64
}

// RunBytes is what running the network on so many images at once takes at least:
// its weights, and the largest maps of an image for each.
func (c Cost) RunBytes(images int) float64 {
	return 4*float64(c.Params) + float64(images)*float64(c.PeakBytes)
}

// TrainBytes is what a step of training on so many images takes at least: weights,
// gradients and velocities, and all maps of every image.
func (c Cost) TrainBytes(images int) float64 {
	return 12*float64(c.Params) + float64(images)*float64(c.MapBytes)
}

// StemWidth is the width of the 3x3 stem that goes with an architecture
// string, which does not say it: that of the space the string belongs to, else 32.
func (a Architecture) StemWidth() int {
	if s, _, err := SpaceOf(a, 224); err == nil {
		return s.StemChannels
	}
	return 32
}

// FeatureWidth is the width of conv_head, the 1x1 convolution on the pooled map.
const FeatureWidth = 1280

// Cost counts parameters and multiply-accumulates of the network, stem and
// head included, for a square image of imageSize pixels and the given number
// of classes.
func (a Architecture) Cost(imageSize, classes int) (Cost, error) {
	if imageSize < 16 || imageSize > MaxImageSize || classes < 1 || classes > 1<<20 {
		return Cost{}, fmt.Errorf("cost at %d pixels and %d classes: expected 16 to %d pixels and 1 to %d classes",
			imageSize, classes, MaxImageSize, 1<<20)
	}
	var c Cost
	in, resolution := a.StemWidth(), Downsample(imageSize, 2)
	c.conv(3, in, 3, 1, imageSize, resolution, true)
	for _, stage := range a {
		for _, b := range Expanded(stage) {
			c = c.plus(b.Cost(in, resolution))
			in, resolution = b.Channels, Downsample(resolution, b.Stride)
		}
	}
	c.conv(in, FeatureWidth, 1, 1, 1, 1, false)
	c.Params += FeatureWidth // bias of conv_head
	c.conv(FeatureWidth, classes, 1, 1, 1, 1, false)
	c.Params += int64(classes) // bias of the classifier
	return c, nil
}

// Cost counts one block (without repeats) whose input has the given width and
// resolution.
func (b BlockCode) Cost(in, resolution int) Cost {
	var c Cost
	out := Downsample(resolution, b.Stride)
	if b.Type == ConvBNAct {
		c.conv(in, b.Channels, b.Kernel, 1, resolution, out, true)
		return c
	}
	mid := b.MidChannels(in)
	if b.Type == InvertedResidual {
		c.conv(in, mid, 1, 1, resolution, resolution, true)
	}
	c.conv(mid, mid, b.Kernel, mid, resolution, out, true)
	if se := b.SEChannels(in); se > 0 {
		c.conv(mid, se, 1, 1, 1, 1, false)
		c.conv(se, mid, 1, 1, 1, 1, false)
		c.Params += int64(se + mid) // biases
	}
	c.conv(mid, b.Channels, 1, 1, out, out, true)
	return c
}

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

// conv adds a convolution from a map of the given side to one of side out, and
// its BN if bn.
func (c *Cost) conv(in, channels, kernel, groups, side, out int, bn bool) {
	weights := int64(in/groups) * int64(channels) * int64(kernel*kernel)
	c.Params += weights
	c.MACs += weights * int64(out) * int64(out)
	c.PeakBytes = max(c.PeakBytes, 4*(int64(in)*int64(side)*int64(side)+int64(channels)*int64(out)*int64(out)))
	c.MapBytes += 4 * int64(channels) * int64(out) * int64(out)
	if bn {
		c.Params += 2 * int64(channels)
	}
}

func (c Cost) plus(d Cost) Cost {
	return Cost{c.Params + d.Params, c.MACs + d.MACs, max(c.PeakBytes, d.PeakBytes), c.MapBytes + d.MapBytes}
}
