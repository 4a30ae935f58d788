package backprop

// excitation is squeeze-and-excite: channels are scaled by a gate that two small
// layers compute from the means of the map over its positions.
//
// Where images have options of their own (masked), the inputs squeeze [squeezed,
// batch] and gated [1, batch] say which hidden channels an image uses, and whether
// it is scaled at all; plain is 1 - gated.
type excitation struct {
	channels, squeezed, positions int
	masked                        bool
}

const se = "se."

// weights loads a layer's matrix [out, in].
func (l excitation) weights(b *builder) (reduce, expand string) {
	return b.input("p:"+se+"conv_reduce.weight", l.squeezed, l.channels),
		b.input("p:"+se+"conv_expand.weight", l.channels, l.squeezed)
}

func (l excitation) forward(b *builder, y string) string {
	reduce, expand := l.weights(b)
	pooled := l.pool(b, y)
	hidden := b.gemm(reduce, pooled, b.input("p:"+se+"conv_reduce.bias", l.squeezed, 1), "NN", 1)
	if l.masked {
		hidden = b.mul(hidden, b.input("squeeze", l.squeezed, b.batch))
	}
	r := b.op("Relu", []string{hidden})
	gate := b.gate(b.gemm(expand, r, b.input("p:"+se+"conv_expand.bias", l.channels, 1), "NN", 1))
	b.output("s:se.pool", pooled, l.channels, b.batch)
	b.output("s:se.reduced", r, l.squeezed, b.batch)
	b.output("s:se.gate", gate, l.channels, b.batch)
	if l.masked {
		gate = b.add(b.mul(gate, b.input("gated", 1, b.batch)), b.input("plain", 1, b.batch))
		b.output("s:se.scale", gate, l.channels, b.batch)
	}
	gated := l.scale(b, y, gate)
	b.output("s:se.gated", gated, l.channels, l.positions*b.batch)
	return gated
}

func (l excitation) pool(b *builder, y string) string {
	y = b.mean(b.reshape(y, l.channels, l.positions, b.batch), 1)
	return b.reshape(y, l.channels, b.batch)
}

func (l excitation) scale(b *builder, y, gate string) string {
	y = b.mul(b.reshape(y, l.channels, l.positions, b.batch), b.reshape(gate, l.channels, 1, b.batch))
	return b.reshape(y, l.channels, l.positions*b.batch)
}

// backward takes the gradient of the result and returns that of the input y.
func (l excitation) backward(b *builder, dgated, y string) string {
	reduce, expand := l.weights(b)
	gate := b.input("s:se.gate", l.channels, b.batch)
	pooled, r := b.input("s:se.pool", l.channels, b.batch), b.input("s:se.reduced", l.squeezed, b.batch)

	product := b.reshape(b.mul(dgated, y), l.channels, l.positions, b.batch)
	dgate := b.reshape(b.sum(product, 1), l.channels, b.batch)
	open := b.mul(b.step(gate, 0), b.below(gate, 1))
	dq := b.mul(b.scale(dgate, 1.0/6), open)
	scale := gate
	if l.masked {
		dq = b.mul(dq, b.input("gated", 1, b.batch))
		scale = b.input("s:se.scale", l.channels, b.batch)
	}
	b.output("g:"+se+"conv_expand.weight", b.gemm(dq, r, "", "NT", 1), l.channels, l.squeezed)
	b.output("g:"+se+"conv_expand.bias", b.sum(dq, 1), l.channels, 1)
	dr := b.mul(b.gemm(expand, dq, "", "TN", 1), b.step(r, 0))
	b.output("g:"+se+"conv_reduce.weight", b.gemm(dr, pooled, "", "NT", 1), l.squeezed, l.channels)
	b.output("g:"+se+"conv_reduce.bias", b.sum(dr, 1), l.squeezed, 1)
	dp := b.gemm(reduce, dr, "", "TN", 1/float64(l.positions))

	dy := b.mul(b.reshape(dgated, l.channels, l.positions, b.batch), b.reshape(scale, l.channels, 1, b.batch))
	dy = b.add(dy, b.reshape(dp, l.channels, 1, b.batch))
	return b.reshape(dy, l.channels, l.positions*b.batch)
}
