package onnx

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of onnx.proto (messages ModelProto, GraphProto, NodeProto,
// AttributeProto, TensorProto, ValueInfoProto and those inside them).
const (
	modelIRVersion    = 1
	modelProducerName = 2
	modelGraph        = 7
	modelOpsetImport  = 8
	modelMetadata     = 14
	modelFunctions    = 25

	functionNode = 7

	opsetDomain  = 1
	opsetVersion = 2

	metadataKey   = 1
	metadataValue = 2

	graphNode        = 1
	graphName        = 2
	graphInitialiser = 5
	graphInput       = 11
	graphOutput      = 12
	graphSparse      = 15

	sparseValues  = 1
	sparseIndices = 2

	nodeInput     = 1
	nodeOutput    = 2
	nodeName      = 3
	nodeOpType    = 4
	nodeAttribute = 5
	nodeDomain    = 7

	attrName  = 1
	attrFloat = 2
	attrInt   = 3
	attrInts  = 8
	attrType  = 20

	attrTensor  = 5
	attrGraph   = 6
	attrTensors = 10
	attrGraphs  = 11
	attrSparse  = 22
	attrSparses = 23

	attrReference = 21

	tensorDims         = 1
	tensorType         = 2
	tensorName         = 8
	tensorRawData      = 9
	tensorExternal     = 13
	tensorDataLocation = 14

	dataExternal = 1

	valueName = 1
	valueType = 2

	typeTensor = 1

	tensorTypeElem  = 1
	tensorTypeShape = 2

	shapeDim = 1

	dimValue = 1
	dimParam = 2
)

// Kinds of attribute, from the enumeration AttributeProto.AttributeType.
const (
	attrKindFloat = 1
	attrKindInt   = 2
	attrKindInts  = 7
)

// Attr is an attribute of a node: one of Int, Ints or Float.
type Attr struct {
	name   string
	kind   int
	number int64
	list   []int64
	float  float32
}

// Int is an attribute with one whole number.
func Int(name string, v int) Attr { return Attr{name: name, kind: attrKindInt, number: int64(v)} }

// Float is an attribute with one real number.
func Float(name string, v float64) Attr {
	return Attr{name: name, kind: attrKindFloat, float: float32(v)}
}

// Ints is an attribute with a list of whole numbers.
func Ints(name string, v ...int) Attr {
	list := make([]int64, len(v))
	for i, x := range v {
		list[i] = int64(x)
	}
	return Attr{name: name, kind: attrKindInts, list: list}
}

// Marshal returns the model in ONNX's binary form.
func (g *Graph) Marshal() []byte {
	size := 1 << 12
	for _, t := range g.initialisers {
		size += 4*len(t.floats) + 8*len(t.ints) + len(t.raw) + len(t.name) + 32
	}
	graph := make([]byte, 0, size+256*len(g.nodes))
	for i := range g.nodes {
		graph = appendBytes(graph, graphNode, g.nodes[i].marshal())
	}
	graph = appendString(graph, graphName, g.name)
	for _, t := range g.initialisers {
		graph = t.append(graph, graphInitialiser)
	}
	for _, v := range g.inputs {
		graph = appendBytes(graph, graphInput, v.marshal())
	}
	for _, v := range g.outputs {
		graph = appendBytes(graph, graphOutput, v.marshal())
	}

	m := make([]byte, 0, len(graph)+256)
	m = appendInt(m, modelIRVersion, IRVersion)
	m = appendString(m, modelProducerName, "binas-tui")
	m = appendBytes(m, modelGraph, graph)
	m = appendBytes(m, modelOpsetImport, opset("", OpsetVersion))
	for _, domain := range slices.Sorted(maps.Keys(g.domains)) {
		m = appendBytes(m, modelOpsetImport, opset(domain, g.domains[domain]))
	}
	for _, kv := range g.metadata {
		m = appendBytes(m, modelMetadata, appendString(appendString(nil, metadataKey, kv[0]), metadataValue, kv[1]))
	}
	return m
}

func opset(domain string, version int64) []byte {
	return appendInt(appendString(nil, opsetDomain, domain), opsetVersion, version)
}

func (n *Node) marshal() []byte {
	var b []byte
	for _, in := range n.Inputs {
		b = appendString(b, nodeInput, in)
	}
	for _, out := range n.Outputs {
		b = appendString(b, nodeOutput, out)
	}
	b = appendString(b, nodeName, n.Outputs[0])
	b = appendString(b, nodeOpType, n.Op)
	for _, a := range n.Attrs {
		b = appendBytes(b, nodeAttribute, a.marshal())
	}
	if n.Domain != "" {
		b = appendString(b, nodeDomain, n.Domain)
	}
	return b
}

func (a Attr) marshal() []byte {
	b := appendString(nil, attrName, a.name)
	switch a.kind {
	case attrKindFloat:
		b = protowire.AppendTag(b, attrFloat, protowire.Fixed32Type)
		b = protowire.AppendFixed32(b, math.Float32bits(a.float))
	case attrKindInt:
		b = appendInt(b, attrInt, a.number)
	case attrKindInts:
		for _, v := range a.list {
			b = appendInt(b, attrInts, v)
		}
	}
	return appendInt(b, attrType, int64(a.kind))
}

// append writes the tensor as field number of the message in b; values are
// written straight into b, because they are nearly all of a model's bytes.
func (t *initialiser) append(b []byte, number protowire.Number) []byte {
	var head []byte
	for _, d := range t.shape {
		head = appendInt(head, tensorDims, int64(d))
	}
	kind, size := Float32, 4*len(t.floats)
	switch {
	case t.ints != nil:
		kind, size = Int64, 8*len(t.ints)
	case t.raw != nil:
		kind, size = t.kind, len(t.raw)
	}
	head = appendInt(head, tensorType, int64(kind))
	head = appendString(head, tensorName, t.name)
	head = protowire.AppendTag(head, tensorRawData, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(size))

	b = protowire.AppendTag(b, number, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(len(head)+size))
	b = append(b, head...)
	b = append(b, t.raw...)
	for _, v := range t.floats {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	for _, v := range t.ints {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	return b
}

func (v Value) marshal() []byte {
	var shape []byte
	for _, d := range v.Shape {
		var dim []byte
		if d == Batch {
			dim = appendString(nil, dimParam, "batch")
		} else {
			dim = appendInt(nil, dimValue, int64(d))
		}
		shape = appendBytes(shape, shapeDim, dim)
	}
	tensor := appendInt(nil, tensorTypeElem, int64(v.Type))
	tensor = appendBytes(tensor, tensorTypeShape, shape)
	b := appendString(nil, valueName, v.Name)
	return appendBytes(b, valueType, appendBytes(nil, typeTensor, tensor))
}

func appendInt(b []byte, n protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), uint64(v))
}

func appendString(b []byte, n protowire.Number, v string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), v)
}

func appendBytes(b []byte, n protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
}
