package backprop

import (
	"fmt"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
)

// Network is weights in training.
type Network struct {
	// Gradients holds what steps added since [Network.ZeroGradients], by
	// parameter name, in the parameter's shape. Only names in Touched count.
	Gradients onnx.StateDict
	// Touched are the parameters that have a gradient. PyTorch gives the others
	// none at all: no momentum, no decay.
	Touched map[string]bool

	e          *Engine
	weights    onnx.StateDict
	supernet   bool
	path       model.Path
	paths      []model.Path // one per image, or nil: path
	bindings   map[[2]int]*binding
	last       []*binding // the route of the last step
	parameters map[string]*parameter
	owned      []*onnx.Tensor
	memory     *onnx.Memory // of parameters and gradients on a card
	logits     []float32
}

// Supernet returns the whole supernet with the given weights, which it reads,
// and whose running statistics it updates, in place. The error names the first
// tensor that is missing or has another shape. [Network.SetPath] comes next.
func (e *Engine) Supernet(w onnx.StateDict) (*Network, error) {
	if e.o.Levels != nil {
		return nil, fmt.Errorf("supernet: levels are those of one network")
	}
	n, err := e.network(w, supernet.Layout(e.space, e.classes))
	if err != nil {
		return nil, fmt.Errorf("supernet: %w", err)
	}
	n.supernet = true
	return n, nil
}

// Child is [Engine.Supernet] for one network with weights of its own, under a
// child's names (blocks.1.0.conv_dw.weight, blocks.1.0.se.conv_reduce.weight).
func (e *Engine) Child(p model.Path, w onnx.StateDict) (*Network, error) {
	if err := e.space.CheckPath(p); err != nil {
		return nil, fmt.Errorf("child: %w", err)
	}
	n, err := e.network(w, supernet.ChildLayout(e.space, p, e.classes))
	if err != nil {
		return nil, fmt.Errorf("child: %w", err)
	}
	n.path = p.Clone()
	return n, nil
}

func (e *Engine) network(w onnx.StateDict, tensors []supernet.Tensor) (*Network, error) {
	if err := required(w, tensors); err != nil {
		return nil, err
	}
	n := &Network{
		Gradients: onnx.StateDict{}, Touched: map[string]bool{}, e: e, weights: w,
		bindings: map[[2]int]*binding{}, parameters: map[string]*parameter{}, memory: e.memory.Part(),
	}
	for _, t := range tensors {
		if t.Kind.Trained() {
			n.Gradients[t.Name] = onnx.TensorData{Shape: t.Shape, Data: make([]float32, t.Elements())}
		}
	}
	e.networks = append(e.networks, n)
	return n, nil
}

// Close frees what the network holds beside its weights and gradients.
func (n *Network) Close() error {
	for _, p := range n.parameters {
		p.tensor.Close()
	}
	for _, t := range n.owned {
		t.Close()
	}
	err := n.memory.Close()
	n.bindings, n.parameters, n.owned, n.memory = nil, nil, nil, nil
	n.e.forget(n)
	return err
}

// SetPath chooses the path of the supernet for all images of the next steps. It
// is an error for a child.
func (n *Network) SetPath(p model.Path) error {
	if !n.supernet {
		return fmt.Errorf("set path: a child has one path")
	}
	if err := n.e.space.CheckPath(p); err != nil {
		return fmt.Errorf("set path: %w", err)
	}
	n.path, n.paths = p.Clone(), nil
	return nil
}

// ZeroGradients forgets all gradients.
func (n *Network) ZeroGradients() { clear(n.Touched) }

// route lists the bindings of the path in order. Blocks that are switched off
// are not in it.
func (n *Network) route() ([]*binding, error) {
	if n.path.Depth == nil && n.paths == nil {
		return nil, fmt.Errorf("the supernet has no path yet")
	}
	var out []*binding
	for slot := range n.e.slotHead() + 1 {
		option := 0
		if b, ok := n.e.block(slot); ok {
			if !n.active(b) {
				continue
			}
			option = n.option(b)
		}
		b, err := n.bind(slot, option)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// active reports whether a block runs.
func (n *Network) active(block int) bool {
	return n.paths != nil || n.e.space.Active(n.path, block)
}

// option is what a block that runs computes.
func (n *Network) option(block int) int {
	if n.paths != nil {
		return multiPath + n.kernelSet(block)
	}
	return n.path.Option[block]
}
