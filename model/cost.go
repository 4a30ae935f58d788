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

// Cost counts parameters and multiply-accumulates of the network, stem and
// head included, for a square image of imageSize pixels and the given number
// of classes.
func (a Architecture) Cost(imageSize, classes int) (Cost, error) {
	if imageSize < 16 || imageSize > MaxImageSize || classes < 1 || classes > 1<<20 {
		return Cost{}, fmt.Errorf("cost at %d pixels and %d classes: expected 16 to %d pixels and 1 to %d classes",
			imageSize, classes, MaxImageSize, 1<<20)
	}
	var c Cost
	stem := Stem(a.StemWidth())
	in, side := stem.Out, c.add(stem, imageSize)
	for _, stage := range a {
		for _, b := range Expanded(stage) {
			c = c.plus(b.Cost(in, side))
			in, side = b.Channels, Downsample(side, b.Stride)
		}
	}
	c.addHead(in, classes)
	return c, nil
}

// Cost counts one block (without repeats) whose input has the given width and
// resolution.
func (b BlockCode) Cost(in, resolution int) Cost {
	var c Cost
	for _, l := range b.Layers(in) {
		resolution = c.add(l, resolution)
	}
	return c
}

// Cost counts one layer on a map of the given side.
func (l ConvLayer) Cost(side int) Cost {
	var c Cost
	c.add(l, side)
	return c
}

func (c *Cost) addHead(in, classes int) {
	conv, classifier := Head(in, classes)
	c.add(conv, 1)
	c.add(classifier, 1)
}

// add counts a layer on a map of the given side and returns that of its result.
func (c *Cost) add(l ConvLayer, side int) int {
	if l.Squeeze > 0 {
		reduce, expand := l.Gate()
		c.add(reduce, 1)
		c.add(expand, 1)
		return side
	}
	out := Downsample(side, l.Stride)
	weights := int64(l.In/l.Groups) * int64(l.Out) * int64(l.Kernel*l.Kernel)
	result := 4 * int64(l.Out) * int64(out) * int64(out)
	c.Params += weights + int64(l.Out) // bias of the layer or of its normalisation
	if l.Norm != "" {
		c.Params += int64(l.Out)
	}
	c.MACs += weights * int64(out) * int64(out)
	c.PeakBytes = max(c.PeakBytes, 4*int64(l.In)*int64(side)*int64(side)+result)
	c.MapBytes += result
	return out
}

func (c Cost) plus(d Cost) Cost {
	return Cost{c.Params + d.Params, c.MACs + d.MACs, max(c.PeakBytes, d.PeakBytes), c.MapBytes + d.MapBytes}
}
