package backprop

import (
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
)

// A network is slots in a row: the stem, the first block, every searched block,
// the last convolution and the head.
const (
	slotStem  = 0
	slotFirst = 1
	slotBlock = 2 // of the first searched block
)

func (e *Engine) slotLast() int { return slotBlock + e.space.NumBlocks() }
func (e *Engine) slotHead() int { return e.slotLast() + 1 }

// block is the searched block of a slot.
func (e *Engine) block(slot int) (int, bool) {
	b := slot - slotBlock
	return b, b >= 0 && b < e.space.NumBlocks()
}

// multiPath is the first of the numbers that stand for a multi-path block where
// options are expected; added is the set of kernels in use, a bit each.
const multiPath = 1 << 8

// segment is what a slot computes; the option matters to searched blocks alone.
func (e *Engine) segment(slot, option int) segment {
	s, batch := e.space, e.o.Batch
	first := s.Stages[0]
	end := s.Stages[len(s.Stages)-1]
	side := model.Downsample(end.Resolution, end.Stride)
	switch slot {
	case slotStem:
		return stem(s.StemChannels, first.Resolution*first.Resolution*batch)
	case slotFirst:
		return block(s.FirstBlock(), s.StemChannels, first.Resolution, batch)
	case e.slotLast():
		return block(s.LastBlock(), end.OutChannels, side, batch)
	case e.slotHead():
		return segment{key: "head", channels: s.LastChannels, m: side * side * batch, layers: []layer{head{s.LastChannels, e.classes}}}
	}
	shape := s.Block(slot - slotBlock)
	if option >= multiPath {
		return multiPathBlock(s, shape, option-multiPath, batch)
	}
	return block(shape.Code(s.Options[option]), shape.InChannels, shape.Resolution, batch)
}

// feature is the number of the feature that a slot ends in a network of the given
// depths: 0 the stem, 1 the first block, then the stages; -1 inside a stage and for
// the head.
func (e *Engine) feature(slot int, depth []int) int {
	switch b, ok := e.block(slot); {
	case slot <= slotFirst:
		return slot
	case slot == e.slotLast():
		return 2 + len(e.space.Stages)
	case ok && b%e.space.MaxDepth == depth[b/e.space.MaxDepth]-1:
		return 2 + b/e.space.MaxDepth
	}
	return -1
}

// prefix is what the names of a slot's tensors start with.
func (e *Engine) prefix(slot int) string {
	switch slot {
	case slotStem, e.slotHead():
		return ""
	case slotFirst:
		return model.BlockName(0, 0) + "."
	case e.slotLast():
		return model.BlockName(len(e.space.Stages)+1, 0) + "."
	}
	b := slot - slotBlock
	return model.BlockName(b/e.space.MaxDepth+1, b%e.space.MaxDepth) + "."
}

// name is the state dict's name of a layer's tensor: local is bn2.weight,
// conv_dw.weight, se.conv_reduce.bias and so on.
func (n *Network) name(slot, option int, local string) string {
	name := n.e.prefix(slot) + local
	if !n.supernet || option >= multiPath {
		return name
	}
	return n.e.sources(option)[name]
}

// sources are the supernet's names of the tensors of a network whose blocks all have
// an option.
func (e *Engine) sources(option int) map[string]string {
	names, ok := e.names[option]
	if !ok {
		p := e.space.HeaviestPath()
		for b := range p.Option {
			p.Option[b] = option
		}
		names = map[string]string{}
		for _, t := range supernet.ChildLayout(e.space, p, e.classes) {
			names[t.Name] = t.Source
		}
		e.names[option] = names
	}
	return names
}

// required looks for the tensors that a network computes with. The error names the
// first that is missing or has another shape.
func required(w onnx.StateDict, tensors []supernet.Tensor) error {
	for _, t := range tensors {
		if t.Kind == supernet.Batches || t.Kind == supernet.Choice {
			continue
		}
		if _, err := w.Tensor(t.Name, t.Shape); err != nil {
			return err
		}
	}
	return nil
}

// largest is an option that writes every buffer at its largest.
func largest(s *model.Space) int {
	best := 0
	for i, o := range s.Options {
		have := s.Options[best]
		if o.Expansion > have.Expansion || o.Expansion == have.Expansion && o.SERatio > have.SERatio {
			best = i
		}
	}
	return best
}
