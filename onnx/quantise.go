package onnx

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Networks are quantised to 8 bits after training, in ONNX's QDQ form: float
// operators between DequantizeLinear and QuantizeLinear, which runtimes fuse to
// integer ones (Jacob et al. 2018, arXiv:1712.05877; Krishnamoorthi 2018,
// arXiv:1806.08342). Activations are uint8 with a zero point, weights int8 without
// one, a scale for each output channel, biases int32.
//
// No value goes back to floats on the way: h-swish is x times a gate of integers
// (see [quantiser.gate]), and so is the gate of squeeze-excite.

// Range is where the values of a tensor lie.
type Range struct {
	Min float32 `json:"min"`
	Max float32 `json:"max"`
}

// AnyRange stands for ranges that are not known, where only latency matters:
// integer operators take as long whatever the values.
func AnyRange(string) (Range, error) { return Range{-4, 4}, nil }

// Calibrated are ranges that were found, by the names of values.
type Calibrated map[string]Range

// Of is the range of a value, for [Graph.Quantised].
func (c Calibrated) Of(value string) (Range, error) {
	if r, ok := c[value]; ok {
		return r, nil
	}
	return Range{}, fmt.Errorf("%s was not calibrated", value)
}

// floatParts begin the names of what stays in floats: the stem and the first
// stages, of few channels on large maps, where integers are slower and less exact.
var floatParts = []string{"conv_stem", "bn1", "act1", "blocks.0.", "blocks.1."}

func inFloats(name string) bool {
	return slices.ContainsFunc(floatParts, func(part string) bool { return strings.HasPrefix(name, part) })
}

// padTo is what the middle channels of quantised blocks are a multiple of:
// depthwise convolutions of other widths are half as fast in integers.
const padTo = 16

// Levels are the 256 values that a tensor is rounded to: Scale·(q-Zero), q from 0 to
// 255.
type Levels struct {
	Scale float32
	Zero  uint8
}

// Ends are the least and the greatest of them.
func (l Levels) Ends() (least, greatest float64) {
	return -float64(l.Zero) * float64(l.Scale), float64(255-int(l.Zero)) * float64(l.Scale)
}

// The levels of gates: written, x in [-3, 3] becomes 0 to 255; read again, that is
// (x+3)/6 to half a level.
var (
	GateWritten = Levels{6.0 / 255, 127}
	GateRead    = Levels{1.0 / 255, 0}
)

// levelsOf are those that cover a range and zero.
func levelsOf(r Range) Levels {
	low, high := math.Min(0, float64(r.Min)), math.Max(0, float64(r.Max))
	if low == high {
		high = 1
	}
	scale := (high - low) / 255
	return Levels{float32(scale), uint8(math.Round(-low / scale))}
}

// quantiser writes dst, the integer form of src.
type quantiser struct {
	src, dst  *Graph
	ranges    func(value string) (Range, error)
	constants map[string]*initialiser // of src
	users     map[string][]string     // operators that use a value
	levels    map[string]Levels       // of values of src
	coded     map[string]string       // the integers of such a value in dst
	made      map[string]string       // the operator on integers that makes a value
	err       error                   // the first; it sticks
}

// Quantised returns the integer form of a network or block whose values lie in
// the given ranges, by the names of the graph's values; it asks for those of
// [Graph.Ranged] alone. Values outside are cut off. The middles of blocks are
// widened to a multiple of 16 channels with zeros, which changes no answer.
// Names of the nodes still begin with those of their blocks.
func (g *Graph) Quantised(ranges func(value string) (Range, error)) (*Graph, error) {
	z := g.quantise(ranges)
	return z.dst, z.err
}

// Levels are those that Quantised rounds the graph's values to, by their names. Values
// that are not among them are not rounded. Those of the bias of a layer whose weights
// are rounded are its input's: it becomes whole multiples of their scale times that of
// its row of weights.
func (g *Graph) Levels(ranges func(value string) (Range, error)) (map[string]Levels, error) {
	z := g.quantise(ranges)
	return z.levels, z.err
}

func (g *Graph) quantise(ranges func(value string) (Range, error)) *quantiser {
	src := g.padded(padTo)
	dst := NewGraph(g.name)
	dst.inputs, dst.metadata = slices.Clone(g.inputs), slices.Clone(g.metadata)
	z := &quantiser{
		src: src, dst: dst, ranges: ranges, constants: src.constants(), users: map[string][]string{},
		levels: map[string]Levels{}, coded: map[string]string{}, made: map[string]string{},
	}
	for _, v := range src.inputs {
		dst.taken[v.Name] = true
	}
	for _, n := range src.nodes {
		for _, in := range n.Inputs {
			z.users[in] = append(z.users[in], n.Op)
		}
	}
	for _, n := range src.nodes {
		z.node(n)
	}
	for _, v := range src.outputs {
		z.output(v)
	}
	if z.err != nil {
		z.dst, z.levels, z.err = nil, nil, fmt.Errorf("quantise %s: %w", g.name, z.err)
	}
	return z
}

// Ranged are the values whose ranges Quantised asks for, in the order of the graph.
func (g *Graph) Ranged() []string {
	var names []string
	g.quantise(func(value string) (Range, error) { // cannot fail
		names = append(names, value)
		return Range{-1, 1}, nil
	})
	return names
}

// Observed is the float graph with the values of [Graph.Ranged] as its outputs.
func (g *Graph) Observed() *Graph {
	c := g.clone()
	c.outputs = nil
	shapes := g.shapes()
	for _, name := range g.Ranged() {
		c.outputs = append(c.outputs, Value{name, Float32, shapes[name]})
	}
	return c
}

// node adds a node of src.
func (z *quantiser) node(n Node) {
	x, out := n.Inputs[0], n.Outputs[0]
	switch {
	case inFloats(out):
		z.float(n)
	case n.Op == "Conv" || n.Op == "Gemm":
		z.emit(n, append([]string{z.decoded(x, out)}, z.weights(n)...)...)
	case (n.Op == "Relu" || n.Op == "Clip") && z.made[x] != "" && z.coded[x] == "" && len(z.users[x]) == 1:
		z.emit(n, append([]string{x}, z.kept(n.Inputs[1:])...)...) // becomes one with what is before it
	case n.Op == "HardSwish":
		z.emit(Node{Op: "Mul", Outputs: n.Outputs}, z.decoded(x, out), z.gate(x, out))
	case n.Op == "HardSigmoid" && z.made[x] != "" && z.coded[x] == "" && len(z.users[x]) == 1:
		z.coded[out] = z.code(x, x+".q", GateWritten)
		z.levels[out] = GateRead
	case n.Op == "Flatten":
		z.levels[out] = z.levelsOf(x)
		z.coded[out] = z.dst.Node(out, n.Op, []string{z.integers(x, out)}, n.Attrs...)
	case n.Op == "Add" || n.Op == "Mul" || n.Op == "GlobalAveragePool":
		var in []string
		for _, v := range n.Inputs {
			in = append(in, z.decoded(v, out))
		}
		z.emit(n, in...)
	default:
		z.float(n)
	}
}

// gate is h-swish's factor, (x+3)/6 kept from 0 to 1, as integers: a change of
// scale that saturates. It is written as the sum of x and 0, for which runtimes have
// an integer operator, with levels that end where h-swish is 0 and x, and read as
// 0 to 1.
func (z *quantiser) gate(x, name string) string {
	zero := z.dequantise(name+".zero", z.dst.bytes(name+".none", Uint8, []byte{0}), Levels{1, 0})
	sum := z.dst.Node(name+".shift", "Add", []string{z.decoded(x, name), zero})
	return z.dequantise(name+".gate", z.code(sum, name+".gate.q", GateWritten), GateRead)
}

// float copies a node.
func (z *quantiser) float(n Node) {
	inputs := z.kept(n.Inputs)
	for i, v := range inputs {
		if z.made[v] != "" || z.coded[v] != "" {
			inputs[i] = z.decoded(v, n.Outputs[0])
		}
	}
	n.Inputs = inputs
	z.dst.Add(n)
}

// kept copies the constants among values, which stay floats, and returns all.
func (z *quantiser) kept(values []string) []string {
	for _, v := range values {
		if c := z.constants[v]; c != nil && !z.dst.taken[v] {
			z.dst.taken[v] = true
			z.dst.initialisers = append(z.dst.initialisers, *c)
		}
	}
	return slices.Clone(values)
}

// emit adds a node on what integers stand for.
func (z *quantiser) emit(n Node, inputs ...string) {
	n.Inputs = inputs
	z.made[n.Outputs[0]] = n.Op
	z.dst.Add(n)
}

// decoded is what the integers of a value stand for, for one use in a node. Values
// are made integers where they come from, floats where they are first used: there
// the time that takes is always one block's.
func (z *quantiser) decoded(value, node string) string {
	return z.dequantise(value+".dq", z.integers(value, node), z.levelsOf(value))
}

// integers are those of a value that a node uses.
func (z *quantiser) integers(value, node string) string {
	if z.coded[value] == "" {
		name := node + ".in"
		if z.made[value] != "" {
			name = value + ".q"
		}
		z.coded[value] = z.code(value, name, z.levelsOf(value))
	}
	return z.coded[value]
}

// levelsOf are the levels of a value by its range. What h-swish is made of need
// not go below -3, where it is 0.
func (z *quantiser) levelsOf(value string) Levels {
	l, ok := z.levels[value]
	if !ok {
		r, err := z.ranges(value)
		if err == nil && !(r.Min <= r.Max && r.Max-r.Min < math.MaxFloat32) {
			err = fmt.Errorf("%s lies between %v and %v: expected a range of finite numbers", value, r.Min, r.Max)
		}
		if err != nil && z.err == nil {
			z.err = err
		}
		switch {
		case slices.Equal(z.users[value], []string{"HardSwish"}):
			r.Min = max(r.Min, -3)
		case z.made[value] == "Relu": // becomes one with its convolution where it adds no bound
			r.Min = 0
		}
		l = levelsOf(r)
		z.levels[value] = l
	}
	return l
}

// bytes adds a constant of elements of a kind.
func (g *Graph) bytes(name string, kind Type, raw []byte, shape ...int) string {
	name = g.unique(name)
	g.initialisers = append(g.initialisers, initialiser{name: name, shape: shape, raw: raw, kind: kind})
	return name
}

// linear adds QuantizeLinear or DequantizeLinear with levels.
func (g *Graph) linear(name, op, value string, l Levels) string {
	scale := g.Const(name+".scale", []float32{l.Scale})
	return g.Node(name, op, []string{value, scale, g.bytes(name+".zero", Uint8, []byte{l.Zero})})
}

// Rounded adds what the levels of a value, written, stand for when they are read as
// others: floats.
func (g *Graph) Rounded(value string, written, read Levels) string {
	return g.linear(value+".rounded", "DequantizeLinear", g.linear(value+".levels", "QuantizeLinear", value, written), read)
}

func (z *quantiser) code(value, name string, l Levels) string {
	return z.dst.linear(name, "QuantizeLinear", value, l)
}

func (z *quantiser) dequantise(name, value string, l Levels) string {
	return z.dst.linear(name, "DequantizeLinear", value, l)
}

// Bounds of what a layer is rounded with: LeastScale is the least scale of a row of
// weights, MostBias the most multiples that a bias is.
const (
	LeastScale = 1e-12
	MostBias   = 1 << 30
)

// weights are weight and bias of a convolution or the classifier: the bias in
// units of what a product of integers stands for. Where weights are so small that a
// bias would not fit, the scale of their channel is larger than they need.
func (z *quantiser) weights(n Node) []string {
	w, b := z.constants[n.Inputs[1]], z.constants[n.Inputs[2]]
	z.levels[n.Inputs[2]] = z.levelsOf(n.Inputs[0])
	in := float64(z.levelsOf(n.Inputs[0]).Scale)
	channels := w.shape[0]
	per := len(w.floats) / channels
	scales, biasScales := make([]float32, channels), make([]float32, channels)
	weight, bias := make([]byte, len(w.floats)), make([]byte, 0, 4*channels)
	for c := range channels {
		largest := 0.0
		for _, v := range w.floats[c*per : (c+1)*per] {
			largest = max(largest, math.Abs(float64(v)))
		}
		scale := max(largest/127, math.Abs(float64(b.floats[c]))/(in*MostBias), LeastScale)
		scales[c] = float32(scale)
		biasScales[c] = float32(float64(scales[c]) * in)
		for i := c * per; i < (c+1)*per; i++ {
			q := math.RoundToEven(float64(w.floats[i]) / float64(scales[c]))
			weight[i] = byte(int8(max(-127, min(127, q))))
		}
		bias = binary.LittleEndian.AppendUint32(bias, uint32(int32(math.RoundToEven(float64(b.floats[c])/float64(biasScales[c])))))
	}
	dequantise := func(name string, inputs ...string) string {
		return z.dst.Node(name, "DequantizeLinear", inputs, Int("axis", 0))
	}
	return []string{
		dequantise(w.name, z.dst.bytes(w.name+".q", Int8, weight, w.shape...), z.dst.Const(w.name+".scale", scales, channels),
			z.dst.bytes(w.name+".zero", Int8, make([]byte, channels), channels)), // QGemm asks for the zeros
		dequantise(b.name, z.dst.bytes(b.name+".q", Int32, bias, b.shape...), z.dst.Const(b.name+".scale", biasScales, channels)),
	}
}

// output declares an output. What the classifier answers stays as exact as it is.
func (z *quantiser) output(v Value) {
	d := z.dst
	if made := z.made[v.Name]; made != "" && made != "Gemm" {
		inner := d.rename(v.Name, v.Name+".value")
		delete(d.taken, v.Name)
		l := z.levelsOf(v.Name)
		z.dequantise(v.Name, z.code(inner, v.Name+".q", l), l)
	}
	d.outputs = append(d.outputs, v)
}

// padded widens the middle of every block that is to be quantised to a multiple of
// n channels, with zeros.
func (g *Graph) padded(n int) *Graph {
	c := g.clone()
	constants := c.constants()
	for i, node := range c.nodes {
		block, depthwise := strings.CutSuffix(node.Outputs[0], ".conv_dw")
		if !depthwise || node.Op != "Conv" || inFloats(node.Outputs[0]) || constants[block+".conv_pwl.weight"] == nil {
			continue
		}
		middle := constants[node.Inputs[1]].shape[0]
		wide := (middle + n - 1) / n * n
		if wide == middle {
			continue
		}
		for name, axis := range map[string]int{
			"conv_pw.weight": 0, "conv_pw.bias": 0, "conv_dw.weight": 0, "conv_dw.bias": 0, "conv_pwl.weight": 1,
			"se.conv_reduce.weight": 1, "se.conv_expand.weight": 0, "se.conv_expand.bias": 0,
		} {
			if t := constants[block+"."+name]; t != nil {
				t.pad(axis, wide)
			}
		}
		c.nodes[i].Attrs = slices.Clone(node.Attrs)
		for j, a := range node.Attrs {
			if a.name == "group" {
				c.nodes[i].Attrs[j] = Int(a.name, wide)
			}
		}
	}
	return c
}

// pad adds zeros at the end of an axis.
func (t *initialiser) pad(axis, size int) {
	inner, outer := Elements(t.shape[axis:]), Elements(t.shape[:axis])
	shape := slices.Clone(t.shape)
	shape[axis] = size
	padded := make([]float32, Elements(shape))
	for i := range outer {
		copy(padded[i*Elements(shape[axis:]):], t.floats[i*inner:(i+1)*inner])
	}
	t.shape, t.floats = shape, padded
}

func (g *Graph) clone() *Graph {
	c := *g
	c.nodes, c.initialisers = slices.Clone(g.nodes), slices.Clone(g.initialisers)
	c.inputs, c.outputs, c.metadata = slices.Clone(g.inputs), slices.Clone(g.outputs), slices.Clone(g.metadata)
	c.taken, c.domains = maps.Clone(g.taken), maps.Clone(g.domains)
	return &c
}

func (g *Graph) constants() map[string]*initialiser {
	m := map[string]*initialiser{}
	for i := range g.initialisers {
		m[g.initialisers[i].name] = &g.initialisers[i]
	}
	return m
}

// shapes are those of the values of a graph of layers.
func (g *Graph) shapes() map[string][]int {
	shapes, constants := map[string][]int{}, g.constants()
	for _, v := range g.inputs {
		shapes[v.Name] = v.Shape
	}
	for _, n := range g.nodes {
		out := slices.Clone(shapes[n.Inputs[0]])
		switch n.Op {
		case "Conv":
			out[1] = constants[n.Inputs[1]].shape[0]
			for _, a := range n.Attrs {
				if a.name == "strides" { // the padding is half the kernel
					stride := int(a.list[0])
					out[2], out[3] = (out[2]+stride-1)/stride, (out[3]+stride-1)/stride
				}
			}
		case "GlobalAveragePool":
			out[2], out[3] = 1, 1
		case "Flatten":
			out = out[:2]
		case "Gemm":
			out[1] = constants[n.Inputs[1]].shape[0]
		}
		shapes[n.Outputs[0]] = out
	}
	return shapes
}
