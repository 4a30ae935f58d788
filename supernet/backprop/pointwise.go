package backprop

// expansion is a 1x1 convolution without bias, batch normalisation and an
// activation. Its graphs do not normalise the wide map, unless it is smaller
// than the weights: see the package comment.
//
// With x̃ = [x - mean(x); 1] and P = W·C, C the covariance of x:
//
//	var = rowsum(P ⊙ W), A = γ/√(var+ε), h = [A⊙W, β]·x̃, a = act(h)
//
// and backward, from dh and [G, s0] = dh·x̃ᵀ:
//
//	s1 = rowsum(G ⊙ W), dγ = s1/√(var+ε), dβ = s0
//	c1 = s1/(var+ε), dW = A⊙(G - c1⊙P)
//	dx = (A⊙W)ᵀ·(dh - [c1⊙W, s0]·x̃/M)
type expansion struct {
	conv, bn string
	in, out  int
	m        int // positions times batch
	act      activation
}

func (l expansion) parameters(b *builder) (weight, gamma string) {
	return b.input("p:"+l.conv+".weight", l.out, l.in), b.input("p:"+l.bn+".weight", l.out, 1)
}

// direct reports a map with so few values that normalising it is less work than
// the covariance of its input.
func (l expansion) direct() bool { return l.m < 2*l.in }

func (l expansion) norm() norm { return norm{l.bn, l.out, l.m} }

func (l expansion) forward(b *builder, x string) string {
	if l.direct() {
		u := b.matmul(b.input("p:"+l.conv+".weight", l.out, l.in), x)
		return l.act.forward(b, l.norm().forward(b, u), l.bn, l.out, l.m)
	}
	weight, gamma := l.parameters(b)
	beta := b.input("p:"+l.bn+".bias", l.out, 1)
	mean := b.mean(x, 1)
	centred := b.sub(x, mean)
	ones := make([]float32, l.m)
	for i := range ones {
		ones[i] = 1
	}
	xt := b.concat(0, centred, b.g.Const("ones", ones, 1, l.m))
	covariance := b.gemm(centred, centred, "", "NT", 1/float64(l.m))
	p := b.matmul(weight, covariance)
	variance := b.sum(b.mul(p, weight), 1)
	b.output("m:"+l.bn, b.matmul(weight, mean), l.out, 1)
	b.output("v:"+l.bn, variance, l.out, 1)
	inv := b.inverseDeviation(variance)
	folded := b.concat(1, b.mul(weight, b.mul(gamma, inv)), beta)
	h := b.matmul(folded, xt)
	b.output("s:xt."+l.bn, xt, l.in+1, l.m)
	b.output("s:p."+l.bn, p, l.out, l.in)
	b.output("s:inv."+l.bn, inv, l.out, 1)
	return l.act.forward(b, h, l.bn, l.out, l.m)
}

// backward takes the gradient of h. It returns that of x, added to plus where
// plus is not empty. An empty x stands for an input that needs no gradient.
func (l expansion) backward(b *builder, x, dh, plus string) string {
	if l.direct() {
		return l.backwardDirect(b, x, dh, plus)
	}
	weight, gamma := l.parameters(b)
	xt := b.input("s:xt."+l.bn, l.in+1, l.m)
	p := b.input("s:p."+l.bn, l.out, l.in)
	inv := b.input("s:inv."+l.bn, l.out, 1)

	both := b.gemm(dh, xt, "", "NT", 1)
	g, s0 := b.slice(both, 1, 0, l.in), b.slice(both, 1, l.in, l.in+1)
	s1 := b.sum(b.mul(g, weight), 1)
	dgamma := b.mul(s1, inv)
	c1 := b.mul(dgamma, inv)
	a := b.mul(gamma, inv)
	b.output("g:"+l.bn+".weight", dgamma, l.out, 1)
	b.output("g:"+l.bn+".bias", s0, l.out, 1)
	b.output("g:"+l.conv+".weight", b.mul(b.sub(g, b.mul(p, c1)), a), l.out, l.in)
	if x == "" {
		return ""
	}
	wa := b.mul(weight, a)
	q := b.gemm(wa, b.concat(1, b.mul(weight, c1), s0), "", "TN", 1/float64(l.m))
	return b.gemm(wa, dh, b.gemm(q, xt, plus, "NN", -1), "TN", 1)
}

func (l expansion) backwardDirect(b *builder, x, dh, plus string) string {
	weight := b.input("p:"+l.conv+".weight", l.out, l.in)
	v, a := l.norm().backward(b, dh)
	b.output("g:"+l.conv+".weight", b.mul(b.gemm(v, x, "", "NT", 1), a), l.out, l.in)
	return b.gemm(b.mul(weight, a), v, plus, "TN", 1)
}

const epsilon = 1e-5 // of batch normalisation

func (b *builder) inverseDeviation(variance string) string {
	return b.op("Reciprocal", []string{b.op("Sqrt", []string{b.add(variance, b.scalar(epsilon))})})
}

// norm is batch normalisation of a map that exists already.
type norm struct {
	bn          string
	channels, m int
}

func (l norm) forward(b *builder, u string) string {
	gamma, beta := b.input("p:"+l.bn+".weight", l.channels, 1), b.input("p:"+l.bn+".bias", l.channels, 1)
	mean := b.mean(u, 1)
	centred := b.sub(u, mean)
	variance := b.mean(b.mul(centred, centred), 1)
	inv := b.inverseDeviation(variance)
	b.output("m:"+l.bn, mean, l.channels, 1)
	b.output("v:"+l.bn, variance, l.channels, 1)
	b.output("s:u."+l.bn, centred, l.channels, l.m)
	b.output("s:inv."+l.bn, inv, l.channels, 1)
	return b.add(b.mul(centred, b.mul(gamma, inv)), beta)
}

// backward returns v and a: the gradient of u is a⊙v. What comes next are
// products with weights, which take the factor a at no cost.
func (l norm) backward(b *builder, dh string) (v, a string) {
	gamma := b.input("p:"+l.bn+".weight", l.channels, 1)
	centred := b.input("s:u."+l.bn, l.channels, l.m)
	inv := b.input("s:inv."+l.bn, l.channels, 1)
	s0 := b.sum(dh, 1)
	dgamma := b.mul(b.sum(b.mul(dh, centred), 1), inv)
	b.output("g:"+l.bn+".weight", dgamma, l.channels, 1)
	b.output("g:"+l.bn+".bias", s0, l.channels, 1)
	slope := b.scale(b.mul(dgamma, inv), 1/float64(l.m))
	v = b.sub(b.sub(dh, b.mul(centred, slope)), b.scale(s0, 1/float64(l.m)))
	return v, b.mul(gamma, inv)
}

// projection is a 1x1 convolution without bias and batch normalisation to a
// narrow map.
type projection struct {
	conv, bn string
	in, out  int
	m        int
}

func (l projection) norm() norm { return norm{l.bn, l.out, l.m} }

func (l projection) forward(b *builder, y string) string {
	weight := b.input("p:"+l.conv+".weight", l.out, l.in)
	return l.norm().forward(b, b.matmul(weight, y))
}

// backward returns the gradient of y, given y and the gradient of the result.
func (l projection) backward(b *builder, y, do string) string {
	weight := b.input("p:"+l.conv+".weight", l.out, l.in)
	v, a := l.norm().backward(b, do)
	b.output("g:"+l.conv+".weight", b.mul(b.gemm(v, y, "", "NT", 1), a), l.out, l.in)
	return b.gemm(b.mul(weight, a), v, "", "TN", 1)
}
