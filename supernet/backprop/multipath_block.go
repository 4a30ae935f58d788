package backprop

import (
	"fmt"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet"
)

// multiPathBlock is a block of the supernet whose images take options of their own,
// as the original's multi-path sampling computes it: every layer runs at full width
// on all images, and so do the batch statistics; masks choose per image. With
// e, k and s the option of image n:
//
//	h = act(BN1(conv_pw x))
//	y_n = act(m_e ⊙ BN2_k(dw_k h)_n), m_e: the first channels
//	g_n = gate(W_x relu(r_e ⊙ (W_r pool(y_n) + b_r)) + b_x)
//	o_n = BN3_{e,s}(conv_pwl (s ? g_n ⊙ y_n : y_n))
//
// Its per-image inputs are use.k [mid, batch], the mask m_e of the images
// that take kernel k and 0 for others; squeeze [squeezed, batch], r_e; gated and
// plain [1, batch], s and 1-s; norms [norms, batch], which BN3 an image takes.
//
// Only the kernels that an image of the batch takes are computed: kernels has a bit
// for each, by its index in the supernet.
func multiPathBlock(s *model.Space, shape model.BlockShape, kernels, batch int) segment {
	axes, widest := supernet.AxesOf(s), shape.Code(s.Options[largest(s)])
	var layers []layer
	for _, l := range widest.Layers(shape.InChannels) {
		mixed := layersOf(l, shape.Resolution)
		switch l.Name {
		case "conv_dw":
			var all multiKernel
			for i, side := range axes.Kernels {
				if kernels&(1<<i) != 0 {
					all.index = append(all.index, i)
					all.kernels = append(all.kernels, depthwise{numbered(l.Name, i), numbered(l.Norm, i), l.Out, side, l.Stride, shape.Resolution})
				}
			}
			mixed[0] = all
		case "se":
			l.Name = axes.SqueezeExcite(widest.SERatio)
			mixed[0] = squeezeExcite{l, true}
		case "conv_pwl":
			mixed[0] = multiNorm{l.Name, l.Norm, l.In, l.Out, axes.Norms()}
		}
		layers = append(layers, mixed...)
	}
	return blockOf(fmt.Sprint("multi-path ", widest, shape, kernels), widest, shape.InChannels, shape.Resolution, batch, layers)
}

// numbered is the supernet's name of what it has several of.
func numbered(name string, i int) string { return fmt.Sprintf("%s.%d", name, i) }

// multiKernel is the sum of depthwise convolutions, each times the mask of the
// images that take its kernel.
type multiKernel struct {
	index   []int // of the kernels in the supernet
	kernels []depthwise
}

// mask says which channels of which images take kernel i.
func (l multiKernel) mask(b *builder, i int) string {
	return b.input(fmt.Sprintf("use.%d", l.index[i]), l.kernels[i].channels, b.batch)
}

func (l multiKernel) forward(b *builder, x string) string {
	sum := ""
	for i, k := range l.kernels {
		sum = b.plus(b.gated(k.forward(b, x), l.mask(b, i)), sum)
	}
	return sum
}

func (l multiKernel) backward(b *builder, d, plus string) string {
	sum := ""
	for i, k := range l.kernels {
		sum = b.plus(k.backward(b, b.gated(d, l.mask(b, i)), ""), sum)
	}
	return b.plus(sum, plus)
}

// multiNorm is a 1x1 convolution and the normalisation that each image takes. All of
// them see the same batch statistics.
type multiNorm struct {
	conv, bn string
	in, out  int
	norms    int
}

func (l multiNorm) weight(b *builder) string { return b.parameter(l.conv+".weight", l.out, l.in) }

// choice is which normalisation an image takes.
func (l multiNorm) choice(b *builder) string { return b.input("norms", l.norms, b.batch) }

func (l multiNorm) name(i int) string { return numbered(l.bn, i) }

// ofImages is the scale or bias of every image's normalisation: [out, 1, batch].
func (l multiNorm) ofImages(b *builder, what string) string {
	var all []string
	for i := range l.norms {
		all = append(all, b.parameter(l.name(i)+what, l.out, 1))
	}
	return b.reshape(b.matmul(b.concat(1, all...), l.choice(b)), l.out, 1, b.batch)
}

func (l multiNorm) forward(b *builder, x string) string {
	b.save("x."+l.conv, x)
	z := b.product(l.weight(b), x, "", false, false)
	centred, mean, variance := b.centre(z)
	inv := b.inverseDeviation(variance)
	normal := b.mul(centred, inv)
	var names []string
	for i := range l.norms {
		names = append(names, l.name(i))
	}
	b.statistics(mean, variance, b.columns(z), names...)
	b.save("inv."+l.bn, inv)
	b.save("normal."+l.bn, normal)
	scaled := b.mul(b.images(normal), l.ofImages(b, ".weight"))
	return b.matrix(b.add(scaled, l.ofImages(b, ".bias")))
}

func (l multiNorm) backward(b *builder, d, plus string) string {
	inv, normal := b.load("inv."+l.bn), b.load("normal."+l.bn)
	l.normGradients(b, ".weight", b.mul(d, normal))
	l.normGradients(b, ".bias", d)
	d = b.perImage(d, l.ofImages(b, ".weight"))
	v := b.sub(b.sub(d, b.mean(d, 1)), b.mul(normal, b.mean(b.mul(d, normal), 1)))
	b.gradient(l.conv+".weight", b.mul(b.outer(v, b.load("x."+l.conv)), inv))
	return b.product(b.mul(l.weight(b), inv), v, plus, true, false)
}

// normGradients sums over the images that take each normalisation.
func (l multiNorm) normGradients(b *builder, what, d string) {
	perImage := b.reshape(b.sum(b.images(d), 1), l.out, b.batch)
	all := b.gemm(perImage, l.choice(b), "", "NT", 1)
	for i := range l.norms {
		b.gradient(l.name(i)+what, b.slice(all, 1, i, i+1))
	}
}

// depthMix is the output of a stage whose images leave it after different blocks:
// the sum of the blocks' results x.i, each times a mask depth.i [1, 1, batch].
func depthMix(channels, m, blocks int) func(*builder) {
	return func(b *builder) {
		sum := ""
		for i := range blocks {
			x := b.input(fmt.Sprintf("x.%d", i), channels, m)
			sum = b.plus(b.perImage(x, b.input(fmt.Sprintf("depth.%d", i), 1, 1, b.batch)), sum)
		}
		b.output("out", sum)
	}
}

// depthMixGradient is the gradient of one block's result: its part of that of the
// stage's output, and what the next block gave.
func depthMixGradient(channels, m int) func(*builder) {
	return func(b *builder) {
		part := b.perImage(b.input("dout", channels, m), b.input("depth", 1, 1, b.batch))
		b.output("dx", b.add(part, b.input("next", channels, m)))
	}
}
