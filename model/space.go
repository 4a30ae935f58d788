package model

import (
	"fmt"
	"math"
	"strconv"
)

// Activation is the non-linearity of a block.
type Activation uint8

// The activations an architecture string can name.
const (
	HSwish Activation = iota // x·relu6(x+3)/6; the default of the string form
	ReLU                     // "re"
	ReLU6                    // "r6"
	Swish                    // "sw": x·sigmoid(x)
)

// String returns the letter code of the string form: hs, re, r6 or sw.
func (a Activation) String() string {
	switch a {
	case HSwish:
		return "hs"
	case ReLU:
		return "re"
	case ReLU6:
		return "r6"
	case Swish:
		return "sw"
	}
	return "activation(" + strconv.Itoa(int(a)) + ")"
}

// Option is one of the candidates of a searched block.
type Option struct {
	Expansion float64 // width of the depthwise convolution over the block's input width
	Kernel    int     // side of the depthwise kernel, in pixels
	SERatio   float64 // squeeze-excite width over expanded width; 0 is off
}

// String returns the short form shown on screens: "k5 e3 se" or "k5 e3 ·".
func (o Option) String() string {
	se := "·"
	if o.SERatio > 0 {
		se = "se"
	}
	return fmt.Sprintf("k%d e%s %s", o.Kernel, formatFloat(o.Expansion), se)
}

// Stage is one searched stage. Its first block changes width and, with Stride
// 2, resolution; the others keep both and have a residual connection.
type Stage struct {
	InChannels  int
	OutChannels int
	Stride      int // of block 0
	Resolution  int // side of the map that enters the stage, in pixels
	Activation  Activation
}

// BlockShape is what a searched block's options have in common.
type BlockShape struct {
	InChannels  int
	OutChannels int
	Stride      int
	Resolution  int // side of the map that enters the block, in pixels
	Activation  Activation
}

// Space is a search space: the fixed parts and the searched stages. It is
// immutable once made; use [NewSpace].
type Space struct {
	Name              string // "mobilenasnet" or "mobilenasnet_large"
	ImageSize         int    // side of the input image, in pixels
	ChannelMultiplier float64

	StemChannels    int // 3x3 stride 2 convolution, h-swish
	FirstChannels   int // depthwise-separable block after the stem, ReLU
	LastChannels    int // 1x1 convolution after the last searched stage, h-swish
	FeatureChannels int // conv_head: 1x1 with bias on the pooled map, h-swish

	Stages   []Stage
	Options  []Option // of every block; index = e_idx*4 + k_idx*2 + se_idx
	MinDepth int      // blocks below this index are always on
	MaxDepth int      // blocks of a stage
}

// Names of the two published widths.
const (
	MobileNASNet      = "mobilenasnet"
	MobileNASNetLarge = "mobilenasnet_large"
)

// MaxImageSize bounds what [NewSpace] takes.
const MaxImageSize = 4096

// NewSpace returns the BINAS space of the given width for square images of
// imageSize pixels. Errors name the width or size that is not known.
func NewSpace(name string, imageSize int) (*Space, error) {
	multiplier := 1.0
	switch name {
	case MobileNASNet, "":
		name = MobileNASNet
	case MobileNASNetLarge:
		multiplier = 1.2
	default:
		return nil, fmt.Errorf("search space %q: expected %s or %s", name, MobileNASNet, MobileNASNetLarge)
	}
	if imageSize < 16 || imageSize > MaxImageSize {
		return nil, fmt.Errorf("image size %d: expected 16 to %d pixels", imageSize, MaxImageSize)
	}
	scale := func(c int) int { return MakeDivisible(float64(c)*multiplier, 8) }
	s := &Space{
		Name: name, ImageSize: imageSize, ChannelMultiplier: multiplier,
		StemChannels: scale(32), FirstChannels: scale(16), LastChannels: scale(960), FeatureChannels: 1280,
		MinDepth: 2, MaxDepth: 4,
	}
	for _, e := range []float64{3, 4, 6} {
		for _, k := range []int{3, 5} {
			for _, se := range []float64{0, 0.25} {
				s.Options = append(s.Options, Option{e, k, se})
			}
		}
	}
	in, resolution := s.FirstChannels, Downsample(imageSize, 2)
	for _, st := range []struct {
		channels, stride int
		act              Activation
	}{{24, 2, ReLU}, {40, 2, ReLU}, {80, 2, HSwish}, {112, 1, HSwish}, {192, 2, HSwish}} {
		s.Stages = append(s.Stages, Stage{in, scale(st.channels), st.stride, resolution, st.act})
		in, resolution = scale(st.channels), Downsample(resolution, st.stride)
	}
	return s, nil
}

// MakeDivisible rounds a width to a multiple of divisor, never down by more
// than a tenth: the rule of the MobileNet code bases.
func MakeDivisible(v float64, divisor int) int {
	n := max(divisor, int(v+float64(divisor)/2)/divisor*divisor)
	if float64(n) < 0.9*v {
		n += divisor
	}
	return n
}

// Downsample is the side of the map after a convolution of the given stride
// with padding (kernel-1)/2.
func Downsample(resolution, stride int) int { return (resolution + stride - 1) / stride }

// NumBlocks is the number of searched blocks: stages times MaxDepth.
func (s *Space) NumBlocks() int { return len(s.Stages) * s.MaxDepth }

// NumOptions is the number of options of each block.
func (s *Space) NumOptions() int { return len(s.Options) }

// NumDepths is the number of depths a stage can have.
func (s *Space) NumDepths() int { return s.MaxDepth - s.MinDepth + 1 }

// NumAlphas is the length of the alpha part of an encoding.
func (s *Space) NumAlphas() int { return s.NumBlocks() * s.NumOptions() }

// NumBetas is the length of the beta part of an encoding.
func (s *Space) NumBetas() int { return len(s.Stages) * s.NumDepths() }

// EncodingSize is the length of a predictor's input: alphas, then betas.
func (s *Space) EncodingSize() int { return s.NumAlphas() + s.NumBetas() }

// Block returns the shape of the searched block with the given index, stage-major.
func (s *Space) Block(index int) BlockShape {
	stage := s.Stages[index/s.MaxDepth]
	if index%s.MaxDepth == 0 {
		return BlockShape(stage)
	}
	return BlockShape{stage.OutChannels, stage.OutChannels, 1, Downsample(stage.Resolution, stage.Stride), stage.Activation}
}

// OptionIndex returns the index of o in s.Options, or -1.
func (s *Space) OptionIndex(o Option) int {
	for i, have := range s.Options {
		if have == o {
			return i
		}
	}
	return -1
}

// LUTKey is the key of a block's option in a BINAS latency table, for example
// in_channels_16_out_channels_24_stride_2_resolution_112_er_3_k_3_se_0_act_1
// (act is 1 for ReLU and 0 for h-swish).
func (b BlockShape) LUTKey(o Option) string {
	act := 0
	if b.Activation == ReLU {
		act = 1
	}
	return fmt.Sprintf("in_channels_%d_out_channels_%d_stride_%d_resolution_%d_er_%s_k_%d_se_%s_act_%d",
		b.InChannels, b.OutChannels, b.Stride, b.Resolution,
		formatFloat(o.Expansion), o.Kernel, formatFloat(o.SERatio), act)
}

// NetworkCount is the number of distinct networks of the space, as a float
// because it exceeds 2^62.
func (s *Space) NetworkCount() float64 {
	perStage := 0.0
	for d := s.MinDepth; d <= s.MaxDepth; d++ {
		perStage += math.Pow(float64(s.NumOptions()), float64(d))
	}
	return math.Pow(perStage, float64(len(s.Stages)))
}

func formatFloat(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
