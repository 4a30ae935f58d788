package backprop

import (
	"fmt"

	"github.com/binas-tui/binas-tui/model"
)

// segment is a part of a network with a forward and a backward graph. Its input
// is x and its result out, their gradients dx and dout.
type segment interface {
	// key tells segments with other graphs apart.
	key() string
	forward(b *builder)
	backward(b *builder)
}

// stem is the first convolution, on the 3x3 patches of the image that
// [patches] gathers, with batch normalisation and h-swish.
type stem struct{ channels, m int }

const patchSize = 27 // 3 channels of 3x3

func (s stem) key() string { return "stem" }

func (s stem) layer() expansion {
	return expansion{"conv_stem", "bn1", patchSize, s.channels, s.m, hswish}
}

func (s stem) forward(b *builder) {
	x := b.input("x", patchSize, s.m)
	b.output("out", s.layer().forward(b, x), s.channels, s.m)
}

func (s stem) backward(b *builder) {
	l := s.layer()
	kept := b.input("s:pre.bn1", s.channels, s.m)
	l.backward(b, "", hswish.derive(b, b.input("dout", s.channels, s.m), kept), "")
}

// separable is the first block: depthwise convolution, BN, ReLU, projection, BN.
type separable struct{ in, out, side, batch int }

func (s separable) key() string { return "separable" }

func (s separable) m() int { return s.side * s.side * s.batch }

func (s separable) layers() (depthwise, norm, projection) {
	return newDepthwise("conv_dw", s.in, 3, 1, s.side), norm{"bn1", s.in, s.m()},
		projection{"conv_pw", "bn2", s.in, s.out, s.m()}
}

func (s separable) forward(b *builder) {
	dw, bn, pw := s.layers()
	x := b.input("x", s.in, s.m())
	y := relu.forward(b, bn.forward(b, dw.forward(b, x)), "bn1", s.in, s.m())
	b.output("out", pw.forward(b, y), s.out, s.m())
}

func (s separable) backward(b *builder) {
	dw, bn, pw := s.layers()
	x, do := b.input("x", s.in, s.m()), b.input("dout", s.out, s.m())
	y := b.input("s:act.bn1", s.in, s.m())
	dy := pw.backward(b, y, do)
	v, a := bn.backward(b, relu.derive(b, dy, y))
	b.output("dx", dw.backward(b, x, v, a), s.in, s.m())
}

// residual is an inverted-residual block with one option.
type residual struct {
	in, mid, out int
	squeezed     int // channels of the squeeze; 0 without
	kernel       int
	stride       int
	side, batch  int
	act          activation
}

func newResidual(shape model.BlockShape, o model.Option, batch int) residual {
	code := model.BlockCode{Type: model.InvertedResidual, Expansion: o.Expansion, SERatio: o.SERatio}
	return residual{
		in: shape.InChannels, mid: code.MidChannels(shape.InChannels), out: shape.OutChannels,
		squeezed: code.SEChannels(shape.InChannels), kernel: o.Kernel, stride: shape.Stride,
		side: shape.Resolution, batch: batch, act: activation(shape.Activation),
	}
}

func (r residual) key() string { return fmt.Sprintf("residual %+v", r) }

func (r residual) sideOut() int { return model.Downsample(r.side, r.stride) }
func (r residual) m() int       { return r.side * r.side * r.batch }
func (r residual) mOut() int    { return r.sideOut() * r.sideOut() * r.batch }

// skips reports whether the input is added to the result.
func (r residual) skips() bool { return r.stride == 1 && r.in == r.out }

func (r residual) expand() expansion {
	return expansion{"conv_pw", "bn1", r.in, r.mid, r.m(), r.act}
}

func (r residual) depthwise() depthwise {
	return newDepthwise("conv_dw", r.mid, r.kernel, r.stride, r.side)
}

func (r residual) bn2() norm { return norm{"bn2", r.mid, r.mOut()} }

func (r residual) excite() excitation {
	return excitation{channels: r.mid, squeezed: r.squeezed, positions: r.sideOut() * r.sideOut()}
}

func (r residual) project() projection {
	return projection{"conv_pwl", "bn3", r.mid, r.out, r.mOut()}
}

func (r residual) forward(b *builder) {
	x := b.input("x", r.in, r.m())
	y := r.expand().forward(b, x)
	y = r.bn2().forward(b, r.depthwise().forward(b, y))
	y = r.act.forward(b, y, "bn2", r.mid, r.mOut())
	if r.squeezed > 0 {
		y = r.excite().forward(b, y)
	}
	out := r.project().forward(b, y)
	if r.skips() {
		out = b.add(b.perImage(out, "keep", r.out, r.mOut()), x)
	}
	b.output("out", out, r.out, r.mOut())
}

func (r residual) backward(b *builder) {
	do, plus := b.input("dout", r.out, r.mOut()), ""
	if r.skips() {
		plus = do
		do = b.perImage(do, "keep", r.out, r.mOut())
	}
	kept, y := r.act.load(b, "bn2", r.mid, r.mOut())
	var dy string
	if r.squeezed > 0 {
		se := r.excite()
		gated := b.input("s:se.gated", r.mid, r.mOut())
		dy = se.backward(b, r.project().backward(b, gated, do), y)
	} else {
		dy = r.project().backward(b, y, do)
	}
	v, a := r.bn2().backward(b, r.act.derive(b, dy, kept))
	kept, h := r.act.load(b, "bn1", r.mid, r.m())
	da := r.depthwise().backward(b, h, v, a)
	x := b.input("x", r.in, r.m())
	dx := r.expand().backward(b, x, r.act.derive(b, da, kept), plus)
	b.output("dx", dx, r.in, r.m())
}

// perImage multiplies every image by a number of its own, the input key
// [1, 1, batch].
func (b *builder) perImage(x, key string, channels, m int) string {
	y := b.mul(b.reshape(x, channels, m/b.batch, b.batch), b.input(key, 1, 1, b.batch))
	return b.reshape(y, channels, m)
}
