package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/binas-tui/binas-tui/internal/ieee"
)

// Half returns a float graph of this package that computes in floats of 16 bits:
// its constants are rounded to them, and casts stand behind the inputs and before
// the outputs, which are as they were. The error names a constant that has no such
// value: beyond 65504.
func (g *Graph) Half() (*Graph, error) {
	dst := NewGraph(g.name)
	dst.metadata = slices.Clone(g.metadata)
	dst.inputs, dst.outputs = slices.Clone(g.inputs), slices.Clone(g.outputs)
	for _, t := range g.initialisers {
		dst.taken[t.name] = true
		if t.floats != nil {
			raw := make([]byte, 0, 2*len(t.floats))
			for _, v := range t.floats {
				h := ieee.ToHalf(v)
				if math.IsInf(float64(ieee.Half(h)), 0) {
					return nil, fmt.Errorf("%s of %s has the value %v: in fp16 the largest is 65504", t.name, g.name, v)
				}
				raw = binary.LittleEndian.AppendUint16(raw, h)
			}
			t = initialiser{name: t.name, shape: t.shape, raw: raw, kind: Float16}
		}
		dst.initialisers = append(dst.initialisers, t)
	}
	inside := map[string]string{} // of inputs and outputs
	for _, v := range g.inputs {
		dst.taken[v.Name] = true
	}
	for _, v := range g.inputs {
		inside[v.Name] = dst.Node(v.Name+".half", "Cast", []string{v.Name}, Int("to", int(Float16)))
	}
	for _, v := range g.outputs {
		inside[v.Name] = v.Name + ".half"
	}
	named := func(names []string) []string {
		names = slices.Clone(names)
		for i, name := range names {
			if now, ok := inside[name]; ok {
				names[i] = now
			}
		}
		return names
	}
	for _, n := range g.nodes {
		n.Inputs, n.Outputs = named(n.Inputs), named(n.Outputs)
		dst.Add(n)
	}
	for _, v := range g.outputs {
		dst.Add(Node{Op: "Cast", Inputs: []string{inside[v.Name]}, Outputs: []string{v.Name}, Attrs: []Attr{Int("to", int(Float32))}})
	}
	return dst, nil
}
