package backprop

// last is the 1x1 convolution after the searched stages, with batch
// normalisation and h-swish: the seventh stage.
type last struct{ in, out, m int }

func (l last) key() string { return "last" }

func (l last) layer() expansion { return expansion{"conv", "bn1", l.in, l.out, l.m, hswish} }

func (l last) forward(b *builder) {
	b.output("out", l.layer().forward(b, b.input("x", l.in, l.m)), l.out, l.m)
}

func (l last) backward(b *builder) {
	dh := hswish.derive(b, b.input("dout", l.out, l.m), b.input("s:pre.bn1", l.out, l.m))
	b.output("dx", l.layer().backward(b, b.input("x", l.in, l.m), dh, ""), l.in, l.m)
}

// head is global average pooling, conv_head with a bias, h-swish, dropout and
// the classifier. Its result is the logits [classes, batch]. Dropout is the
// input mask [features, batch]: 0, or 1/(1-p).
type head struct{ in, features, classes, positions, batch int }

func (h head) key() string { return "head" }

func (h head) forward(b *builder) {
	x := b.reshape(b.input("x", h.in, h.positions*h.batch), h.in, h.positions, h.batch)
	pooled := b.reshape(b.mean(x, 1), h.in, h.batch)
	weight := b.input("p:conv_head.weight", h.features, h.in)
	f := b.gemm(weight, pooled, b.input("p:conv_head.bias", h.features, 1), "NN", 1)
	dropped := b.mul(b.hardSwish(f), b.input("mask", h.features, h.batch))
	b.output("s:pool", pooled, h.in, h.batch)
	b.output("s:act", f, h.features, h.batch)
	b.output("s:dropped", dropped, h.features, h.batch)
	classifier := b.input("p:classifier.weight", h.classes, h.features)
	b.output("out", b.gemm(classifier, dropped, b.input("p:classifier.bias", h.classes, 1), "NN", 1), h.classes, h.batch)
}

func (h head) backward(b *builder) {
	dlogits := b.input("dout", h.classes, h.batch)
	dropped, f := b.input("s:dropped", h.features, h.batch), b.input("s:act", h.features, h.batch)
	b.output("g:classifier.weight", b.gemm(dlogits, dropped, "", "NT", 1), h.classes, h.features)
	b.output("g:classifier.bias", b.sum(dlogits, 1), h.classes, 1)
	df := b.gemm(b.input("p:classifier.weight", h.classes, h.features), dlogits, "", "TN", 1)
	df = hswish.derive(b, b.mul(df, b.input("mask", h.features, h.batch)), f)
	b.output("g:conv_head.weight", b.gemm(df, b.input("s:pool", h.in, h.batch), "", "NT", 1), h.features, h.in)
	b.output("g:conv_head.bias", b.sum(df, 1), h.features, 1)
	dp := b.gemm(b.input("p:conv_head.weight", h.features, h.in), df, "", "TN", 1/float64(h.positions))
	ones := make([]float32, h.positions)
	for i := range ones {
		ones[i] = 1
	}
	dx := b.mul(b.reshape(dp, h.in, 1, h.batch), b.g.Const("spread", ones, 1, h.positions, 1))
	b.output("dx", b.reshape(dx, h.in, h.positions*h.batch), h.in, h.positions*h.batch)
}
