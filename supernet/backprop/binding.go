package backprop

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/binas-tui/binas-tui/internal/parallel"
	"github.com/binas-tui/binas-tui/onnx"
)

// binding joins one slot and option of a network to the programs that run it.
type binding struct {
	slot              int
	x                 *onnx.Tensor // of the last forward pass
	forward, backward boundProgram
	copied            []*parameter // before a forward pass
	gradients         []*gradient
	moments           []moments
	downloaded        []*onnx.Tensor // of the moments, where they are on a card
}

// boundProgram is a program with a tensor for each input and output.
type boundProgram struct {
	*program
	in, out []*onnx.Tensor
}

// set puts a tensor in the place of an input.
func (p *boundProgram) set(key string, t *onnx.Tensor) {
	if i := slices.Index(p.ins, key); i >= 0 {
		p.in[i] = t
	}
}

// result is an output; nil where there is none of the key.
func (p *boundProgram) result(key string) *onnx.Tensor {
	if i := slices.Index(p.outs, key); i >= 0 {
		return p.out[i]
	}
	return nil
}

// out is the result of the last forward pass.
func (b *binding) out() *onnx.Tensor { return b.forward.result("out") }

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

// load copies a matrix that is no prefix, or that is uploaded.
func (p *parameter) load() {
	for r := range p.rows {
		copy(p.tensor.Data[r*p.columns:(r+1)*p.columns], p.full[r*p.fullWidth:])
	}
}

// gradient is where the gradient of a parameter goes: straight to its place
// where that holds nothing yet, or through scratch memory. That of a card is the
// gradient's own: it is downloaded while the pass goes on.
type gradient struct {
	*parameter
	total   []float32 // of the full tensor
	direct  *onnx.Tensor
	scratch *onnx.Tensor
	index   int // among the outputs of the backward program
}

// moments are the batch statistics of one batch normalisation.
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
	programs, err := n.e.compile(n.e.trained(slot, option))
	if err != nil {
		return nil, err
	}
	b := &binding{slot: slot}
	for i, to := range []*boundProgram{&b.forward, &b.backward} {
		if err := n.bindProgram(b, to, programs[i], option); err != nil {
			return nil, err
		}
	}
	for _, norms := range b.forward.norms {
		mean, variance := b.forward.result("m:"+norms.names[0]), b.forward.result("v:"+norms.names[0])
		if n.memory != nil {
			if err := errors.Join(mean.Mirror(), variance.Mirror()); err != nil {
				return nil, err
			}
			b.downloaded = append(b.downloaded, mean, variance)
		}
		for _, layer := range norms.names {
			name := strings.TrimSuffix(n.name(slot, option, layer+".weight"), ".weight")
			b.moments = append(b.moments, moments{name, mean, variance, norms.count})
		}
	}
	n.bindings[key] = b
	return b, nil
}

// bindProgram finds the tensors of one of a binding's programs.
func (n *Network) bindProgram(b *binding, to *boundProgram, p *program, option int) error {
	to.program = p
	for i, v := range p.session.Inputs() {
		t, err := n.bindInput(b, p.ins[i], v.Shape, option, to == &b.forward)
		if err != nil {
			return err
		}
		to.in = append(to.in, t)
	}
	for i, v := range p.session.Outputs() {
		t, err := n.bindOutput(b, p.outs[i], v.Shape, option, i)
		if err != nil {
			return err
		}
		to.out = append(to.out, t)
	}
	return nil
}

// bindInput finds the tensor of an input; that of images and gradients is nil: it is
// set when the program runs.
func (n *Network) bindInput(b *binding, name string, shape []int, option int, forward bool) (*onnx.Tensor, error) {
	if name == "x" || name == "dout" {
		return nil, nil
	}
	local, ok := strings.CutPrefix(name, "p:")
	if !ok {
		return n.e.tensor(b.slot, name, shape)
	}
	q, err := n.parameter(b.slot, option, local, shape)
	if err != nil {
		return nil, err
	}
	if forward && !n.inPlace(q) {
		b.copied = append(b.copied, q)
	}
	return q.tensor, nil
}

// bindOutput finds the tensor of output i.
func (n *Network) bindOutput(b *binding, name string, shape []int, option, i int) (*onnx.Tensor, error) {
	local, ok := strings.CutPrefix(name, "g:")
	if !ok {
		return n.e.tensor(b.slot, name, shape)
	}
	g, err := n.gradient(b.slot, option, local, shape)
	if err != nil {
		return nil, err
	}
	g.index = i
	b.gradients = append(b.gradients, g)
	return g.scratch, nil
}

func (n *Network) parameter(slot, option int, local string, shape []int) (*parameter, error) {
	name := n.name(slot, option, local)
	key := fmt.Sprint(name, shape)
	if p, ok := n.parameters[key]; ok {
		return p, nil
	}
	full := n.weights[name]
	p := &parameter{name: name, full: full.Data, rows: shape[0], columns: shape[1], fullWidth: len(full.Data) / full.Shape[0]}
	var err error
	if n.inPlace(p) {
		p.tensor, err = onnx.NewTensor(p.full[:p.rows*p.columns], shape...)
	} else {
		p.tensor, err = n.mirrored(shape)
	}
	if err != nil {
		return nil, err
	}
	n.parameters[key] = p
	return p, nil
}

// inPlace reports whether programs read a parameter where the state dict has it.
func (n *Network) inPlace(p *parameter) bool { return n.memory == nil && p.contiguous() }

// mirrored makes a tensor of the network's own.
func (n *Network) mirrored(shape []int) (*onnx.Tensor, error) {
	t, err := n.memory.NewTensor(shape...)
	if err != nil {
		return nil, err
	}
	n.owned = append(n.owned, t)
	return t, t.Mirror()
}

// load copies the parameters of a route that programs do not read in place.
func (n *Network) load(ctx context.Context, route []*binding) error {
	var copied []*parameter
	for _, b := range route {
		copied = append(copied, b.copied...)
	}
	if err := parallel.For(ctx, len(copied), func(i int) { copied[i].load() }); err != nil {
		return err
	}
	for _, p := range copied {
		if err := p.tensor.Upload(); err != nil {
			return err
		}
	}
	return nil
}

func (n *Network) gradient(slot, option int, local string, shape []int) (*gradient, error) {
	p, err := n.parameter(slot, option, local, shape)
	if err != nil {
		return nil, err
	}
	g := &gradient{parameter: p, total: n.Gradients[p.name].Data}
	if n.memory != nil {
		g.scratch, err = n.mirrored(shape)
		return g, err
	}
	if g.scratch, err = n.e.scratch(local, shape); err != nil {
		return nil, err
	}
	if p.contiguous() {
		if g.direct, err = onnx.NewTensor(g.total[:p.rows*p.columns], shape...); err != nil {
			return nil, err
		}
		n.owned = append(n.owned, g.direct)
	}
	return g, nil
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
	case !touched && g.contiguous():
		copy(g.total, g.scratch.Data)
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
