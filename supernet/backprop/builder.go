package backprop

import (
	"fmt"
	"slices"

	"github.com/binas-tui/binas-tui/kernels"
	"github.com/binas-tui/binas-tui/onnx"
)

// builder writes one graph and knows the shapes of its values. Inputs and outputs
// have keys, by which a network binds its tensors to them:
//
//	x, out, dout, dx       what flows through a segment, and its gradients
//	p:conv_pw.weight       a parameter, cut to what the option uses
//	g:conv_pw.weight       its gradient
//	m:bn1, v:bn1           batch mean and biased variance
//	s:...                  what the backward graph needs of the forward graph
//	keep, mask             drop path and dropout
//
// Values are matrices [channels, positions·batch] unless said otherwise.
type builder struct {
	g         *onnx.Graph
	ins, outs []string
	batch     int
	shapes    map[string][]int // of values
	fused     int              // operators of ONNX Runtime's own so far
	scalars   map[float32]string
	kernels   kernels.Set // whose operators the graph may use

	keep, skip string // what the next normalisation multiplies images by and adds, or gradients by; see segment

	frozen  *frozen      // the weights of a graph in evaluation mode; nil in training
	norms   []batchNorms // of a forward graph
	saved   []savedValue // what a forward graph offers to its backward graph
	forward *builder     // the forward graph of a backward graph
}

// batchNorms are normalisations that share the statistics m: and v: of the first.
type batchNorms struct {
	names []string
	count int // values per channel
}

// savedValue is a value under the key that it may be asked for by.
type savedValue struct{ key, value string }

const microsoft = "com.microsoft" // the domain of ONNX Runtime's own operators

func newBuilder(name string, batch int, set kernels.Set) *builder {
	b := &builder{g: onnx.NewGraph(name), batch: batch, kernels: set, shapes: map[string][]int{}, scalars: map[float32]string{}}
	b.g.Domain(microsoft, 1)
	if b.useKernels() {
		b.g.Domain(set.Domain(), 1)
	}
	return b
}

// input returns the input of a key, which it declares the first time.
func (b *builder) input(key string, shape ...int) string {
	if !slices.Contains(b.ins, key) {
		b.ins = append(b.ins, key)
		b.shaped(b.g.Input(key, shape...), shape)
	}
	return key
}

func (b *builder) output(key, value string) {
	b.outs = append(b.outs, key)
	b.g.Output(value, b.shapes[value]...)
}

// parameter is a matrix of weights.
func (b *builder) parameter(name string, rows, columns int) string {
	if b.frozen != nil {
		return b.constant(name, b.frozen.values(name), rows, columns)
	}
	return b.input("p:"+name, rows, columns)
}

// gradient is the result for a parameter.
func (b *builder) gradient(name, value string) { b.output("g:"+name, value) }

// save offers a value of a forward graph to its backward graph. It leaves the
// graph only if it is asked for.
func (b *builder) save(key, value string) { b.saved = append(b.saved, savedValue{key, value}) }

// load returns, in a backward graph, what the forward graph saved. A value is handed
// over once: under the key by which it leaves the forward graph already, or the first
// that it was saved under.
func (b *builder) load(key string) string {
	f := b.forward
	asked := slices.IndexFunc(f.saved, func(s savedValue) bool { return s.key == key })
	if asked < 0 {
		panic("backprop: nothing is saved as " + key)
	}
	value := f.saved[asked].value
	if slices.Contains(f.ins, value) {
		return b.input(value, f.shapes[value]...)
	}
	if i := slices.IndexFunc(f.g.Outputs(), func(v onnx.Value) bool { return v.Name == value }); i >= 0 {
		return b.input(f.outs[i], f.shapes[value]...)
	}
	first := slices.IndexFunc(f.saved, func(s savedValue) bool { return s.value == value })
	key = "s:" + f.saved[first].key
	f.output(key, value)
	return b.input(key, f.shapes[value]...)
}

// statistics declares the mean and the biased variance of a batch, of count values
// per channel, before the normalisations of these names.
func (b *builder) statistics(mean, variance string, count int, names ...string) {
	b.output("m:"+names[0], mean)
	b.output("v:"+names[0], variance)
	b.norms = append(b.norms, batchNorms{names, count})
}

func (b *builder) shaped(value string, shape []int) string {
	b.shapes[value] = shape
	return value
}

func (b *builder) rows(x string) int    { return b.shapes[x][0] }
func (b *builder) columns(x string) int { return b.shapes[x][1] }

// op adds an operator with one output of the given shape.
func (b *builder) op(op string, shape []int, inputs []string, attrs ...onnx.Attr) string {
	return b.shaped(b.g.Node(op, op, inputs, attrs...), shape)
}

func (b *builder) constant(name string, data []float32, shape ...int) string {
	return b.shaped(b.g.Const(name, data, shape...), shape)
}

func (b *builder) scalar(v float32) string {
	name, ok := b.scalars[v]
	if !ok {
		name = b.constant("scalar", []float32{v}, 1)
		b.scalars[v] = name
	}
	return name
}

func (b *builder) ones(shape ...int) string {
	return b.constant("ones", slices.Repeat([]float32{1}, onnx.Elements(shape)), shape...)
}

func (b *builder) ints(v ...int) string {
	list := make([]int64, len(v))
	for i, x := range v {
		list[i] = int64(x)
	}
	return b.g.ConstInts("ints", list...)
}

// unary is an operator on every value.
func (b *builder) unary(op, x string, attrs ...onnx.Attr) string {
	return b.op(op, b.shapes[x], []string{x}, attrs...)
}

// binary is an operator on every pair of values; sizes of 1 stretch.
func (b *builder) binary(op, x, y string) string {
	long, short := b.shapes[x], b.shapes[y]
	if len(long) < len(short) {
		long, short = short, long
	}
	shape := slices.Clone(long)
	for i, n := range short {
		at := len(long) - len(short) + i
		shape[at] = max(shape[at], n)
	}
	return b.op(op, shape, []string{x, y})
}

func (b *builder) add(x, y string) string { return b.binary("Add", x, y) }
func (b *builder) sub(x, y string) string { return b.binary("Sub", x, y) }
func (b *builder) mul(x, y string) string { return b.binary("Mul", x, y) }

func (b *builder) scale(x string, by float64) string { return b.mul(x, b.scalar(float32(by))) }

// scaled multiplies x by a, which may be empty.
func (b *builder) scaled(x, a string) string {
	if a == "" {
		return x
	}
	return b.mul(x, a)
}

// plus adds y, which may be empty, to x.
func (b *builder) plus(x, y string) string {
	if y == "" {
		return x
	}
	return b.add(x, y)
}

func (b *builder) reshape(x string, shape ...int) string {
	return b.op("Reshape", shape, []string{x, b.ints(shape...)})
}

// resized is the shape of x with another size along an axis.
func (b *builder) resized(x string, axis, size int) []int {
	shape := slices.Clone(b.shapes[x])
	shape[axis] = size
	return shape
}

// sum adds along an axis, which stays as one of size 1.
func (b *builder) sum(x string, axis int) string {
	return b.op("ReduceSum", b.resized(x, axis, 1), []string{x, b.ints(axis)})
}

func (b *builder) mean(x string, axis int) string {
	return b.op("ReduceMean", b.resized(x, axis, 1), []string{x}, onnx.Ints("axes", axis))
}

func (b *builder) concat(axis int, x ...string) string {
	size := 0
	for _, one := range x {
		size += b.shapes[one][axis]
	}
	return b.op("Concat", b.resized(x[0], axis, size), x, onnx.Int("axis", axis))
}

func (b *builder) slice(x string, axis, from, to int) string {
	return b.op("Slice", b.resized(x, axis, to-from), []string{x, b.ints(from), b.ints(to), b.ints(axis)})
}

// gather picks the positions of the index along the second of three axes.
func (b *builder) gather(x string, index []int) string {
	return b.op("Gather", b.resized(x, 1, len(index)), []string{x, b.ints(index...)}, onnx.Int("axis", 1))
}

// matmul is the product of matrices, or of stacks of them.
func (b *builder) matmul(x, y string) string {
	last := len(b.shapes[x]) - 1
	return b.op("MatMul", b.resized(x, last, b.shapes[y][last]), []string{x, y})
}

// gemm is α·op(x)·op(y) + c for matrices; a capital T transposes. c may be empty.
func (b *builder) gemm(x, y, c, trans string, alpha float64) string {
	in := []string{x, y}
	if c != "" {
		in = append(in, c)
	}
	attrs := []onnx.Attr{onnx.Float("alpha", alpha)}
	rows, columns := b.rows(x), b.columns(y)
	if trans[0] == 'T' {
		rows = b.columns(x)
		attrs = append(attrs, onnx.Int("transA", 1))
	}
	if trans[1] == 'T' {
		columns = b.rows(y)
		attrs = append(attrs, onnx.Int("transB", 1))
	}
	return b.op("Gemm", []int{rows, columns}, in, attrs...)
}

// matmulT is the product of stacks of matrices, the second ones transposed.
func (b *builder) matmulT(x, y string) string {
	b.fused++
	out := fmt.Sprintf("matmulT_%d", b.fused)
	b.g.Add(onnx.Node{
		Op: "FusedMatMul", Domain: microsoft, Inputs: []string{x, y}, Outputs: []string{out},
		Attrs: []onnx.Attr{onnx.Int("transB", 1)},
	})
	return b.shaped(out, b.resized(x, 2, b.shapes[y][1]))
}

// step is 1 where x + shift > 0 and 0 elsewhere. HardSigmoid with a huge slope is
// several times faster in ONNX Runtime than comparing and selecting.
func (b *builder) step(x string, shift float64) string {
	const slope = 1e20
	return b.unary("HardSigmoid", x, onnx.Float("alpha", slope), onnx.Float("beta", shift*slope))
}

// below is 1 where x < limit and 0 elsewhere.
func (b *builder) below(x string, limit float64) string {
	const slope = 1e20
	return b.unary("HardSigmoid", x, onnx.Float("alpha", -slope), onnx.Float("beta", limit*slope))
}

// images splits the columns of a map: [channels, positions, batch].
func (b *builder) images(x string) string {
	return b.reshape(x, b.rows(x), b.columns(x)/b.batch, b.batch)
}

// matrix joins what images split.
func (b *builder) matrix(x string) string {
	shape := b.shapes[x]
	return b.reshape(x, shape[0], shape[1]*shape[2])
}

// perImage multiplies every image of a map by numbers [rows, 1, batch].
func (b *builder) perImage(x, by string) string { return b.matrix(b.mul(b.images(x), by)) }
