package kernels_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/needed"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/kernels"
	"github.com/binas-tui/binas-tui/onnx"
)

// matrix is an input or output of an operator. One without data is left out.
type matrix struct {
	rows, columns int
	data          []float32
}

func random(r *rand.Rand, rows, columns int, spread, centre float64) matrix {
	m := matrix{rows, columns, make([]float32, rows*columns)}
	for i := range m.data {
		m.data[i] = float32(centre + spread*r.NormFloat64())
	}
	return m
}

// compute runs one operator in a session of its own.
func compute(set kernels.Set, threads int, op string, attrs []onnx.Attr, in []matrix, out ...matrix) ([][]float32, error) {
	g := onnx.NewGraph(op)
	g.Domain(set.Domain(), 1)
	node := onnx.Node{Op: op, Domain: set.Domain(), Attrs: attrs}
	var tensors, results []*onnx.Tensor
	for i, m := range in {
		if m.data == nil {
			node.Inputs = append(node.Inputs, "")
			continue
		}
		node.Inputs = append(node.Inputs, g.Input(fmt.Sprintf("in%d", i), m.rows, m.columns))
		tensor, err := onnx.NewTensor(m.data, m.rows, m.columns)
		if err != nil {
			return nil, err
		}
		defer tensor.Close()
		tensors = append(tensors, tensor)
	}
	for i := range out {
		node.Outputs = append(node.Outputs, fmt.Sprintf("out%d", i))
	}
	g.Add(node)
	var data [][]float32
	for i, m := range out {
		g.Output(node.Outputs[i], m.rows, m.columns)
		tensor, err := onnx.NewTensor(nil, m.rows, m.columns)
		if err != nil {
			return nil, err
		}
		defer tensor.Close()
		for j := range tensor.Data {
			tensor.Data[j] = float32(math.NaN()) // what is not written shows
		}
		results, data = append(results, tensor), append(data, tensor.Data)
	}
	s, err := onnx.NewSession(g.Marshal(), onnx.SessionOptions{Threads: threads, Kernels: set})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return data, s.RunTensors(context.Background(), tensors, results)
}

func mustCompute(t *testing.T, set kernels.Set, op string, attrs []onnx.Attr, in []matrix, out ...matrix) [][]float32 {
	t.Helper()
	got, err := compute(set, 2, op, attrs, in, out...)
	if err != nil {
		t.Fatalf("%s: %v", op, err)
	}
	return got
}

// eachSet runs a test with every set of this machine.
func eachSet(t *testing.T, test func(t *testing.T, set kernels.Set)) {
	onnxtest.Require(t)
	if _, why, err := onnx.Kernels(); err != nil {
		t.Fatal(err)
	} else if why != "" {
		needed.Missing(t, errors.New(why))
	}
	for _, set := range kernels.Available() {
		t.Run(string(set), func(t *testing.T) { test(t, set) })
	}
}

// near compares to a tolerance relative to the largest value, where that is not
// tiny: gradients before a normalisation cancel.
func near(t *testing.T, what string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	worst, largest := 0.0, 0.1
	for i, w := range want {
		worst = max(worst, math.Abs(float64(got[i])-w)) // NaN stays
		largest = max(largest, math.Abs(w))
	}
	if !(worst <= tolerance*largest) {
		t.Errorf("%s: off by %.3g of %.3g", what, worst, largest)
	}
}

// Activations as attributes.
const (
	none = iota
	relu
	hswish
)

func activate(act int, x float64) (value, slope float64) {
	switch {
	case act == relu && x <= 0, act == hswish && x <= -3:
		return 0, 0
	case act == hswish && x < 3:
		return x * (x + 3) / 6, x/3 + 0.5
	}
	return x, 1
}

// block is a depthwise convolution with what is around it, in plain loops.
type block struct {
	channels, kernel, stride, side, batch int
	in, out                               int // activations
	h, w, gamma, beta                     matrix
	y, mean, variance, pool               []float64
	u, z                                  []float64
}

func (b *block) sideOut() int { return (b.side-1)/b.stride + 1 }
func (b *block) m() int       { return b.side * b.side * b.batch }
func (b *block) mOut() int    { return b.sideOut() * b.sideOut() * b.batch }

func (b *block) attrs() []onnx.Attr {
	return []onnx.Attr{
		onnx.Int("kernel", b.kernel), onnx.Int("stride", b.stride), onnx.Int("side", b.side), onnx.Int("batch", b.batch),
		onnx.Int("act_in", b.in), onnx.Int("act_out", b.out),
	}
}

// reads visits the pairs of values that a weight joins.
func (b *block) reads(c int, visit func(out, in, weight int)) {
	so, half := b.sideOut(), b.kernel/2
	for y := range so {
		for x := range so {
			for k := range b.kernel * b.kernel {
				iy, ix := y*b.stride+k/b.kernel-half, x*b.stride+k%b.kernel-half
				if iy < 0 || ix < 0 || iy >= b.side || ix >= b.side {
					continue
				}
				for n := range b.batch {
					visit(c*b.mOut()+(y*so+x)*b.batch+n, c*b.m()+(iy*b.side+ix)*b.batch+n, c*b.kernel*b.kernel+k)
				}
			}
		}
	}
}

func (b *block) forward() {
	mo := b.mOut()
	b.u, b.z, b.y = make([]float64, b.channels*mo), make([]float64, b.channels*mo), make([]float64, b.channels*mo)
	b.mean, b.variance, b.pool = make([]float64, b.channels), make([]float64, b.channels), make([]float64, b.channels*b.batch)
	for c := range b.channels {
		b.reads(c, func(out, in, weight int) {
			a, _ := activate(b.in, float64(b.h.data[in]))
			b.u[out] += a * float64(b.w.data[weight])
		})
		for i := c * mo; i < (c+1)*mo; i++ {
			b.mean[c] += b.u[i] / float64(mo)
		}
		for i := c * mo; i < (c+1)*mo; i++ {
			b.variance[c] += (b.u[i] - b.mean[c]) * (b.u[i] - b.mean[c]) / float64(mo)
		}
		for i := c * mo; i < (c+1)*mo; i++ {
			b.z[i] = (b.u[i]-b.mean[c])/math.Sqrt(b.variance[c]+1e-5)*float64(b.gamma.data[c]) + float64(b.beta.data[c])
			b.y[i], _ = activate(b.out, b.z[i])
			b.pool[c*b.batch+i%b.batch] += b.y[i] / float64(mo/b.batch)
		}
	}
}

// nearEdge reports a value at which the slope of the activation jumps.
func (b *block) nearEdge() bool {
	edges := [][]float64{nil, {0}, {-3, 3}}[b.out]
	return slices.ContainsFunc(b.z, func(z float64) bool {
		return slices.ContainsFunc(edges, func(e float64) bool { return math.Abs(z-e) < 2e-5 })
	})
}

// backward returns the gradients of h, w, γ and β.
func (b *block) backward(dy, gate, dpool matrix) (dh, dw, dgamma, dbeta []float64) {
	mo := b.mOut()
	dh, dw = make([]float64, len(b.h.data)), make([]float64, len(b.w.data))
	dgamma, dbeta = make([]float64, b.channels), make([]float64, b.channels)
	for c := range b.channels {
		inverse := 1 / math.Sqrt(b.variance[c]+1e-5)
		dz := map[int]float64{}
		for i := c * mo; i < (c+1)*mo; i++ {
			d := float64(dy.data[i])
			if gate.data != nil {
				d *= float64(gate.data[c*b.batch+i%b.batch])
			}
			if dpool.data != nil {
				d += float64(dpool.data[c*b.batch+i%b.batch])
			}
			_, slope := activate(b.out, b.z[i])
			dz[i] = d * slope
			dbeta[c] += dz[i]
			dgamma[c] += dz[i] * (b.u[i] - b.mean[c]) * inverse
		}
		b.reads(c, func(out, in, weight int) {
			du := float64(b.gamma.data[c]) * inverse * (dz[out] - dbeta[c]/float64(mo) - (b.u[out]-b.mean[c])*inverse*dgamma[c]/float64(mo))
			a, slope := activate(b.in, float64(b.h.data[in]))
			dw[weight] += du * a
			dh[in] += du * float64(b.w.data[weight]) * slope
		})
	}
	return dh, dw, dgamma, dbeta
}

func randomBlock(r *rand.Rand) *block {
	pick := func(v ...int) int { return v[r.IntN(len(v))] }
	for {
		b := &block{
			channels: pick(1, 3, 5), kernel: pick(3, 5), stride: pick(1, 2), side: pick(1, 2, 3, 4, 7, 8, 12), batch: pick(2, 3, 6, 8, 16, 20, 33, 64),
			in: r.IntN(3), out: r.IntN(3),
		}
		b.h, b.w = random(r, b.channels, b.m(), 2, 0.3), random(r, b.channels, b.kernel*b.kernel, 0.4, 0)
		b.gamma, b.beta = random(r, b.channels, 1, 0.3, 1), random(r, b.channels, 1, 0.5, 0)
		if b.forward(); !b.nearEdge() {
			return b
		}
	}
}

func TestDepthwiseIsItsEquations(t *testing.T) {
	eachSet(t, func(t *testing.T, set kernels.Set) {
		r := rand.New(rand.NewPCG(1, 2))
		for i := range 120 {
			b := randomBlock(r)
			name := fmt.Sprintf("kernel %d stride %d side %d batch %d activations %d %d: ", b.kernel, b.stride, b.side, b.batch, b.in, b.out)
			c, map_, result := b.channels, matrix{b.channels, b.m(), nil}, matrix{b.channels, b.mOut(), nil}
			got := mustCompute(t, set, "Depthwise", b.attrs(), []matrix{b.h, b.w, b.gamma, b.beta}, result, matrix{c, 1, nil}, matrix{c, 1, nil}, matrix{c, b.batch, nil})
			for j, want := range [][]float64{b.y, b.mean, b.variance, b.pool} {
				near(t, name+[]string{"y", "mean", "variance", "pool"}[j], got[j], want, 3e-5)
			}
			in := []matrix{b.h, b.w, b.gamma, b.beta, {c, 1, got[1]}, {c, 1, got[2]}, random(r, c, b.mOut(), 1, 0)}
			var gate, dpool matrix
			if i%3 > 0 {
				gate = random(r, c, b.batch, 0.3, 0.5)
			}
			if i%3 > 1 {
				dpool = random(r, c, b.batch, 0.3, 0)
			}
			got = mustCompute(t, set, "DepthwiseGradient", b.attrs(), append(in, gate, dpool), map_, matrix{c, b.w.columns, nil}, matrix{c, 1, nil}, matrix{c, 1, nil})
			dh, dw, dgamma, dbeta := b.backward(in[6], gate, dpool)
			for j, want := range [][]float64{dh, dw, dgamma, dbeta} {
				near(t, name+[]string{"dh", "dw", "dγ", "dβ"}[j], got[j], want, 2e-4)
			}
			if t.Failed() {
				return
			}
		}
	})
}

// Without normalisation the convolution has a bias alone.
func TestPlainDepthwise(t *testing.T) {
	eachSet(t, func(t *testing.T, set kernels.Set) {
		b := randomBlock(rand.New(rand.NewPCG(3, 4)))
		c := b.channels
		got := mustCompute(t, set, "Depthwise", append(b.attrs(), onnx.Int("plain", 1)), []matrix{b.h, b.w, b.gamma, b.beta}, matrix{c, b.mOut(), nil}, matrix{c, 1, nil}, matrix{c, 1, nil}, matrix{c, b.batch, nil})
		want := make([]float64, len(b.u))
		for i, u := range b.u {
			want[i], _ = activate(b.out, u+float64(b.beta.data[i/b.mOut()]))
		}
		near(t, "y", got[0], want, 1e-5)
	})
}

func TestElementwiseOperators(t *testing.T) {
	eachSet(t, func(t *testing.T, set kernels.Set) {
		r := rand.New(rand.NewPCG(5, 6))
		for _, size := range [][3]int{{3, 5, 7}, {2, 4, 64}, {4, 700, 33}, {1, 1, 2}, {5, 36, 8}} {
			c, batch := size[0], size[2]
			m := size[1] * batch
			attrs := []onnx.Attr{onnx.Int("batch", batch)}
			u, d, x := random(r, c, m, 2, 5), random(r, c, m, 1, 0.2), random(r, c, m, 1, 0)
			gamma, beta, gate := random(r, c, 1, 0.3, 1), random(r, c, 1, 1, 0), random(r, c, batch, 1, 0)
			wide, narrow := matrix{c, m, nil}, matrix{c, 1, nil}

			got := mustCompute(t, set, "Gate", attrs, []matrix{u, gate}, wide)
			want, sums := make([]float64, c*m), make([]float64, c*batch)
			for i, v := range u.data {
				want[i] = float64(v) * float64(gate.data[i/m*batch+i%batch])
				sums[i/m*batch+i%batch] += float64(v) * float64(d.data[i])
			}
			near(t, "Gate", got[0], want, 1e-6)
			near(t, "GateGradient", mustCompute(t, set, "GateGradient", attrs, []matrix{d, u}, matrix{c, batch, nil})[0], sums, 1e-5)

			for i, v := range x.data {
				want[i], _ = activate(hswish, float64(v)*3)
				x.data[i] = v * 3
			}
			near(t, "HardSwish", mustCompute(t, set, "HardSwish", nil, []matrix{x}, wide)[0], want, 1e-6)
			for i, v := range x.data {
				_, slope := activate(hswish, float64(v))
				want[i] = float64(d.data[i]) * slope
			}
			near(t, "HardSwishGradient", mustCompute(t, set, "HardSwishGradient", nil, []matrix{d, x}, wide)[0], want, 1e-6)

			mean, variance, s0, s1 := make([]float64, c), make([]float64, c), make([]float64, c), make([]float64, c)
			for i, v := range u.data {
				mean[i/m] += float64(v) / float64(m)
			}
			for i, v := range u.data {
				variance[i/m] += (float64(v) - mean[i/m]) * (float64(v) - mean[i/m]) / float64(m)
			}
			normal := func(i int) float64 { return (float64(u.data[i]) - mean[i/m]) / math.Sqrt(variance[i/m]+1e-5) }
			for i := range u.data {
				want[i] = normal(i)*float64(gamma.data[i/m]) + float64(beta.data[i/m])
				s0[i/m] += float64(d.data[i])
				s1[i/m] += float64(d.data[i]) * normal(i)
			}
			got = mustCompute(t, set, "Normalise", nil, []matrix{u, gamma, beta}, wide, narrow, narrow)
			near(t, "Normalise", got[0], want, 1e-5)
			near(t, "mean", got[1], mean, 1e-6)
			near(t, "variance", got[2], variance, 1e-5)
			for i := range want {
				want[i] = float64(gamma.data[i/m]) / math.Sqrt(variance[i/m]+1e-5) * (float64(d.data[i]) - s0[i/m]/float64(m) - normal(i)*s1[i/m]/float64(m))
			}
			got = mustCompute(t, set, "NormaliseGradient", nil, []matrix{d, u, gamma, {c, 1, got[1]}, {c, 1, got[2]}}, wide, narrow, narrow)
			near(t, "du", got[0], want, 1e-5)
			near(t, "dγ", got[1], s1, 1e-5)
			near(t, "dβ", got[2], s0, 1e-5)

			got = mustCompute(t, set, "Normalise", []onnx.Attr{onnx.Int("ones", 1)}, []matrix{u}, matrix{c + 1, m, nil}, narrow, narrow)
			centred := slices.Repeat([]float64{1}, (c+1)*m)
			for i := range u.data {
				centred[i] = float64(u.data[i]) - mean[i/m]
			}
			near(t, "centred, and ones", got[0], centred, 1e-6)
			near(t, "mean", got[1], mean, 1e-6)

			keep := random(rand.New(rand.NewPCG(17, 18)), 1, batch, 1, 0)
			kept, wide2 := matrix{c, m, make([]float32, c*m)}, make([]float64, c*m)
			for i := range wide2 {
				kept.data[i] = d.data[i] * keep.data[i%batch]
				wide2[i] = (normal(i)*float64(gamma.data[i/m])+float64(beta.data[i/m]))*float64(keep.data[i%batch]) + float64(x.data[i])
			}
			near(t, "Normalise of kept images", mustCompute(t, set, "Normalise", attrs, []matrix{u, gamma, beta, keep, x}, wide, narrow, narrow)[0], wide2, 1e-5)
			plain := mustCompute(t, set, "NormaliseGradient", attrs, []matrix{kept, u, gamma, {c, 1, single(mean)}, {c, 1, single(variance)}}, wide, narrow, narrow)
			got = mustCompute(t, set, "NormaliseGradient", attrs, []matrix{d, u, gamma, {c, 1, single(mean)}, {c, 1, single(variance)}, keep}, wide, narrow, narrow)
			for i := range got {
				near(t, "NormaliseGradient of kept images", got[i], double(plain[i]), 1e-5)
			}
		}
	})
}

func single(v []float64) []float32 {
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(x)
	}
	return out
}

func double(v []float32) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

// A product with a gate is that of what the gate makes.
func TestGatedProducts(t *testing.T) {
	eachSet(t, func(t *testing.T, set kernels.Set) {
		r := rand.New(rand.NewPCG(15, 16))
		for _, size := range [][4]int{{1, 1, 1, 1}, {7, 5, 9, 7}, {25, 13, 100, 8}, {40, 31, 13, 64}, {9, 25, 33, 20}, {8, 400, 5, 33}, {5, 3, 3, 768}, {7, 6, 800, 2}} {
			rows, depth, batch := size[0], size[1], size[3]
			width := size[2] * batch
			a, b, gate, c := random(r, rows, depth, 1, 0), random(r, depth, width, 1, 0), random(r, depth, batch, 1, 0), random(r, rows, width, 1, 0)
			gated := func(k, j int) float64 { return float64(b.data[k*width+j]) * float64(gate.data[k*batch+j%batch]) }
			want, outer := make([]float64, rows*width), make([]float64, depth*rows)
			for i := range rows {
				for j := range width {
					for k := range depth {
						want[i*width+j] += float64(a.data[i*depth+k]) * gated(k, j)
						outer[k*rows+i] += float64(c.data[i*width+j]) * gated(k, j)
					}
				}
			}
			attrs := []onnx.Attr{onnx.Int("batch", batch)}
			near(t, fmt.Sprint("Product ", size), mustCompute(t, set, "Product", attrs, []matrix{a, b, {}, gate}, matrix{rows, width, nil})[0], want, 2e-5)
			near(t, fmt.Sprint("OuterProduct ", size), mustCompute(t, set, "OuterProduct", attrs, []matrix{b, c, gate}, matrix{depth, rows, nil})[0], outer, 2e-5)
			got := mustCompute(t, set, "OuterProduct", append(attrs, onnx.Int("transposed", 1)), []matrix{b, c, gate}, matrix{rows, depth, nil})[0]
			for i := range rows {
				for k := range depth {
					near(t, fmt.Sprint("OuterProduct, transposed ", size), got[i*depth+k:][:1], outer[k*rows+i:][:1], 1e-3)
				}
			}
		}
	})
}

func TestProduct(t *testing.T) {
	eachSet(t, func(t *testing.T, set kernels.Set) {
		r := rand.New(rand.NewPCG(7, 8))
		for _, size := range [][3]int{{1, 1, 1}, {7, 5, 63}, {6, 12, 256}, {16, 33, 257}, {40, 3, 1030}, {100, 11, 11008}} {
			rows, depth, width := size[0], size[1], size[2]
			for form := range 4 {
				a, b, plus := random(r, rows, depth, 1, 0), random(r, depth, width, 1, 0), matrix{}
				at, alpha := func(i, k int) float32 { return a.data[i*depth+k] }, 1.0
				attrs := []onnx.Attr{}
				if form%2 == 1 {
					a.rows, a.columns = depth, rows
					at, attrs = func(i, k int) float32 { return a.data[k*rows+i] }, append(attrs, onnx.Int("transposed", 1))
				}
				if form > 1 {
					plus, alpha, attrs = random(r, rows, width, 1, 0), -1, append(attrs, onnx.Int("negative", 1))
				}
				want := make([]float64, rows*width)
				for i := range rows {
					for j := range width {
						sum := 0.0
						for k := range depth {
							sum += float64(at(i, k)) * float64(b.data[k*width+j])
						}
						if want[i*width+j] = alpha * sum; plus.data != nil {
							want[i*width+j] += float64(plus.data[i*width+j])
						}
					}
				}
				got := mustCompute(t, set, "Product", attrs, []matrix{a, b, plus}, matrix{rows, width, nil})
				near(t, fmt.Sprint(size, form), got[0], want, 1e-5)
			}
		}
	})
}

// The number of threads changes no bit.
func TestThreadsChangeNothing(t *testing.T) {
	eachSet(t, func(t *testing.T, set kernels.Set) {
		r := rand.New(rand.NewPCG(9, 10))
		b := &block{channels: 70, kernel: 5, stride: 2, side: 9, batch: 6, in: relu, out: hswish}
		b.h, b.w = random(r, 70, b.m(), 1, 0), random(r, 70, 25, 1, 0)
		b.gamma, b.beta = random(r, 70, 1, 1, 0), random(r, 70, 1, 1, 0)
		var first [][]float32
		for _, threads := range []int{1, 2, 5} {
			got, err := compute(set, threads, "Depthwise", b.attrs(), []matrix{b.h, b.w, b.gamma, b.beta}, matrix{70, b.mOut(), nil}, matrix{70, 1, nil}, matrix{70, 1, nil}, matrix{70, 6, nil})
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = got
			}
			for i := range got {
				if !slices.Equal(got[i], first[i]) {
					t.Errorf("output %d differs with %d threads", i, threads)
				}
			}
		}
	})
}

// A value that is no number spoils its channel, forward and backward, and no other.
func TestNaNIsReported(t *testing.T) {
	eachSet(t, func(t *testing.T, set kernels.Set) {
		for act := range 3 {
			for _, at := range []int{0, 130, 4*4*9 - 1} {
				r := rand.New(rand.NewPCG(11, 12))
				b := &block{channels: 3, kernel: 3, stride: 1, side: 4, batch: 9, in: act, out: act}
				b.h, b.w = random(r, 3, b.m(), 1, 0), random(r, 3, 9, 1, 0)
				b.gamma, b.beta = random(r, 3, 1, 0.1, 1), random(r, 3, 1, 1, 0)
				b.h.data[b.m()+at] = float32(math.NaN())
				wide, narrow := matrix{3, b.m(), nil}, matrix{3, 1, nil}
				got := mustCompute(t, set, "Depthwise", b.attrs(), []matrix{b.h, b.w, b.gamma, b.beta}, wide, narrow, narrow, matrix{3, 9, nil})
				in := []matrix{b.h, b.w, b.gamma, b.beta, {3, 1, got[1]}, {3, 1, got[2]}, random(r, 3, b.m(), 1, 0)}
				back := mustCompute(t, set, "DepthwiseGradient", b.attrs(), in, wide, matrix{3, 9, nil}, narrow, narrow)
				for i, values := range append(got, back[1:3]...) { // dh is 0 where the activation is flat, dβ asks for no z
					for c := range 3 {
						part := values[c*len(values)/3 : (c+1)*len(values)/3]
						if isNaN := slices.ContainsFunc(part, func(v float32) bool { return v != v }); isNaN != (c == 1) {
							t.Errorf("activation %d, NaN at %d: output %d of channel %d has NaN: %v", act, at, i, c, isNaN)
						}
					}
				}
			}
		}
	})
}

func TestWrongShapesAreRefused(t *testing.T) {
	eachSet(t, func(t *testing.T, set kernels.Set) {
		r := rand.New(rand.NewPCG(13, 14))
		b := &block{channels: 2, kernel: 3, stride: 1, side: 3, batch: 4}
		good := func() []matrix {
			return []matrix{random(r, 2, b.m(), 1, 0), random(r, 2, 9, 1, 0), random(r, 2, 1, 1, 0), random(r, 2, 1, 1, 0)}
		}
		run := func(change func(*block, []matrix)) error {
			one, in := *b, good()
			change(&one, in)
			_, err := compute(set, 1, "Depthwise", one.attrs(), in, matrix{2, b.m(), nil}, matrix{2, 1, nil}, matrix{2, 1, nil}, matrix{2, 4, nil})
			return err
		}
		if err := run(func(*block, []matrix) {}); err != nil {
			t.Fatal(err)
		}
		for want, change := range map[string]func(*block, []matrix){
			"another size than its side": func(b *block, _ []matrix) { b.side = 2 },
			"a kernel of 3 or 5":         func(b *block, _ []matrix) { b.kernel = 7 },
			"a stride of 1 or 2":         func(b *block, _ []matrix) { b.stride = 3 },
			"a batch of images":          func(b *block, _ []matrix) { b.batch = -4 },
			"an input has another size":  func(_ *block, in []matrix) { in[1] = random(r, 2, 8, 1, 0) },
		} {
			if err := run(change); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, expected an error with %q", err, want)
			}
		}
		_, err := compute(set, 1, "Product", nil, []matrix{random(r, 2, 3, 1, 0), random(r, 4, 5, 1, 0)}, matrix{2, 5, nil})
		if err == nil || !strings.Contains(err.Error(), "do not fit") {
			t.Errorf("got %v, expected an error about sizes", err)
		}
	})
}

// Operators belong to one library, and to sets that this machine runs.
func TestRegisterErrors(t *testing.T) {
	onnxtest.Require(t)
	if err := kernels.Open("another library"); !errors.Is(err, kernels.ErrUnavailable) {
		t.Errorf("another library: got %v, expected ErrUnavailable", err)
	}
	for _, set := range []kernels.Set{kernels.Off, "", "fast"} {
		if err := kernels.Register(set, nil); !errors.Is(err, kernels.ErrUnavailable) {
			t.Errorf("%q: got %v, expected ErrUnavailable", set, err)
		}
	}
}

func TestChoose(t *testing.T) {
	available := kernels.Available()
	for name, want := range map[string]error{"off": nil, "fast": kernels.ErrUnavailable, "": nil} {
		t.Setenv(kernels.Environment, name)
		got, err := kernels.Choose()
		if !errors.Is(err, want) || err != nil && want == nil {
			t.Errorf("%q: got %v, expected %v", name, err, want)
		}
		if name == "off" && got != kernels.Off || name == "" && len(available) > 0 && got != available[len(available)-1] {
			t.Errorf("%q: got %s", name, got)
		}
	}
	for _, set := range []kernels.Set{kernels.Portable, kernels.AVX2, kernels.AVX512} {
		t.Setenv(kernels.Environment, string(set))
		got, err := kernels.Choose()
		if slices.Contains(available, set) {
			if got != set || err != nil {
				t.Errorf("%s: got %s, %v", set, got, err)
			}
		} else if !errors.Is(err, kernels.ErrUnavailable) {
			t.Errorf("%s: got %v, expected ErrUnavailable", set, err)
		}
	}
}
