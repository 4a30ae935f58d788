package backprop

import (
	"fmt"
	"strings"

	"github.com/binas-tui/binas-tui/model"
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

// segment is what a slot computes; the option matters to searched blocks alone.
func (e *Engine) segment(slot, option int) segment {
	s, batch := e.space, e.o.Batch
	first := s.Stages[0]
	end := s.Stages[len(s.Stages)-1]
	side := model.Downsample(end.Resolution, end.Stride)
	switch slot {
	case slotStem:
		return stem{s.StemChannels, first.Resolution * first.Resolution * batch}
	case slotFirst:
		return separable{s.StemChannels, s.FirstChannels, first.Resolution, batch}
	case e.slotLast():
		return last{end.OutChannels, s.LastChannels, side * side * batch}
	case e.slotHead():
		return head{s.LastChannels, s.FeatureChannels, e.classes, side * side, batch}
	}
	if option >= mixedOption {
		return e.mixed(s.Block(slot-slotBlock), option-mixedOption)
	}
	return newResidual(s.Block(slot-slotBlock), s.Options[option], batch)
}

// prefix is what the names of a slot's tensors start with.
func (e *Engine) prefix(slot int) string {
	switch slot {
	case slotStem, e.slotHead():
		return ""
	case slotFirst:
		return "blocks.0.0."
	case e.slotLast():
		return fmt.Sprintf("blocks.%d.0.", len(e.space.Stages)+1)
	}
	b := slot - slotBlock
	return fmt.Sprintf("blocks.%d.%d.", b/e.space.MaxDepth+1, b%e.space.MaxDepth)
}

// name is the state dict's name of a layer's tensor: local is bn2.weight,
// conv_dw.weight, se.conv_reduce.bias and so on. In a supernet a block has a
// depthwise convolution and its BN per kernel, and a last BN per expansion and
// squeeze-excite.
func (n *Network) name(slot, option int, local string) string {
	prefix := n.e.prefix(slot)
	if _, ok := n.e.block(slot); !ok || !n.supernet {
		return prefix + local
	}
	layer, rest, _ := strings.Cut(local, ".")
	if option >= mixedOption {
		if layer == "se" {
			return prefix + "se.1." + rest
		}
		return prefix + local // has its index already
	}
	kernel, norm := n.e.variants(option)
	switch layer {
	case "conv_dw", "bn2":
		return fmt.Sprintf("%s%s.%d.%s", prefix, layer, kernel, rest)
	case "bn3":
		return fmt.Sprintf("%sbn3.%d.%s", prefix, norm, rest)
	case "se":
		return prefix + "se.1." + rest
	}
	return prefix + local
}

// variants are the indices of an option's kernel, and of its last BN: the index
// of the expansion times two, plus one with squeeze-excite.
func (e *Engine) variants(option int) (kernel, norm int) {
	o := e.space.Options[option]
	seen := map[float64]bool{}
	for _, other := range e.space.Options {
		if other.Expansion < o.Expansion && !seen[other.Expansion] {
			seen[other.Expansion] = true
			norm += 2
		}
	}
	kernels := map[int]bool{}
	for _, other := range e.space.Options {
		if other.Kernel < o.Kernel && !kernels[other.Kernel] {
			kernels[other.Kernel] = true
			kernel++
		}
	}
	if o.SERatio > 0 {
		norm++
	}
	return kernel, norm
}

// widest is the option with the most channels and the same kernel and
// squeeze-excite: its tensors are those that the supernet holds.
func (e *Engine) widest(option int) int {
	best := option
	for i, o := range e.space.Options {
		if have := e.space.Options[best]; o.Kernel == have.Kernel && o.SERatio == have.SERatio && o.Expansion > have.Expansion {
			best = i
		}
	}
	return best
}

// torchShape is the shape that the state dict gives a parameter which graphs
// hold as a matrix.
func torchShape(local string, matrix []int) []int {
	rows, columns := matrix[0], matrix[1]
	switch {
	case strings.HasPrefix(local, "classifier.") && columns > 1:
		return []int{rows, columns}
	case strings.HasSuffix(local, ".bias"), strings.HasPrefix(local, "bn"):
		return []int{rows}
	case local == "conv_stem.weight":
		return []int{rows, 3, 3, 3}
	case strings.HasPrefix(local, "conv_dw.") && columns == 9:
		return []int{rows, 1, 3, 3}
	case strings.HasPrefix(local, "conv_dw."):
		return []int{rows, 1, 5, 5}
	}
	return []int{rows, columns, 1, 1}
}

// parameters are the shapes of a segment's parameters as matrices, by local name.
func (e *Engine) parameters(slot, option int) map[string][]int {
	segment := e.segment(slot, option)
	if out, ok := e.shapes[segment.key()]; ok {
		return out
	}
	b := newBuilder("parameters", e.o.Batch)
	segment.forward(b)
	out := map[string][]int{}
	for i, v := range b.g.Inputs() {
		if local, ok := strings.CutPrefix(b.ins[i], "p:"); ok {
			out[local] = v.Shape
		}
	}
	e.shapes[segment.key()] = out
	return out
}
