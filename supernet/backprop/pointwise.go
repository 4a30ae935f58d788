package backprop

import "github.com/binas-tui/binas-tui/onnx"

// pointwise is a 1x1 convolution without bias and batch normalisation.
//
// Where it widens a map, the wide map is not normalised, unless it is
// smaller than the weights: see the package comment. With x̃ = [x - mean(x); 1] and
// P = W·C, C the covariance of x:
//
//	var = rowsum(P ⊙ W), A = γ/√(var+ε), h = [A⊙W, β]·x̃
//
// and backward, from dh and [G, s0] = dh·x̃ᵀ:
//
//	s1 = rowsum(G ⊙ W), dγ = s1/√(var+ε), dβ = s0
//	c1 = s1/(var+ε), dW = A⊙(G - c1⊙P)
//	dx = (A⊙W)ᵀ·(dh - [c1⊙W, s0]·x̃/M)
type pointwise struct {
	conv, bn string
	in, out  int
	first    bool // nothing before it is trained: there is no gradient of x
}

// folds reports whether a map of m columns is so large that the covariance of the
// input is less work than normalising the result.
func (l pointwise) folds(m int) bool { return l.out > l.in && m >= 2*l.in }

func (l pointwise) weight(b *builder) string { return b.parameter(l.conv+".weight", l.out, l.in) }

func (l pointwise) forward(b *builder, x string) string {
	if b.frozen != nil {
		weight, bias := b.frozen.folded(b, l.conv, l.bn, l.out, l.in)
		return b.gemm(weight, x, bias, "NN", 1)
	}
	if m := b.columns(x); l.folds(m) {
		return l.forwardFolded(b, x, m)
	}
	b.save("x."+l.conv, x)
	return norm(l.bn).forward(b, b.product(l.weight(b), x, "", false, false))
}

func (l pointwise) forwardFolded(b *builder, x string, m int) string {
	weight := l.weight(b)
	xt, covariance, mean := b.covariance(x, m)
	p := b.matmul(weight, covariance)
	variance := b.sum(b.mul(p, weight), 1)
	b.statistics(b.matmul(weight, mean), variance, m, l.bn)
	inv := b.inverseDeviation(variance)
	b.save("xt."+l.bn, xt)
	b.save("p."+l.bn, p)
	b.save("inv."+l.bn, inv)
	gamma, beta := norm(l.bn).parameters(b, l.out)
	return b.product(b.concat(1, b.mul(weight, b.mul(gamma, inv)), beta), xt, "", false, false)
}

// covariance returns x̃ = [x - mean; 1] of the m columns of x, and their covariance and
// mean.
func (b *builder) covariance(x string, m int) (xt, covariance, mean string) {
	n := b.rows(x)
	if b.useKernels() {
		one := []int{n, 1}
		out := b.own("Normalise", []string{x}, []onnx.Attr{onnx.Int("ones", 1)}, []int{n + 1, m}, one, one)
		xt, mean = out[0], out[1]
		covariance = b.slice(b.slice(b.outer(xt, xt), 0, 0, n), 1, 0, n)
	} else {
		mean = b.mean(x, 1)
		centred := b.sub(x, mean)
		xt, covariance = b.concat(0, centred, b.ones(1, m)), b.outer(centred, centred)
	}
	return xt, b.scale(covariance, 1/float64(m)), mean
}

func (l pointwise) backward(b *builder, d, plus string) string {
	if m := b.columns(d); l.folds(m) {
		return l.backwardFolded(b, d, plus, m)
	}
	weight, x := l.weight(b), b.load("x."+l.conv)
	v, a := norm(l.bn).backward(b, d)
	b.gradient(l.conv+".weight", b.scaled(b.outer(v, x), a))
	if l.first {
		return ""
	}
	return b.product(b.scaled(weight, a), v, plus, true, false)
}

func (l pointwise) backwardFolded(b *builder, d, plus string, m int) string {
	weight, gamma := l.weight(b), b.parameter(l.bn+".weight", l.out, 1)
	xt, p, inv := b.load("xt."+l.bn), b.load("p."+l.bn), b.load("inv."+l.bn)

	both := b.outer(d, xt)
	g, s0 := b.slice(both, 1, 0, l.in), b.slice(both, 1, l.in, l.in+1)
	s1 := b.sum(b.mul(g, weight), 1)
	dgamma := b.mul(s1, inv)
	c1 := b.mul(dgamma, inv)
	a := b.mul(gamma, inv)
	b.gradient(l.bn+".weight", dgamma)
	b.gradient(l.bn+".bias", s0)
	b.gradient(l.conv+".weight", b.mul(b.sub(g, b.mul(p, c1)), a))
	if l.first {
		return ""
	}
	wa := b.mul(weight, a)
	q := b.gemm(wa, b.concat(1, b.mul(weight, c1), s0), "", "TN", 1/float64(m))
	return b.product(wa, d, b.product(q, xt, plus, false, true), true, false)
}

const epsilon = 1e-5 // of batch normalisation

func (b *builder) inverseDeviation(variance string) string {
	return b.unary("Reciprocal", b.unary("Sqrt", b.add(variance, b.scalar(epsilon))))
}

// norm is the batch normalisation, of that name, of a map that exists already.
type norm string

func (n norm) parameters(b *builder, channels int) (gamma, beta string) {
	return b.parameter(string(n)+".weight", channels, 1), b.parameter(string(n)+".bias", channels, 1)
}

// centre takes the mean off every channel of u; variance is the biased one.
func (b *builder) centre(u string) (centred, mean, variance string) {
	mean = b.mean(u, 1)
	centred = b.sub(u, mean)
	return centred, mean, b.mean(b.mul(centred, centred), 1)
}

func (n norm) forward(b *builder, u string) string {
	gamma, beta := n.parameters(b, b.rows(u))
	if b.useKernels() {
		one := []int{b.rows(u), 1}
		out := b.own("Normalise", []string{u, gamma, beta, b.keep, b.skip}, b.ofBatch(), b.shapes[u], one, one)
		b.keep, b.skip = "", ""
		b.statistics(out[1], out[2], b.columns(u), string(n))
		b.save("u."+string(n), u)
		b.save("mean."+string(n), out[1])
		b.save("variance."+string(n), out[2])
		return out[0]
	}
	centred, mean, variance := b.centre(u)
	b.statistics(mean, variance, b.columns(u), string(n))
	inv := b.inverseDeviation(variance)
	b.save("u."+string(n), centred)
	b.save("inv."+string(n), inv)
	return b.add(b.mul(centred, b.mul(gamma, inv)), beta)
}

// backward returns v and a: the gradient of u is a⊙v, or v where a is empty. What
// comes next are products with weights, which take the factor a at no cost.
func (n norm) backward(b *builder, d string) (v, a string) {
	gamma := b.parameter(string(n)+".weight", b.rows(d), 1)
	if b.useKernels() {
		in := []string{d, b.load("u." + string(n)), gamma, b.load("mean." + string(n)), b.load("variance." + string(n)), b.keep}
		b.keep = ""
		out := b.own("NormaliseGradient", in, b.ofBatch(), b.shapes[d], b.shapes[gamma], b.shapes[gamma])
		b.gradient(string(n)+".weight", out[1])
		b.gradient(string(n)+".bias", out[2])
		return out[0], ""
	}
	centred, inv := b.load("u."+string(n)), b.load("inv."+string(n))
	m := float64(b.columns(d))
	s0 := b.sum(d, 1)
	dgamma := b.mul(b.sum(b.mul(d, centred), 1), inv)
	b.gradient(string(n)+".weight", dgamma)
	b.gradient(string(n)+".bias", s0)
	slope := b.scale(b.mul(dgamma, inv), 1/m)
	v = b.sub(b.sub(d, b.mul(centred, slope)), b.scale(s0, 1/m))
	return v, b.mul(gamma, inv)
}
