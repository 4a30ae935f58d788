package supernet

import (
	"fmt"
	"slices"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// Kind says what a tensor of a network is for.
type Kind uint8

// The kinds of tensors. Conv, Linear, Bias and Scale are trained.
const (
	Conv     Kind = iota // weight of a convolution: [out, in/groups, k, k]
	Linear               // weight of the classifier: [classes, features]
	Bias                 // of a convolution, a normalisation or the classifier
	Scale                // weight of a batch normalisation
	Mean                 // running mean of a batch normalisation
	Variance             // running variance of a batch normalisation
	Batches              // num_batches_tracked of a batch normalisation: a scalar, int64 in files
	Choice               // _alpha of a block or beta of a stage: logits of the paths that are drawn
)

// Trained reports whether gradients are taken of tensors of the kind.
func (k Kind) Trained() bool { return k <= Scale }

// Tensor is one entry of a network's state dict.
type Tensor struct {
	Name   string
	Shape  []int
	Kind   Kind
	Groups int // of a Conv; 0 is 1
	// Residual marks the Scale of the last normalisation of a block whose input
	// is added to its output.
	Residual bool
	// Source is the supernet's tensor that holds this one: its first entries in
	// every dimension.
	Source string
}

// Elements is the number of values.
func (t Tensor) Elements() int { return onnx.Elements(t.Shape) }

// Layout lists the tensors of the supernet in the order of its PyTorch state
// dict.
func Layout(s *model.Space, classes int) []Tensor {
	var l layout
	l.stem(s)
	a := AxesOf(s)
	for b := range s.NumBlocks() {
		l.elasticBlock(blockName(s, b), s.Block(b), s.NumOptions(), a)
	}
	l.head(s, classes)
	for i := range s.Stages {
		l.add(Tensor{Name: fmt.Sprintf("beta.%d", i), Shape: []int{s.NumDepths()}, Kind: Choice})
	}
	return l.tensors
}

// ChildLayout lists the tensors of one network of the space in the order of
// its PyTorch state dict, under the names that package onnx asks for. It
// panics on a path that [model.Space.CheckPath] refuses.
func ChildLayout(s *model.Space, p model.Path, classes int) []Tensor {
	if err := s.CheckPath(p); err != nil {
		panic("supernet: " + err.Error())
	}
	var l layout
	l.stem(s)
	a := AxesOf(s)
	for b, option := range p.Option {
		if s.Active(p, b) {
			l.block(blockName(s, b), s.Block(b), s.Options[option], a)
		}
	}
	l.head(s, classes)
	return l.tensors
}

// HeaviestPath is the network that holds all others: greatest depths, widths and
// kernels, squeeze-excite everywhere. It is what is trained first.
func HeaviestPath(s *model.Space) model.Path {
	p := model.Path{Depth: make([]int, len(s.Stages)), Option: make([]int, s.NumBlocks())}
	for i := range p.Depth {
		p.Depth[i] = s.MaxDepth
	}
	for b := range p.Option {
		p.Option[b] = s.NumOptions() - 1
	}
	return p
}

// blockName is the prefix of a searched block's tensors; stage 0 is the fixed
// first block.
func blockName(s *model.Space, block int) string {
	return model.BlockName(block/s.MaxDepth+1, block%s.MaxDepth)
}

// Axes are the choices that the options of a space combine. What options cannot
// share, the supernet has once for each, under a number behind its name.
type Axes struct {
	Expansions []float64
	Kernels    []int
	Ratios     []float64 // of squeeze-excite
}

// AxesOf returns the axes of a space.
func AxesOf(s *model.Space) Axes {
	var a Axes
	for _, o := range s.Options {
		a.Expansions = distinct(a.Expansions, o.Expansion)
		a.Kernels = distinct(a.Kernels, o.Kernel)
		a.Ratios = distinct(a.Ratios, o.SERatio)
	}
	return a
}

func distinct[T comparable](list []T, v T) []T {
	if slices.Contains(list, v) {
		return list
	}
	return append(list, v)
}

// Kernel is the number of an option's depthwise convolution and its normalisation:
// conv_dw.K, bn2.K.
func (a Axes) Kernel(o model.Option) int { return slices.Index(a.Kernels, o.Kernel) }

// Norm is the number of the normalisation after an option's projection, bn3.J: there
// is one for each expansion and ratio.
func (a Axes) Norm(o model.Option) int {
	return slices.Index(a.Expansions, o.Expansion)*len(a.Ratios) + slices.Index(a.Ratios, o.SERatio)
}

// Norms is how many normalisations there are after the projection.
func (a Axes) Norms() int { return len(a.Expansions) * len(a.Ratios) }

// SqueezeExcite is the name of the squeeze-excite of a ratio: se.1.
func (a Axes) SqueezeExcite(ratio float64) string {
	return fmt.Sprintf("se.%d", slices.Index(a.Ratios, ratio))
}

// layout collects tensors.
type layout struct{ tensors []Tensor }

func (l *layout) add(t Tensor) {
	if t.Source == "" {
		t.Source = t.Name
	}
	l.tensors = append(l.tensors, t)
}

func (l *layout) conv(name, source string, out, in, kernel, groups int) {
	l.add(Tensor{Name: name + ".weight", Shape: []int{out, in / groups, kernel, kernel}, Kind: Conv, Groups: groups, Source: source + ".weight"})
}

func (l *layout) bias(name, source string, n int) {
	l.add(Tensor{Name: name + ".bias", Shape: []int{n}, Kind: Bias, Source: source + ".bias"})
}

func (l *layout) norm(name, source string, n int, residual bool) {
	l.add(Tensor{Name: name + ".weight", Shape: []int{n}, Kind: Scale, Residual: residual, Source: source + ".weight"})
	l.bias(name, source, n)
	l.add(Tensor{Name: name + ".running_mean", Shape: []int{n}, Kind: Mean, Source: source + ".running_mean"})
	l.add(Tensor{Name: name + ".running_var", Shape: []int{n}, Kind: Variance, Source: source + ".running_var"})
	l.add(Tensor{Name: name + ".num_batches_tracked", Shape: []int{}, Kind: Batches, Source: source + ".num_batches_tracked"})
}

// stem is the first convolution and the fixed first block.
func (l *layout) stem(s *model.Space) {
	first := model.BlockName(0, 0) + "."
	l.conv("conv_stem", "conv_stem", s.StemChannels, 3, 3, 1)
	l.norm("bn1", "bn1", s.StemChannels, false)
	l.conv(first+"conv_dw", first+"conv_dw", s.StemChannels, s.StemChannels, 3, s.StemChannels)
	l.norm(first+"bn1", first+"bn1", s.StemChannels, false)
	l.conv(first+"conv_pw", first+"conv_pw", s.FirstChannels, s.StemChannels, 1, 1)
	l.norm(first+"bn2", first+"bn2", s.FirstChannels, s.FirstChannels == s.StemChannels)
}

// head is the fixed last convolution, conv_head and the classifier.
func (l *layout) head(s *model.Space, classes int) {
	last := model.BlockName(len(s.Stages)+1, 0) + "."
	l.conv(last+"conv", last+"conv", s.LastChannels, s.Stages[len(s.Stages)-1].OutChannels, 1, 1)
	l.norm(last+"bn1", last+"bn1", s.LastChannels, false)
	l.conv("conv_head", "conv_head", s.FeatureChannels, s.LastChannels, 1, 1)
	l.bias("conv_head", "conv_head", s.FeatureChannels)
	l.add(Tensor{Name: "classifier.weight", Shape: []int{classes, s.FeatureChannels}, Kind: Linear})
	l.bias("classifier", "classifier", classes)
}

// elasticBlock is a block of the supernet: everything its options need.
func (l *layout) elasticBlock(name string, b model.BlockShape, options int, a Axes) {
	at := func(part string, index int) string { return fmt.Sprintf("%s.%s.%d", name, part, index) }
	widest := model.BlockCode{Expansion: slices.Max(a.Expansions)}
	mid := widest.MidChannels(b.InChannels)
	l.add(Tensor{Name: name + "._alpha", Shape: []int{options}, Kind: Choice})
	l.conv(name+".conv_pw", name+".conv_pw", mid, b.InChannels, 1, 1)
	l.norm(name+".bn1", name+".bn1", mid, false)
	for i, kernel := range a.Kernels {
		l.conv(at("conv_dw", i), at("conv_dw", i), mid, mid, kernel, mid)
	}
	for i := range a.Kernels {
		l.norm(at("bn2", i), at("bn2", i), mid, false)
	}
	for _, ratio := range a.Ratios {
		if ratio > 0 {
			widest.SERatio = ratio
			se := name + "." + a.SqueezeExcite(ratio)
			l.squeezeExcite(se, se, mid, widest.SEChannels(b.InChannels))
		}
	}
	l.conv(name+".conv_pwl", name+".conv_pwl", b.OutChannels, mid, 1, 1)
	for i := range a.Norms() {
		l.norm(at("bn3", i), at("bn3", i), b.OutChannels, residual(b))
	}
}

// block is a block of one network.
func (l *layout) block(name string, b model.BlockShape, o model.Option, a Axes) {
	at := func(part string, index int) string { return fmt.Sprintf("%s.%s.%d", name, part, index) }
	code := model.BlockCode{Expansion: o.Expansion, SERatio: o.SERatio}
	mid, kernel := code.MidChannels(b.InChannels), a.Kernel(o)
	l.conv(name+".conv_pw", name+".conv_pw", mid, b.InChannels, 1, 1)
	l.norm(name+".bn1", name+".bn1", mid, false)
	l.conv(name+".conv_dw", at("conv_dw", kernel), mid, mid, o.Kernel, mid)
	l.norm(name+".bn2", at("bn2", kernel), mid, false)
	if o.SERatio > 0 {
		l.squeezeExcite(name+".se", name+"."+a.SqueezeExcite(o.SERatio), mid, code.SEChannels(b.InChannels))
	}
	l.conv(name+".conv_pwl", name+".conv_pwl", b.OutChannels, mid, 1, 1)
	l.norm(name+".bn3", at("bn3", a.Norm(o)), b.OutChannels, residual(b))
}

func (l *layout) squeezeExcite(name, source string, mid, squeezed int) {
	l.conv(name+".conv_reduce", source+".conv_reduce", squeezed, mid, 1, 1)
	l.bias(name+".conv_reduce", source+".conv_reduce", squeezed)
	l.conv(name+".conv_expand", source+".conv_expand", mid, squeezed, 1, 1)
	l.bias(name+".conv_expand", source+".conv_expand", mid)
}

// residual reports whether a block's input is added to its output.
func residual(b model.BlockShape) bool { return b.Stride == 1 && b.InChannels == b.OutChannels }
