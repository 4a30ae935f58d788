package backprop

import (
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// depthwise is a convolution of every channel with a kernel of its own and
// padding kernel/2, in Toeplitz form: per channel, the matrix T = w·S
// [positions out, positions in] times the map. ONNX Runtime's convolution is
// many times slower where weights are inputs; see [tiles] for large maps.
type depthwise struct {
	conv             string
	channels, kernel int
	side, sideOut    int
	ahead            tiles // from the input to tiles of the output
	back             tiles // from the gradient of the output to tiles of that of the input
}

func newDepthwise(conv string, channels, kernel, stride, side int) depthwise {
	d := depthwise{conv: conv, channels: channels, kernel: kernel, side: side, sideOut: model.Downsample(side, stride)}
	half := kernel / 2
	ahead := window{tileSide, -half, stride*(tileSide-1) + kernel - 1 - half, stride * tileSide}
	back := window{tileSide, -((kernel - 1 - half) / stride), (tileSide - 1 + half) / stride, tileSide / stride}
	if side*side*d.sideOut*d.sideOut <= wholeLimit {
		ahead.size, back.size = d.sideOut, side
	}
	d.ahead = newTiles(d.sideOut, side, kernel, ahead, func(out, in int) int { return in + half - stride*out })
	d.back = newTiles(side, d.sideOut, kernel, back, func(in, out int) int { return in + half - stride*out })
	return d
}

// single reports a map of one value: its Toeplitz matrix is a number.
func (d depthwise) single() bool { return d.side == 1 }

func (d depthwise) weight(b *builder) string {
	return b.input("p:"+d.conv+".weight", d.channels, d.kernel*d.kernel)
}

// toeplitz is w·S.
func (d depthwise) toeplitz(b *builder, weight string, t tiles) string {
	taps := b.g.Const("taps", t.taps, d.kernel*d.kernel, t.to*t.from)
	m := b.matmul(weight, taps)
	if d.single() {
		return m
	}
	return b.reshape(m, d.channels, t.to, t.from)
}

// forward takes [channels, positions·batch] and returns the same form.
func (d depthwise) forward(b *builder, x string) string {
	return d.apply(b, x, d.weight(b), d.ahead, d.side, d.sideOut)
}

func (d depthwise) apply(b *builder, x, weight string, t tiles, from, to int) string {
	m := d.toeplitz(b, weight, t)
	if d.single() {
		return b.mul(x, m)
	}
	y := b.matmul(m, d.gather(b, x, t.read, from, t.count))
	if t.place != nil {
		y = b.reshape(y, d.channels, t.to*t.count, b.batch)
		y = b.op("Gather", []string{y, b.ints(t.place...)}, onnx.Int("axis", 1))
	}
	return b.reshape(y, d.channels, to*to*b.batch)
}

// gather returns the positions of every tile as [channels, positions of a tile,
// tiles·batch].
func (d depthwise) gather(b *builder, x string, index []int, side, count int) string {
	x = b.reshape(x, d.channels, side*side, b.batch)
	if index == nil {
		return x
	}
	outside := b.g.Const("outside", make([]float32, d.channels*b.batch), d.channels, 1, b.batch)
	x = b.op("Gather", []string{b.concat(1, x, outside), b.ints(index...)}, onnx.Int("axis", 1))
	return b.reshape(x, d.channels, len(index)/count, count*b.batch)
}

// backward takes the input x and the gradient a⊙v of the result, and returns the
// gradient of x.
func (d depthwise) backward(b *builder, x, v, a string) string {
	weight := d.weight(b)
	b.output("g:"+d.conv+".weight", b.mul(d.weightGradient(b, x, v), a), d.channels, d.kernel*d.kernel)
	return d.apply(b, v, b.mul(weight, a), d.back, d.sideOut, d.side)
}

// weightGradient is (v·xᵀ)·Sᵀ [channels, kernel²].
func (d depthwise) weightGradient(b *builder, x, v string) string {
	t := d.ahead
	n, kk := t.to*t.from, d.kernel*d.kernel
	transposed := make([]float32, len(t.taps))
	for k := range kk {
		for i := range n {
			transposed[i*kk+k] = t.taps[k*n+i]
		}
	}
	taps := b.g.Const("taps", transposed, n, kk)
	if d.single() {
		return b.matmul(b.sum(b.mul(v, x), 1), taps)
	}
	products := b.matmulT(d.gather(b, v, t.made, d.sideOut, t.count), d.gather(b, x, t.read, d.side, t.count))
	return b.matmul(b.reshape(products, d.channels, n), taps)
}
