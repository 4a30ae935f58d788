package backprop

import (
	"fmt"

	"github.com/binas-tui/binas-tui/kernels"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// fuse puts layers that package kernels computes at once in the place of others: a
// depthwise convolution takes the activation before it, and where all images have
// the same option, the activation and the squeeze-and-excite behind it; in training,
// and where maps are wide, also the product that the gate of these can be part of.
func fuse(layers []layer, batch int, frozen bool) []layer {
	var out []layer
	for i := 0; i < len(layers); i++ {
		var before *activation
		if last := len(out) - 1; last >= 0 {
			if a, ok := out[last].(activation); ok {
				before = &a
			}
		}
		var now layer
		switch l := layers[i].(type) {
		case depthwise:
			f := fusedDepthwise{depthwise: l, before: before}
			if a, ok := next(layers, i).(activation); ok {
				f.after = &a
				i++
			}
			if se, ok := next(layers, i).(squeezeExcite); ok && f.after != nil {
				f.se = &se
				i++
			}
			if project, ok := next(layers, i).(pointwise); ok && f.se != nil && !frozen && f.columns(batch) >= wide {
				f.project = &project
				i++
			}
			now = f
		case multiKernel:
			now = fusedKernels{l, before}
		default:
			before, now = nil, l
		}
		if before != nil {
			out = out[:len(out)-1]
		}
		out = append(out, now)
	}
	return out
}

func next(layers []layer, i int) layer {
	if i+1 < len(layers) {
		return layers[i+1]
	}
	return nil
}

// own adds an operator of package kernels.
func (b *builder) own(op string, inputs []string, attrs []onnx.Attr, shapes ...[]int) []string {
	b.fused++
	var outputs []string
	for i, shape := range shapes {
		outputs = append(outputs, b.shaped(fmt.Sprintf("%s_%d_%d", op, b.fused, i), shape))
	}
	b.g.Add(onnx.Node{Op: op, Domain: b.kernels.Domain(), Inputs: inputs, Outputs: outputs, Attrs: attrs})
	return outputs
}

// ofBatch is the attribute of operators that tell images apart.
func (b *builder) ofBatch() []onnx.Attr { return []onnx.Attr{onnx.Int("batch", b.batch)} }

// useKernels reports whether the graph has operators of package kernels.
func (b *builder) useKernels() bool { return b.kernels != kernels.Off }

// fusedDepthwise is a depthwise convolution and what is around it: a map that is
// read once and written once.
type fusedDepthwise struct {
	depthwise
	before, after *activation
	se            *squeezeExcite
	project       *pointwise // takes the gate of se into its product
}

// columns are those of the result.
func (l depthwise) columns(batch int) int { return l.sideOut() * l.sideOut() * batch }

func code(a *activation) int {
	switch {
	case a == nil:
		return 0
	case a.kind == model.ReLU:
		return 1
	}
	return 2
}

func (l fusedDepthwise) attrs(b *builder) []onnx.Attr {
	return append(b.ofBatch(), onnx.Int("kernel", l.kernel), onnx.Int("stride", l.stride), onnx.Int("side", l.side),
		onnx.Int("act_in", code(l.before)), onnx.Int("act_out", code(l.after)))
}

func (l fusedDepthwise) forward(b *builder, x string) string {
	attrs := l.attrs(b)
	var in []string
	if b.frozen != nil {
		weight, bias := b.frozen.folded(b, l.conv, l.bn, l.channels, l.kernel*l.kernel)
		in, attrs = []string{x, weight, bias, bias}, append(attrs, onnx.Int("plain", 1))
	} else {
		gamma, beta := norm(l.bn).parameters(b, l.channels)
		in = []string{x, l.weight(b), gamma, beta}
	}
	one, m := []int{l.channels, 1}, l.columns(b.batch)
	out := b.own("Depthwise", in, attrs, []int{l.channels, m}, one, one, []int{l.channels, b.batch})
	y, mean, variance, pool := out[0], out[1], out[2], out[3]
	if b.frozen == nil {
		b.statistics(mean, variance, m, l.bn)
	}
	if l.after != nil {
		b.save("act."+l.after.after, y) // with and without squeeze-and-excite in the same place
	}
	b.save("x."+l.conv, x)
	b.save("mean."+l.bn, mean)
	b.save("variance."+l.bn, variance)
	switch {
	case l.se == nil:
		return y
	case l.project == nil:
		return l.se.apply(b, y, pool)
	}
	scale := l.se.scale(b, y, pool)
	return norm(l.project.bn).forward(b, b.gatedProduct(l.project.weight(b), y, "", scale, false, false))
}

func (l fusedDepthwise) backward(b *builder, d, plus string) string {
	if l.se == nil {
		return b.plus(l.gradients(b, d), plus)
	}
	if l.project != nil {
		y, scale, weight := b.load("se.x"), b.load("se.scale"), l.project.weight(b)
		v, _ := norm(l.project.bn).backward(b, d)
		attrs := append(b.ofBatch(), onnx.Int("transposed", 1))
		b.gradient(l.project.conv+".weight", b.own("OuterProduct", []string{y, v, scale}, attrs, b.shapes[weight])[0])
		d = b.product(weight, v, "", true, false)
	}
	return b.plus(l.gradients(b, d, b.load("se.scale"), l.se.poolGradient(b, d)), plus)
}

// gradients takes the gradient d of the result. Where they are given, what d is
// times and what is added to it [channels, batch] follow.
func (l fusedDepthwise) gradients(b *builder, d string, images ...string) string {
	gamma, beta := norm(l.bn).parameters(b, l.channels)
	x, weight := b.load("x."+l.conv), l.weight(b)
	in := []string{x, weight, gamma, beta, b.load("mean." + l.bn), b.load("variance." + l.bn), d}
	one := []int{l.channels, 1}
	out := b.own("DepthwiseGradient", append(in, images...), l.attrs(b), b.shapes[x], b.shapes[weight], one, one)
	b.gradient(l.conv+".weight", out[1])
	b.gradient(l.bn+".weight", out[2])
	b.gradient(l.bn+".bias", out[3])
	return out[0]
}

// fusedKernels is multiKernel with the activation before it.
type fusedKernels struct {
	multiKernel
	before *activation
}

func (l fusedKernels) kernel(i int) fusedDepthwise {
	return fusedDepthwise{depthwise: l.kernels[i], before: l.before}
}

func (l fusedKernels) forward(b *builder, x string) string {
	sum := ""
	for i := range l.kernels {
		sum = b.plus(b.gated(l.kernel(i).forward(b, x), l.mask(b, i)), sum)
	}
	return sum
}

func (l fusedKernels) backward(b *builder, d, plus string) string {
	sum := ""
	for i := range l.kernels {
		sum = b.plus(l.kernel(i).gradients(b, d, l.mask(b, i)), sum)
	}
	return b.plus(sum, plus)
}

// gated multiplies every image of a map by numbers [rows, batch].
func (b *builder) gated(x, by string) string {
	if b.useKernels() {
		return b.own("Gate", []string{x, by}, b.ofBatch(), b.shapes[x])[0]
	}
	return b.perImage(x, b.reshape(by, b.rows(x), 1, b.batch))
}

// imageDots is the sum of x⊙y over the positions of every image: [rows, batch].
func (b *builder) imageDots(x, y string) string {
	shape := []int{b.rows(x), b.batch}
	if b.useKernels() {
		return b.own("GateGradient", []string{x, y}, b.ofBatch(), shape)[0]
	}
	return b.reshape(b.sum(b.images(b.mul(x, y)), 1), shape...)
}

// product is ±op(x)·y + plus, where y is wide; plus may be empty.
func (b *builder) product(x, y, plus string, transposed, negative bool) string {
	if b.useKernels() && b.columns(y) >= wide {
		return b.gatedProduct(x, y, plus, "", transposed, negative)
	}
	if plus == "" && !transposed && !negative {
		return b.matmul(x, y)
	}
	trans, alpha := "NN", 1.0
	if transposed {
		trans = "TN"
	}
	if negative {
		alpha = -1
	}
	return b.gemm(x, y, plus, trans, alpha)
}

// gatedProduct is product with every image of y times the gate [rows of y, batch],
// which may be empty, by an operator of package kernels.
func (b *builder) gatedProduct(x, y, plus, gate string, transposed, negative bool) string {
	rows := b.rows(x)
	if transposed {
		rows = b.columns(x)
	}
	attrs := append(b.ofBatch(), onnx.Int("transposed", int(indicator(transposed))), onnx.Int("negative", int(indicator(negative))))
	return b.own("Product", []string{x, y, plus, gate}, attrs, []int{rows, b.columns(y)})[0]
}

// outer is x·yᵀ, both wide.
func (b *builder) outer(x, y string) string {
	if b.useKernels() && b.columns(y) >= 2*wide {
		return b.own("OuterProduct", []string{x, y}, b.ofBatch(), []int{b.rows(x), b.rows(y)})[0]
	}
	return b.gemm(x, y, "", "NT", 1)
}

// wide is the number of columns from which products are those of package kernels, twice
// as many for outer ones; those of fewer are Gemm's.
const wide = 256
