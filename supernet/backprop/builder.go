package backprop

import (
	"fmt"

	"github.com/binas-tui/binas-tui/onnx"
)

// builder writes one graph. Inputs and outputs have keys, by which a network
// binds its buffers to them:
//
//	x, out, dout, dx       what flows through a segment, and its gradients
//	p:conv_pw.weight       a parameter, cut to what the option uses
//	g:conv_pw.weight       its gradient
//	m:bn1, v:bn1           batch mean and biased variance
//	s:...                  what the forward pass keeps for the backward pass
//	keep, mask             drop path and dropout
//
// Values are matrices [channels, positions·batch] unless said otherwise.
type builder struct {
	g         *onnx.Graph
	ins, outs []string
	batch     int
	fused     int // operators of ONNX Runtime's own so far
	scalars   map[float32]string
}

const microsoft = "com.microsoft" // the domain of ONNX Runtime's own operators

func newBuilder(name string, batch int) *builder {
	b := &builder{g: onnx.NewGraph(name), batch: batch, scalars: map[float32]string{}}
	b.g.Domain(microsoft, 1)
	return b
}

func (b *builder) input(key string, shape ...int) string {
	b.ins = append(b.ins, key)
	return b.g.Input(key, shape...)
}

func (b *builder) output(key, value string, shape ...int) {
	b.outs = append(b.outs, key)
	b.g.Output(value, shape...)
}

// op adds an operator with one output.
func (b *builder) op(op string, inputs []string, attrs ...onnx.Attr) string {
	return b.g.Node(op, op, inputs, attrs...)
}

func (b *builder) scalar(v float32) string {
	if name, ok := b.scalars[v]; ok {
		return name
	}
	name := b.g.Const("scalar", []float32{v})
	b.scalars[v] = name
	return name
}

func (b *builder) ints(v ...int) string {
	list := make([]int64, len(v))
	for i, x := range v {
		list[i] = int64(x)
	}
	return b.g.ConstInts("ints", list...)
}

func (b *builder) add(x, y string) string { return b.op("Add", []string{x, y}) }
func (b *builder) sub(x, y string) string { return b.op("Sub", []string{x, y}) }
func (b *builder) mul(x, y string) string { return b.op("Mul", []string{x, y}) }

func (b *builder) scale(x string, by float64) string { return b.mul(x, b.scalar(float32(by))) }

func (b *builder) reshape(x string, shape ...int) string {
	return b.op("Reshape", []string{x, b.ints(shape...)})
}

// sum adds along an axis, which stays as one of size 1.
func (b *builder) sum(x string, axis int) string {
	return b.op("ReduceSum", []string{x, b.ints(axis)})
}

func (b *builder) mean(x string, axis int) string {
	return b.op("ReduceMean", []string{x}, onnx.Ints("axes", axis))
}

func (b *builder) concat(axis int, x ...string) string {
	return b.op("Concat", x, onnx.Int("axis", axis))
}

func (b *builder) slice(x string, axis, from, to int) string {
	return b.op("Slice", []string{x, b.ints(from), b.ints(to), b.ints(axis)})
}

func (b *builder) matmul(x, y string) string { return b.op("MatMul", []string{x, y}) }

// gemm is α·op(x)·op(y) + c for matrices; a capital T transposes. c may be empty.
func (b *builder) gemm(x, y, c, trans string, alpha float64) string {
	in := []string{x, y}
	if c != "" {
		in = append(in, c)
	}
	attrs := []onnx.Attr{onnx.Float("alpha", alpha)}
	if trans[0] == 'T' {
		attrs = append(attrs, onnx.Int("transA", 1))
	}
	if trans[1] == 'T' {
		attrs = append(attrs, onnx.Int("transB", 1))
	}
	return b.op("Gemm", in, attrs...)
}

// matmulT is the product of stacks of matrices, the second ones transposed.
func (b *builder) matmulT(x, y string) string {
	b.fused++
	out := fmt.Sprintf("matmulT_%d", b.fused)
	b.g.Add(onnx.Node{
		Op: "FusedMatMul", Domain: microsoft, Inputs: []string{x, y}, Outputs: []string{out},
		Attrs: []onnx.Attr{onnx.Int("transB", 1)},
	})
	return out
}

// step is 1 where x + shift > 0 and 0 elsewhere. HardSigmoid with a huge slope is
// several times faster in ONNX Runtime than comparing and selecting.
func (b *builder) step(x string, shift float64) string {
	const slope = 1e20
	return b.op("HardSigmoid", []string{x}, onnx.Float("alpha", slope), onnx.Float("beta", shift*slope))
}

// below is 1 where x < limit and 0 elsewhere.
func (b *builder) below(x string, limit float64) string {
	const slope = 1e20
	return b.op("HardSigmoid", []string{x}, onnx.Float("alpha", -slope), onnx.Float("beta", limit*slope))
}
