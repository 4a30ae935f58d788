package backprop

import "github.com/binas-tui/binas-tui/model"

// squeezeExcite scales channels by a gate that two small layers compute from the
// means of the map over its positions.
//
// Where images have options of their own (masked), the inputs squeeze [squeezed,
// batch] and gated [1, batch] say which hidden channels an image uses, and whether
// it is scaled at all; plain is 1 - gated.
type squeezeExcite struct {
	model.ConvLayer
	masked bool
}

func (l squeezeExcite) gate() (reduce, expand linear) {
	r, e := l.Gate()
	return linear{r.Name, r.In, r.Out}, linear{e.Name, e.In, e.Out}
}

func (l squeezeExcite) forward(b *builder, x string) string {
	return l.apply(b, x, b.pool(x))
}

// apply is forward with the means of x.
func (l squeezeExcite) apply(b *builder, x, pooled string) string {
	y := b.gated(x, l.scale(b, x, pooled))
	b.save("se.out", y)
	return y
}

// scale is what every image of x is times: [channels, batch].
func (l squeezeExcite) scale(b *builder, x, pooled string) string {
	reduce, expand := l.gate()
	hidden := reduce.forward(b, pooled)
	if l.masked {
		hidden = b.mul(hidden, b.input("squeeze", l.Squeeze, b.batch))
	}
	hidden = b.unary("Relu", hidden)
	gate := b.gate(expand.forward(b, hidden))
	scale := gate
	if l.masked {
		scale = b.add(b.mul(gate, b.input("gated", 1, b.batch)), b.input("plain", 1, b.batch))
	}
	b.save("se.x", x)
	b.save("se.pool", pooled)
	b.save("se.hidden", hidden)
	b.save("se.gate", gate)
	b.save("se.scale", scale)
	return scale
}

func (l squeezeExcite) backward(b *builder, d, plus string) string {
	dpool := b.reshape(l.poolGradient(b, d), l.Out, 1, b.batch)
	dx := b.mul(b.images(d), b.reshape(b.load("se.scale"), l.Out, 1, b.batch))
	return b.plus(b.matrix(b.add(dx, dpool)), plus)
}

// poolGradient is the part of the gradient of x that comes through the gate, for
// each position [channels, batch].
func (l squeezeExcite) poolGradient(b *builder, d string) string {
	reduce, expand := l.gate()
	gate, pooled, hidden := b.load("se.gate"), b.load("se.pool"), b.load("se.hidden")
	dgate := b.imageDots(d, b.load("se.x"))
	open := b.mul(b.step(gate, 0), b.below(gate, 1))
	dexpanded := b.mul(b.scale(dgate, 1.0/6), open)
	if l.masked {
		dexpanded = b.mul(dexpanded, b.input("gated", 1, b.batch))
	}
	dhidden := b.mul(expand.backward(b, dexpanded, hidden, 1), b.step(hidden, 0))
	return reduce.backward(b, dhidden, pooled, b.columns(d)/b.batch)
}

// pool is the mean of every image: [channels, batch].
func (b *builder) pool(x string) string {
	return b.reshape(b.mean(b.images(x), 1), b.rows(x), b.batch)
}

// linear is a layer with a bias, on [in, batch].
type linear struct {
	name    string
	in, out int
}

func (l linear) weight(b *builder) string { return b.parameter(l.name+".weight", l.out, l.in) }

func (l linear) forward(b *builder, x string) string {
	return b.gemm(l.weight(b), x, b.parameter(l.name+".bias", l.out, 1), "NN", 1)
}

// backward returns the gradient of x over a number: that of each of so many
// positions whose mean x is.
func (l linear) backward(b *builder, d, x string, positions int) string {
	b.gradient(l.name+".weight", b.gemm(d, x, "", "NT", 1))
	b.gradient(l.name+".bias", b.sum(d, 1))
	return b.gemm(l.weight(b), d, "", "TN", 1/float64(positions))
}
