package onnx

import (
	"fmt"
	"strconv"
)

// What a [Graph] declares it is written in.
const (
	IRVersion    = 8  // of the ONNX file format
	OpsetVersion = 17 // of the standard operators
)

// Type is the element type of a tensor, with ONNX's own numbers.
type Type int32

// The element types a Graph can hold.
const (
	Float32 Type = 1
	Uint8   Type = 2
	Int8    Type = 3
	Int32   Type = 6
	Int64   Type = 7
	Float16 Type = 10
)

// String returns ONNX's name of the type.
func (t Type) String() string {
	switch t {
	case Float32:
		return "float"
	case Uint8:
		return "uint8"
	case Int8:
		return "int8"
	case Int32:
		return "int32"
	case Int64:
		return "int64"
	case Float16:
		return "float16"
	}
	return "type " + strconv.Itoa(int(t))
}

// Batch stands in a shape for a size that is only known when the network runs.
const Batch = -1

// Value names a tensor that enters or leaves a graph.
type Value struct {
	Name  string
	Type  Type
	Shape []int // Batch where the size is open
}

// Node is one operator of a graph.
type Node struct {
	Op      string
	Domain  string // empty: the standard operators
	Inputs  []string
	Outputs []string
	Attrs   []Attr
}

// initialiser is a constant tensor; exactly one of the slices is used.
type initialiser struct {
	name   string
	shape  []int
	floats []float32
	ints   []int64
	raw    []byte // little endian, of elements of kind
	kind   Type
}

// Graph is an ONNX model under construction. Methods that add something return
// the name of the value they made, to be used as the input of later nodes.
// Nodes must be added in an order in which every input exists already.
// Use [NewGraph].
type Graph struct {
	name         string
	nodes        []Node
	initialisers []initialiser
	inputs       []Value
	outputs      []Value
	metadata     [][2]string
	domains      map[string]int64
	taken        map[string]bool
}

// NewGraph returns an empty graph.
func NewGraph(name string) *Graph {
	return &Graph{name: name, domains: map[string]int64{}, taken: map[string]bool{}}
}

// Domain declares a set of operators beside the standard one.
func (g *Graph) Domain(name string, version int64) { g.domains[name] = version }

// Metadata stores a key and a value in the model file.
func (g *Graph) Metadata(key, value string) { g.metadata = append(g.metadata, [2]string{key, value}) }

// Input declares a float32 input.
func (g *Graph) Input(name string, shape ...int) string { return g.TypedInput(name, Float32, shape...) }

// TypedInput declares an input of any type.
func (g *Graph) TypedInput(name string, t Type, shape ...int) string {
	name = g.unique(name)
	g.inputs = append(g.inputs, Value{name, t, shape})
	return name
}

// Output declares that the named float32 value leaves the graph.
func (g *Graph) Output(name string, shape ...int) {
	g.outputs = append(g.outputs, Value{name, Float32, shape})
}

// Inputs returns the declared inputs.
func (g *Graph) Inputs() []Value { return g.inputs }

// Outputs returns the declared outputs.
func (g *Graph) Outputs() []Value { return g.outputs }

// Const adds a float32 constant. It panics where the number of values is not
// that of the shape: that is a mistake in the code that builds the graph.
func (g *Graph) Const(name string, data []float32, shape ...int) string {
	if len(data) != Elements(shape) {
		panic(fmt.Sprintf("onnx: constant %s of shape %v has %d values", name, shape, len(data)))
	}
	name = g.unique(name)
	g.initialisers = append(g.initialisers, initialiser{name: name, shape: shape, floats: data})
	return name
}

// ConstInts adds a one-dimensional int64 constant.
func (g *Graph) ConstInts(name string, data ...int64) string {
	name = g.unique(name)
	g.initialisers = append(g.initialisers, initialiser{name: name, shape: []int{len(data)}, ints: data})
	return name
}

// Node adds a standard operator with one output and returns the output's name,
// which is made from name.
func (g *Graph) Node(name, op string, inputs []string, attrs ...Attr) string {
	out := g.unique(name)
	g.nodes = append(g.nodes, Node{Op: op, Inputs: inputs, Outputs: []string{out}, Attrs: attrs})
	return out
}

// Add adds any operator. Its outputs must be names nothing has yet; an empty
// name leaves an optional output out.
func (g *Graph) Add(n Node) {
	for _, out := range n.Outputs {
		if out == "" {
			continue
		}
		if g.taken[out] {
			panic("onnx: the name " + out + " is taken")
		}
		g.taken[out] = true
	}
	g.nodes = append(g.nodes, n)
}

// unique returns name, or name_2, name_3, ... where it is taken.
func (g *Graph) unique(name string) string {
	candidate := name
	for i := 2; g.taken[candidate]; i++ {
		candidate = name + "_" + strconv.Itoa(i)
	}
	g.taken[candidate] = true
	return candidate
}

// Elements is the number of values in a tensor of the given shape.
func Elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// rename gives the output of a node another name and returns it. Nothing may
// use the value yet.
func (g *Graph) rename(from, to string) string {
	to = g.unique(to)
	for i := range g.nodes {
		for j, out := range g.nodes[i].Outputs {
			if out == from {
				g.nodes[i].Outputs[j] = to
			}
		}
	}
	return to
}
