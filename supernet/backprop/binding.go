package backprop

import (
	"fmt"
	"strings"

	"github.com/binas-tui/binas-tui/onnx"
)

// binding joins one slot and option of a network to the programs that run it.
type binding struct {
	slot    int
	option  int
	x       *onnx.Tensor // of the last forward pass
	ahead   *wired
	back    *wired
	cut     []*parameter // parameters that are copied before a forward pass
	grads   []*gradient
	norms   []*moments
	segment segment
}

// wired is a program with a tensor for each input and output.
type wired struct {
	*program
	in, out []*onnx.Tensor
}

// set puts a tensor in the place of an input.
func (w *wired) set(key string, t *onnx.Tensor) {
	for i, k := range w.ins {
		if k == key {
			w.in[i] = t
		}
	}
}

// parameter is a matrix of weights as a graph sees it: the first rows and
// columns of the tensor that the state dict holds.
type parameter struct {
	name          string
	full          []float32
	rows, columns int
	fullWidth     int
	tensor        *onnx.Tensor
}

// contiguous reports whether the matrix is a prefix of the full one's memory.
func (p *parameter) contiguous() bool { return p.columns == p.fullWidth }

// load copies a matrix that is no prefix.
func (p *parameter) load() {
	for r := range p.rows {
		copy(p.tensor.Data[r*p.columns:(r+1)*p.columns], p.full[r*p.fullWidth:])
	}
}

// gradient is where the gradient of a parameter goes: straight to its place
// where that holds nothing yet, or through scratch memory.
type gradient struct {
	*parameter
	total   []float32 // of the full tensor
	direct  *onnx.Tensor
	scratch *onnx.Tensor
	index   int // among the outputs of the backward program
}

// moments are the statistics of one batch normalisation.
type moments struct {
	name           string // of the layer
	mean, variance *onnx.Tensor
	count          int // values per channel
}

// bind returns the binding of a slot, made on first use.
func (n *Network) bind(slot, option int) (*binding, error) {
	key := [2]int{slot, option}
	if b, ok := n.bindings[key]; ok {
		return b, nil
	}
	b := &binding{slot: slot, option: option, segment: n.e.segment(slot, option)}
	p, err := n.e.program(b.segment, false)
	if err != nil {
		return nil, err
	}
	b.ahead = &wired{program: p}
	full := n.e.parameters(slot, n.fullOption(slot, option))
	parameters := map[string]*parameter{}
	for i, v := range p.session.Inputs() {
		t, err := n.wire(b, p.ins[i], v.Shape, full, parameters, option)
		if err != nil {
			return nil, err
		}
		b.ahead.in = append(b.ahead.in, t)
	}
	for i, v := range p.session.Outputs() {
		t, err := n.e.tensor(slot, p.outs[i], v.Shape)
		if err != nil {
			return nil, err
		}
		b.ahead.out = append(b.ahead.out, t)
	}
	for _, q := range parameters {
		if !q.contiguous() {
			b.cut = append(b.cut, q)
		}
	}
	b.collectNorms(n, option)
	n.bindings[key] = b
	return b, nil
}

// fullOption is the option whose tensors the state dict holds for a slot.
func (n *Network) fullOption(slot, option int) int {
	if _, ok := n.e.block(slot); ok && n.supernet && option < mixedOption {
		return n.e.widest(option)
	}
	return option
}

// wire finds the tensor of an input.
func (n *Network) wire(b *binding, key string, shape []int, full map[string][]int, have map[string]*parameter, option int) (*onnx.Tensor, error) {
	local, ok := strings.CutPrefix(key, "p:")
	if !ok {
		if key == "x" || key == "dout" {
			return nil, nil // set when it runs
		}
		return n.e.tensor(b.slot, key, shape)
	}
	if p, ok := have[local]; ok {
		return p.tensor, nil
	}
	p, err := n.parameter(b.slot, option, local, shape, full[local])
	if err != nil {
		return nil, err
	}
	have[local] = p
	return p.tensor, nil
}

func (n *Network) parameter(slot, option int, local string, shape, full []int) (*parameter, error) {
	name := n.name(slot, option, local)
	if p, ok := n.parameters[fmt.Sprint(name, shape)]; ok {
		return p, nil
	}
	data, err := n.weights.Tensor(name, torchShape(local, full))
	if err != nil {
		return nil, err
	}
	p := &parameter{name: name, full: data, rows: shape[0], columns: shape[1], fullWidth: full[1]}
	var memory []float32
	if p.contiguous() {
		memory = data[:p.rows*p.columns]
	}
	if p.tensor, err = onnx.NewTensor(memory, shape...); err != nil {
		return nil, err
	}
	n.parameters[fmt.Sprint(name, shape)] = p
	return p, nil
}

// collectNorms lists the statistics that the forward pass writes.
func (b *binding) collectNorms(n *Network, option int) {
	for i, key := range b.ahead.outs {
		layer, ok := strings.CutPrefix(key, "m:")
		if !ok {
			continue
		}
		m := moments{mean: b.ahead.out[i], count: b.count(layer)}
		for j, other := range b.ahead.outs {
			if other == "v:"+layer {
				m.variance = b.ahead.out[j]
			}
		}
		for _, name := range b.normNames(layer) {
			m := m
			m.name = strings.TrimSuffix(n.name(b.slot, option, name+".x"), ".x")
			b.norms = append(b.norms, &m)
		}
	}
}

// normNames are the layers that share the statistics called layer: a star stands
// for all normalisations after a projection.
func (b *binding) normNames(layer string) []string {
	x, ok := b.segment.(mixed)
	if !ok || layer != "bn3.*" {
		return []string{layer}
	}
	var names []string
	for j := range x.variants {
		names = append(names, fmt.Sprintf("bn3.%d", j))
	}
	return names
}

// count is how many values per channel a norm of the segment sees.
func (b *binding) count(layer string) int {
	switch s := b.segment.(type) {
	case stem:
		return s.m
	case separable:
		return s.m()
	case last:
		return s.m
	case mixed:
		if layer == "bn1" {
			return s.m()
		}
		return s.mOut()
	case residual:
		if layer == "bn1" {
			return s.m()
		}
		return s.mOut()
	}
	panic("backprop: " + layer + " in a segment without norms")
}

// bindBackward adds the backward program to a binding.
func (n *Network) bindBackward(b *binding) error {
	if b.back != nil {
		return nil
	}
	option := b.option
	p, err := n.e.program(b.segment, true)
	if err != nil {
		return err
	}
	full := n.e.parameters(b.slot, n.fullOption(b.slot, option))
	back := &wired{program: p}
	for i, v := range p.session.Inputs() {
		t, err := n.wire(b, p.ins[i], v.Shape, full, map[string]*parameter{}, option)
		if err != nil {
			return err
		}
		back.in = append(back.in, t)
	}
	for i, v := range p.session.Outputs() {
		local, ok := strings.CutPrefix(p.outs[i], "g:")
		if !ok {
			t, err := n.e.tensor(b.slot, p.outs[i], v.Shape)
			if err != nil {
				return err
			}
			back.out = append(back.out, t)
			continue
		}
		g, err := n.gradient(b.slot, option, local, v.Shape, full[local])
		if err != nil {
			return err
		}
		g.index = i
		b.grads = append(b.grads, g)
		back.out = append(back.out, g.scratch)
	}
	b.back = back
	return nil
}

func (n *Network) gradient(slot, option int, local string, shape, full []int) (*gradient, error) {
	p, err := n.parameter(slot, option, local, shape, full)
	if err != nil {
		return nil, err
	}
	g := &gradient{parameter: p, total: n.Gradients[p.name].Data}
	if g.scratch, err = n.e.scratch(local, shape); err != nil {
		return nil, err
	}
	if p.contiguous() {
		g.direct, err = onnx.NewTensor(g.total[:p.rows*p.columns], shape...)
		n.owned = append(n.owned, g.direct)
	}
	return g, err
}

// target chooses where the next backward pass writes the gradient.
func (g *gradient) target(touched bool) *onnx.Tensor {
	if touched || g.direct == nil {
		return g.scratch
	}
	return g.direct
}

// store finishes what target began. Rows and columns that the option does not
// use have gradient 0.
func (g *gradient) store(touched bool) {
	used := g.rows * g.columns
	switch {
	case !touched && g.direct != nil:
		clear(g.total[used:])
	case !touched:
		clear(g.total)
		for r := range g.rows {
			copy(g.total[r*g.fullWidth:], g.scratch.Data[r*g.columns:(r+1)*g.columns])
		}
	default:
		for r := range g.rows {
			to := g.total[r*g.fullWidth:][:g.columns]
			for i, v := range g.scratch.Data[r*g.columns : (r+1)*g.columns] {
				to[i] += v
			}
		}
	}
}
