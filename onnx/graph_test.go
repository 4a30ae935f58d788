package onnx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/model"
	"google.golang.org/protobuf/encoding/protowire"
)

// decoded is what the tests read back from a model's bytes, by field numbers
// written down again here.
type decoded struct {
	ir       uint64
	opsets   map[string]uint64
	metadata map[string]string
	nodes    []decodedNode
	tensors  map[string]decodedTensor
	inputs   int
	outputs  int
}

type decodedNode struct {
	op, domain      string
	inputs, outputs []string
	attrs           map[string]any
}

type decodedTensor struct {
	dims []int
	kind uint64
	raw  []byte
}

func decode(t *testing.T, model []byte) decoded {
	t.Helper()
	d := decoded{opsets: map[string]uint64{}, metadata: map[string]string{}, tensors: map[string]decodedTensor{}}
	walk(t, model, func(n protowire.Number, b []byte, v uint64) {
		switch n {
		case 1:
			d.ir = v
		case 7:
			walk(t, b, d.graphField(t))
		case 8:
			var domain string
			var version uint64
			walk(t, b, func(n protowire.Number, b []byte, v uint64) {
				if n == 1 {
					domain = string(b)
				}
				if n == 2 {
					version = v
				}
			})
			d.opsets[domain] = version
		case 14:
			var kv [3]string
			walk(t, b, func(n protowire.Number, b []byte, _ uint64) { kv[n] = string(b) })
			d.metadata[kv[1]] = kv[2]
		}
	})
	return d
}

func (d *decoded) graphField(t *testing.T) func(protowire.Number, []byte, uint64) {
	return func(n protowire.Number, b []byte, _ uint64) {
		switch n {
		case 1:
			node := decodedNode{attrs: map[string]any{}}
			walk(t, b, func(n protowire.Number, b []byte, _ uint64) {
				switch n {
				case 1:
					node.inputs = append(node.inputs, string(b))
				case 2:
					node.outputs = append(node.outputs, string(b))
				case 4:
					node.op = string(b)
				case 5:
					name, value := decodeAttr(t, b)
					node.attrs[name] = value
				case 7:
					node.domain = string(b)
				}
			})
			d.nodes = append(d.nodes, node)
		case 5:
			var tensor decodedTensor
			var name string
			walk(t, b, func(n protowire.Number, b []byte, v uint64) {
				switch n {
				case 1:
					tensor.dims = append(tensor.dims, int(v))
				case 2:
					tensor.kind = v
				case 8:
					name = string(b)
				case 9:
					tensor.raw = b
				}
			})
			d.tensors[name] = tensor
		case 11:
			d.inputs++
		case 12:
			d.outputs++
		}
	}
}

func decodeAttr(t *testing.T, b []byte) (name string, value any) {
	var kind, number uint64
	var text string
	var list []int
	walk(t, b, func(n protowire.Number, b []byte, v uint64) {
		switch n {
		case 1:
			name = string(b)
		case 2, 3:
			number = v
		case 4:
			text = string(b)
		case 8:
			list = append(list, int(int64(v)))
		case 20:
			kind = v
		}
	})
	switch kind {
	case 1:
		return name, math.Float32frombits(uint32(number))
	case 2:
		return name, int(int64(number))
	case 3:
		return name, text
	case 7:
		return name, list
	}
	t.Errorf("attribute %s has type %d", name, kind)
	return name, nil
}

func walk(t *testing.T, b []byte, each func(protowire.Number, []byte, uint64)) {
	t.Helper()
	if err := fields(b, func(n protowire.Number, v []byte, number uint64) error { each(n, v, number); return nil }); err != nil {
		t.Fatal(err)
	}
}

func TestMarshalRoundTrip(t *testing.T) {
	g := NewGraph("test")
	g.Domain("other", 3)
	g.Metadata("key", "wörth")
	x := g.Input("x", Batch, 3)
	c := g.Const("c", []float32{1.5, float32(math.Inf(-1)), -0, 1e-42}, 2, 2)
	ids := g.ConstInts("ids", -1, 1<<40)
	y := g.Node("y", "Gemm", []string{x, c}, Int("transB", -1), Float("alpha", 0.1), Ints("axes", -2, 300))
	g.Add(Node{Op: "Split", Domain: "other", Inputs: []string{y, ids}, Outputs: []string{"a", "", "b"}})
	g.Output("a", 4)

	d := decode(t, g.Marshal())
	if d.ir != IRVersion || d.opsets[""] != OpsetVersion || d.opsets["other"] != 3 || d.metadata["key"] != "wörth" {
		t.Errorf("header: %+v", d)
	}
	if d.inputs != 1 || d.outputs != 1 || len(d.nodes) != 2 {
		t.Fatalf("%d inputs, %d outputs, %d nodes", d.inputs, d.outputs, len(d.nodes))
	}
	a := d.nodes[0].attrs
	if a["transB"] != -1 || a["alpha"] != float32(0.1) || !slices.Equal(a["axes"].([]int), []int{-2, 300}) {
		t.Errorf("attributes: %v", a)
	}
	if n := d.nodes[1]; n.op != "Split" || n.domain != "other" || !slices.Equal(n.outputs, []string{"a", "", "b"}) || !slices.Equal(n.inputs, []string{"y", "ids"}) {
		t.Errorf("node: %+v", n)
	}
	var raw []byte
	for _, v := range []float32{1.5, float32(math.Inf(-1)), -0, 1e-42} {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	if c := d.tensors["c"]; c.kind != 1 || !slices.Equal(c.dims, []int{2, 2}) || !bytes.Equal(c.raw, raw) {
		t.Errorf("tensor c: %+v", c)
	}
	if ids := d.tensors["ids"]; ids.kind != 7 || len(ids.raw) != 16 || int64(binary.LittleEndian.Uint64(ids.raw)) != -1 {
		t.Errorf("tensor ids: %+v", ids)
	}
	in, out, err := ModelIO(g.Marshal())
	if err != nil || len(in) != 1 || in[0].Name != "x" || !slices.Equal(in[0].Shape, []int{Batch, 3}) || in[0].Type != Float32 ||
		len(out) != 1 || out[0].Name != "a" || !slices.Equal(out[0].Shape, []int{4}) {
		t.Errorf("ModelIO: %v %v %v", in, out, err)
	}
}

// Every node of every kind of network uses only what exists before it, every
// constant is used, and every output is made.
func TestNetworksAreWellFormed(t *testing.T) {
	for _, text := range []string{
		"[['ds_r1_k3_s1_e1_c16_nre'], ['ir_r2_k5_s2_e3_c24_nre_se0.25', 'ir_r1_k3_s1_e2.5_c24_nsw'], ['dsa_r1_k3_s2_c40_nr6_se0.5'], ['cn_r1_k1_s1_c960']]",
		"[['cn_r2_k3_s2_c8_nsw']]",
	} {
		arch, err := model.ParseArchitecture(text)
		if err != nil {
			t.Fatal(err)
		}
		g, err := Network(arch, RandomWeights{}, NetworkOptions{Batch: Batch, ImageSize: 33, Classes: 3})
		if err != nil {
			t.Fatal(err)
		}
		d := decode(t, g.Marshal())
		if d.metadata["architecture"] != arch.String() {
			t.Errorf("metadata: %v", d.metadata)
		}
		known, used := map[string]bool{"image": true}, map[string]bool{}
		for name := range d.tensors {
			known[name] = true
		}
		for _, n := range d.nodes {
			for _, in := range n.inputs {
				if !known[in] {
					t.Errorf("%s %v uses %q before it exists", n.op, n.outputs, in)
				}
				used[in] = true
			}
			for _, out := range n.outputs {
				if known[out] {
					t.Errorf("%q is made twice", out)
				}
				known[out] = true
			}
		}
		for name := range d.tensors {
			if !used[name] {
				t.Errorf("constant %q is not used", name)
			}
		}
		if !known["logits"] || used["logits"] {
			t.Error("the last node does not make the logits")
		}
	}
}

func FuzzModelIO(f *testing.F) {
	g := NewGraph("test")
	g.Output(g.Node("y", "Relu", []string{g.Input("x", Batch, 2)}), 2)
	f.Add(g.Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, out, err := ModelIO(b); err == nil && len(out) == 0 {
			t.Error("a model without outputs is accepted")
		} else if err != nil && !errors.Is(err, ErrNotModel) {
			t.Error(err)
		}
	})
}

// What is stored beside a graph is read back.
func TestModelMetadata(t *testing.T) {
	g := Overhead()
	want := map[string]string{"a": "1", "long": strings.Repeat("x", 300), "none": ""}
	for key, value := range want {
		g.Metadata(key, value)
	}
	got, err := ModelMetadata(g.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range want {
		if have, ok := got[key]; !ok || have != value {
			t.Errorf("%s: %q", key, have)
		}
	}
	if _, err := ModelMetadata([]byte{0x0a, 0x7f}); !errors.Is(err, ErrNotModel) {
		t.Errorf("a model that is cut off: %v", err)
	}
}
