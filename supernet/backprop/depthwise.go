package backprop

import "github.com/binas-tui/binas-tui/model"

// depthwise is a convolution of every channel with a kernel of its own and
// padding kernel/2, and batch normalisation. It is in Toeplitz form: per channel,
// the matrix T = w·S [positions out, positions in] times the map. ONNX Runtime's
// convolution is many times slower where weights are inputs; see [tiles] for large
// maps.
type depthwise struct {
	conv, bn                 string
	channels, kernel, stride int
	side                     int // of the input, in pixels
}

func (l depthwise) sideOut() int { return model.Downsample(l.side, l.stride) }

// forwardTiles lead from the input to tiles of the output.
func (l depthwise) forwardTiles() tiles {
	half := l.kernel / 2
	w := window{tileSide, -half, l.stride*(tileSide-1) + l.kernel - 1 - half, l.stride * tileSide}
	if l.whole() {
		w.size = l.sideOut()
	}
	return newTiles(l.sideOut(), l.side, l.kernel, w, func(out, in int) int { return in + half - l.stride*out })
}

// backwardTiles lead from the gradient of the output to tiles of that of the input.
func (l depthwise) backwardTiles() tiles {
	half := l.kernel / 2
	w := window{tileSide, -((l.kernel - 1 - half) / l.stride), (tileSide - 1 + half) / l.stride, tileSide / l.stride}
	if l.whole() {
		w.size = l.side
	}
	return newTiles(l.side, l.sideOut(), l.kernel, w, func(in, out int) int { return in + half - l.stride*out })
}

// whole reports a map so small that it is one tile.
func (l depthwise) whole() bool {
	return l.side*l.side*l.sideOut()*l.sideOut() <= wholeLimit
}

// single reports a map of one value: its Toeplitz matrix is a number.
func (l depthwise) single() bool { return l.side == 1 }

func (l depthwise) weight(b *builder) string {
	return b.parameter(l.conv+".weight", l.channels, l.kernel*l.kernel)
}

func (l depthwise) forward(b *builder, x string) string {
	if b.frozen != nil {
		weight, bias := b.frozen.folded(b, l.conv, l.bn, l.channels, l.kernel*l.kernel)
		return b.add(l.apply(b, x, weight, l.forwardTiles(), l.side, l.sideOut()), bias)
	}
	b.save("x."+l.conv, x)
	return norm(l.bn).forward(b, l.apply(b, x, l.weight(b), l.forwardTiles(), l.side, l.sideOut()))
}

func (l depthwise) backward(b *builder, d, plus string) string {
	weight, x := l.weight(b), b.load("x."+l.conv)
	v, a := norm(l.bn).backward(b, d)
	b.gradient(l.conv+".weight", b.mul(l.weightGradient(b, x, v), a))
	return b.plus(l.apply(b, v, b.mul(weight, a), l.backwardTiles(), l.sideOut(), l.side), plus)
}

// apply multiplies a map of side from by the Toeplitz matrices w·S.
func (l depthwise) apply(b *builder, x, weight string, t tiles, from, to int) string {
	m := b.matmul(weight, b.constant("taps", t.taps, l.kernel*l.kernel, t.to*t.from))
	if l.single() {
		return b.mul(x, m)
	}
	y := b.matmul(b.reshape(m, l.channels, t.to, t.from), l.gather(b, x, t.read, from, t.count))
	if t.place != nil {
		y = b.gather(b.reshape(y, l.channels, t.to*t.count, b.batch), t.place)
	}
	return b.reshape(y, l.channels, to*to*b.batch)
}

// gather returns the positions of every tile as [channels, positions of a tile,
// tiles·batch].
func (l depthwise) gather(b *builder, x string, index []int, side, count int) string {
	x = b.reshape(x, l.channels, side*side, b.batch)
	if index == nil {
		return x
	}
	outside := b.constant("outside", make([]float32, l.channels*b.batch), l.channels, 1, b.batch)
	return b.reshape(b.gather(b.concat(1, x, outside), index), l.channels, len(index)/count, count*b.batch)
}

// weightGradient is (v·xᵀ)·Sᵀ [channels, kernel²].
func (l depthwise) weightGradient(b *builder, x, v string) string {
	t := l.forwardTiles()
	n, kk := t.to*t.from, l.kernel*l.kernel
	transposed := make([]float32, len(t.taps))
	transpose(transposed, t.taps, kk, n)
	taps := b.constant("taps", transposed, n, kk)
	if l.single() {
		return b.matmul(b.sum(b.mul(v, x), 1), taps)
	}
	products := b.matmulT(l.gather(b, v, t.made, l.sideOut(), t.count), l.gather(b, x, t.read, l.side, t.count))
	return b.matmul(b.reshape(products, l.channels, n), taps)
}
