package backprop

// head is global average pooling, conv_head with a bias, h-swish, dropout and
// the classifier. Its result is the logits [classes, batch]. Dropout is the
// input mask [features, batch]: 0, or 1/(1-p).
type head struct{ in, features, classes int }

func (l head) conv() linear       { return linear{"conv_head", l.in, l.features} }
func (l head) classifier() linear { return linear{"classifier", l.features, l.classes} }
func (l head) mask(b *builder) string {
	return b.input("mask", l.features, b.batch)
}

func (l head) forward(b *builder, x string) string {
	pooled := b.pool(x)
	h := l.conv().forward(b, pooled)
	f := b.hardSwish(h)
	if b.frozen == nil {
		f = b.mul(f, l.mask(b))
	}
	b.save("pool", pooled)
	b.save("h", h)
	b.save("features", f)
	return l.classifier().forward(b, f)
}

func (l head) backward(b *builder, d, plus string) string {
	df := l.classifier().backward(b, d, b.load("features"), 1)
	dh := b.hardSwishGradient(b.mul(df, l.mask(b)), b.load("h"))
	positions := b.forward.columns("x") / b.batch
	dpool := l.conv().backward(b, dh, b.load("pool"), positions)
	dx := b.mul(b.reshape(dpool, l.in, 1, b.batch), b.ones(1, positions, 1))
	return b.plus(b.matrix(dx), plus)
}
