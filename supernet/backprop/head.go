package backprop

import "github.com/binas-tui/binas-tui/model"

// head is global average pooling, conv_head with a bias, h-swish, dropout and
// the classifier. Its result is the logits [classes, batch]. Dropout is the
// input mask [features, batch]: 0, or 1/(1-p).
type head struct{ in, classes int }

func (l head) linear() (conv, classifier linear) {
	c, k := model.Head(l.in, l.classes)
	return linear{c.Name, c.In, c.Out}, linear{k.Name, k.In, k.Out}
}

func (l head) mask(b *builder) string { return b.input("mask", model.FeatureWidth, b.batch) }

func (l head) forward(b *builder, x string) string {
	conv, classifier := l.linear()
	pooled := b.pool(x)
	h := conv.forward(b, pooled)
	f := b.hardSwish(h)
	if b.frozen == nil {
		f = b.mul(f, l.mask(b))
	}
	b.save("pool", pooled)
	b.save("h", h)
	b.save("features", f)
	return classifier.forward(b, f)
}

func (l head) backward(b *builder, d, plus string) string {
	conv, classifier := l.linear()
	df := classifier.backward(b, d, b.load("features"), 1)
	dh := b.hardSwishGradient(b.mul(df, l.mask(b)), b.load("h"))
	positions := b.forward.columns("x") / b.batch
	dpool := conv.backward(b, dh, b.load("pool"), positions)
	dx := b.mul(b.reshape(dpool, l.in, 1, b.batch), b.ones(1, positions, 1))
	return b.plus(b.matrix(dx), plus)
}
