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
	l.begin(s)
	for b := range s.NumBlocks() {
		name := blockName(s, b) + "."
		l.add(Tensor{Name: name + "_alpha", Shape: []int{s.NumOptions()}, Kind: Choice})
		l.elasticBlock(name, s.BlockCode(b, s.NumOptions()-1), s.Block(b).InChannels, AxesOf(s))
	}
	l.end(s, classes)
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
	l.begin(s)
	a := AxesOf(s)
	for b, option := range p.Option {
		if s.Active(p, b) {
			l.block(blockName(s, b)+".", s.BlockCode(b, option), s.Block(b).InChannels, a.source(s.Options[option]))
		}
	}
	l.end(s, classes)
	return l.tensors
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

// source is the supernet's name of a part of a block with an option.
func (a Axes) source(o model.Option) func(part string) string {
	return func(part string) string {
		switch part {
		case "conv_dw", "bn2":
			return fmt.Sprintf("%s.%d", part, a.Kernel(o))
		case "bn3":
			return fmt.Sprintf("%s.%d", part, a.Norm(o))
		case "se":
			return a.SqueezeExcite(o.SERatio)
		}
		return part
	}
}

// layout collects tensors.
type layout struct{ tensors []Tensor }

func (l *layout) add(t Tensor) {
	if t.Source == "" {
		t.Source = t.Name
	}
	l.tensors = append(l.tensors, t)
}

func (l *layout) conv(name, source string, m model.ConvLayer) {
	l.add(Tensor{Name: name + ".weight", Shape: []int{m.Out, m.In / m.Groups, m.Kernel, m.Kernel}, Kind: Conv, Groups: m.Groups, Source: source + ".weight"})
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

// begin adds the stem and the fixed first block.
func (l *layout) begin(s *model.Space) {
	l.layer("", model.Stem(s.StemChannels), false, same)
	l.block(model.BlockName(0, 0)+".", s.FirstBlock(), s.StemChannels, same)
}

// end adds the fixed last convolution, conv_head and the classifier.
func (l *layout) end(s *model.Space, classes int) {
	l.block(model.BlockName(len(s.Stages)+1, 0)+".", s.LastBlock(), s.Stages[len(s.Stages)-1].OutChannels, same)
	conv, classifier := model.Head(s.LastChannels, classes)
	l.layer("", conv, false, same)
	l.add(Tensor{Name: classifier.Name + ".weight", Shape: []int{classes, classifier.In}, Kind: Linear})
	l.bias(classifier.Name, classifier.Name, classes)
}

// same is the source of parts that the supernet has under the same name.
func same(part string) string { return part }

// block adds a block of one network.
func (l *layout) block(prefix string, b model.BlockCode, in int, source func(string) string) {
	layers := b.Layers(in)
	for i, m := range layers {
		l.layer(prefix, m, i == len(layers)-1 && b.Skips(in), source)
	}
}

// layer adds a layer; residual marks the last of a block with a residual connection.
func (l *layout) layer(prefix string, m model.ConvLayer, residual bool, source func(string) string) {
	if m.Squeeze > 0 {
		from := m
		from.Name = source(m.Name)
		reduce, expand := m.Gate()
		fromReduce, fromExpand := from.Gate()
		l.layer(prefix, reduce, false, func(string) string { return fromReduce.Name })
		l.layer(prefix, expand, false, func(string) string { return fromExpand.Name })
		return
	}
	l.conv(prefix+m.Name, prefix+source(m.Name), m)
	if m.Norm == "" {
		l.bias(prefix+m.Name, prefix+source(m.Name), m.Out)
	} else {
		l.norm(prefix+m.Norm, prefix+source(m.Norm), m.Out, residual)
	}
}

// elasticBlock adds a block of the supernet, everything its options need; b is the
// widest of them.
func (l *layout) elasticBlock(prefix string, b model.BlockCode, in int, a Axes) {
	for _, m := range b.Layers(in) {
		switch m.Name {
		case "conv_dw":
			for i, kernel := range a.Kernels {
				m.Kernel = kernel
				name := fmt.Sprintf("%s%s.%d", prefix, m.Name, i)
				l.conv(name, name, m)
			}
			for i := range a.Kernels {
				name := fmt.Sprintf("%s%s.%d", prefix, m.Norm, i)
				l.norm(name, name, m.Out, false)
			}
		case "conv_pwl":
			l.conv(prefix+m.Name, prefix+m.Name, m)
			for i := range a.Norms() {
				name := fmt.Sprintf("%s%s.%d", prefix, m.Norm, i)
				l.norm(name, name, m.Out, b.Skips(in))
			}
		case "se":
			m.Name = a.SqueezeExcite(b.SERatio)
			l.layer(prefix, m, false, same)
		default:
			l.layer(prefix, m, false, same)
		}
	}
}
