package backprop

import (
	"fmt"

	"github.com/binas-tui/binas-tui/model"
)

// mixed is a block of the supernet whose images take options of their own, as
// the original's multi-path sampling computes it: every layer runs at full width
// on all images, and so do the batch statistics; masks choose per image. With
// e, k and s the option of image n:
//
//	h = act(BN1(conv_pw x))
//	y_n = act(m_e ⊙ BN2_k(dw_k h)_n), m_e: the first channels
//	g_n = gate(W_x relu(r_e ⊙ (W_r pool(y_n) + b_r)) + b_x)
//	o_n = BN3_{e,s}(conv_pwl (s ? g_n ⊙ y_n : y_n))
//
// Its per-image inputs are use.k [mid, 1, batch], the mask m_e of the images
// that take kernel k and 0 for others; squeeze [squeezed, batch], r_e; gated and
// plain [1, batch], s and 1-s; norms [variants, batch], which BN3 an image takes.
type mixed struct {
	residual          // with the largest option
	kernels  []kernel // that an image of the batch takes
	variants int      // normalisations after the projection
}

// kernel is a depthwise convolution of a supernet's block.
type kernel struct{ index, side int }

// mixedOption is the first of the numbers that stand for a mixed block where
// options are expected; added is the set of kernels in use, a bit each.
const mixedOption = 1 << 8

func (e *Engine) mixed(shape model.BlockShape, set int) mixed {
	x := mixed{residual: newResidual(shape, e.space.Options[e.largest()], e.o.Batch)}
	for option, o := range e.space.Options {
		index, norm := e.variants(option)
		x.variants = max(x.variants, norm+1)
		if set&(1<<index) != 0 {
			set &^= 1 << index
			x.kernels = append(x.kernels, kernel{index, o.Kernel})
		}
	}
	return x
}

func (x mixed) key() string {
	return fmt.Sprintf("mixed %v %d %s", x.kernels, x.variants, x.residual.key())
}

func (x mixed) dw(k kernel) depthwise {
	return newDepthwise(fmt.Sprintf("conv_dw.%d", k.index), x.mid, k.side, x.stride, x.side)
}

func (x mixed) bn2Of(k kernel) norm { return norm{fmt.Sprintf("bn2.%d", k.index), x.mid, x.mOut()} }

// chosen multiplies a map by the mask of the images that take a kernel.
func (x mixed) chosen(b *builder, u string, k kernel) string {
	mask := b.input(fmt.Sprintf("use.%d", k.index), x.mid, 1, x.batch)
	u = b.mul(b.reshape(u, x.mid, x.mOut()/x.batch, x.batch), mask)
	return b.reshape(u, x.mid, x.mOut())
}

func (x mixed) excite() excitation {
	l := x.residual.excite()
	l.masked = true
	return l
}

func (x mixed) forward(b *builder) {
	in := b.input("x", x.in, x.m())
	h := x.expand().forward(b, in)
	u := ""
	for _, k := range x.kernels {
		one := x.chosen(b, x.bn2Of(k).forward(b, x.dw(k).forward(b, h)), k)
		if u != "" {
			one = b.add(u, one)
		}
		u = one
	}
	y := x.excite().forward(b, x.act.forward(b, u, "bn2", x.mid, x.mOut()))
	out := x.project(b, y)
	if x.skips() {
		out = b.add(b.perImage(out, "keep", x.out, x.mOut()), in)
	}
	b.output("out", out, x.out, x.mOut())
}

// scales loads the scale or bias of all normalisations after the projection,
// and spreads them over the images: [out, 1, batch].
func (x mixed) scales(b *builder, what, choice string) string {
	var all []string
	for j := range x.variants {
		all = append(all, b.input(fmt.Sprintf("p:bn3.%d.%s", j, what), x.out, 1))
	}
	return b.reshape(b.matmul(b.concat(1, all...), choice), x.out, 1, x.batch)
}

func (x mixed) positions(b *builder, z string) string {
	return b.reshape(z, x.out, x.mOut()/x.batch, x.batch)
}

// project is the projection with the normalisation of each image. All of them
// see the same batch statistics.
func (x mixed) project(b *builder, y string) string {
	z := b.matmul(b.input("p:conv_pwl.weight", x.out, x.mid), y)
	mean := b.mean(z, 1)
	centred := b.sub(z, mean)
	variance := b.mean(b.mul(centred, centred), 1)
	inv := b.inverseDeviation(variance)
	normal := b.mul(centred, inv)
	b.output("m:bn3.*", mean, x.out, 1)
	b.output("v:bn3.*", variance, x.out, 1)
	b.output("s:inv.bn3", inv, x.out, 1)
	b.output("s:normal.bn3", normal, x.out, x.mOut())
	choice := b.input("norms", x.variants, x.batch)
	o := b.add(b.mul(x.positions(b, normal), x.scales(b, "weight", choice)), x.scales(b, "bias", choice))
	return b.reshape(o, x.out, x.mOut())
}

func (x mixed) projectBackward(b *builder, y, do string) string {
	weight := b.input("p:conv_pwl.weight", x.out, x.mid)
	inv, normal := b.input("s:inv.bn3", x.out, 1), b.input("s:normal.bn3", x.out, x.mOut())
	choice := b.input("norms", x.variants, x.batch)
	x.normGradients(b, "weight", b.mul(do, normal), choice)
	x.normGradients(b, "bias", do, choice)
	d := b.reshape(b.mul(x.positions(b, do), x.scales(b, "weight", choice)), x.out, x.mOut())
	v := b.sub(b.sub(d, b.mean(d, 1)), b.mul(normal, b.mean(b.mul(d, normal), 1)))
	b.output("g:conv_pwl.weight", b.mul(b.gemm(v, y, "", "NT", 1), inv), x.out, x.mid)
	return b.gemm(b.mul(weight, inv), v, "", "TN", 1)
}

// normGradients sums over the images that take each normalisation.
func (x mixed) normGradients(b *builder, what, d, choice string) {
	perImage := b.reshape(b.sum(x.positions(b, d), 1), x.out, x.batch)
	all := b.gemm(perImage, choice, "", "NT", 1)
	for j := range x.variants {
		b.output(fmt.Sprintf("g:bn3.%d.%s", j, what), b.slice(all, 1, j, j+1), x.out, 1)
	}
}

func (x mixed) backward(b *builder) {
	do, plus := b.input("dout", x.out, x.mOut()), ""
	if x.skips() {
		plus = do
		do = b.perImage(do, "keep", x.out, x.mOut())
	}
	kept, y := x.act.load(b, "bn2", x.mid, x.mOut())
	gated := b.input("s:se.gated", x.mid, x.mOut())
	dy := x.excite().backward(b, x.projectBackward(b, gated, do), y)
	du := x.act.derive(b, dy, kept)
	kept, h := x.act.load(b, "bn1", x.mid, x.m())
	dh := ""
	for _, k := range x.kernels {
		v, a := x.bn2Of(k).backward(b, x.chosen(b, du, k))
		one := x.dw(k).backward(b, h, v, a)
		if dh != "" {
			one = b.add(dh, one)
		}
		dh = one
	}
	dx := x.expand().backward(b, b.input("x", x.in, x.m()), x.act.derive(b, dh, kept), plus)
	b.output("dx", dx, x.in, x.m())
}

// choice is the output of a stage whose images leave it after different blocks:
// the sum of the blocks' results, each times a mask [1, 1, batch].
type choice struct{ channels, m, batch, blocks int }

func (c choice) key() string { return fmt.Sprintf("choice %+v", c) }

func (c choice) forward(b *builder) {
	sum := ""
	for i := range c.blocks {
		one := b.perImage(b.input(fmt.Sprintf("x.%d", i), c.channels, c.m), fmt.Sprintf("take.%d", i), c.channels, c.m)
		if sum != "" {
			one = b.add(sum, one)
		}
		sum = one
	}
	b.output("out", sum, c.channels, c.m)
}

// backward gives one block's part of the gradient of the output: it is added to
// what the next block gave.
func (c choice) backward(b *builder) {
	part := b.perImage(b.input("dout", c.channels, c.m), "take", c.channels, c.m)
	b.output("dx", b.add(part, b.input("next", c.channels, c.m)), c.channels, c.m)
}
