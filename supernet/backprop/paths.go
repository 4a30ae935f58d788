package backprop

import (
	"context"
	"fmt"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// SetPaths gives every image of the next steps a path of its own, with the batch
// statistics and gradients of the original's multi-path sampling: all blocks run
// at full width on all images. It takes about twice as long as one path
// for the batch. Every block of a path needs an option, those beyond its depth
// too.
func (n *Network) SetPaths(paths []model.Path) error {
	if !n.supernet {
		return fmt.Errorf("set paths: a child has one path")
	}
	if len(paths) != n.e.o.Batch {
		return fmt.Errorf("set paths: %d paths: the engine is made for batches of %d", len(paths), n.e.o.Batch)
	}
	for i, p := range paths {
		if err := n.e.space.CheckPath(p); err != nil {
			return fmt.Errorf("set paths: image %d: %w", i, err)
		}
		for b, option := range p.Option {
			if option == model.Off {
				return fmt.Errorf("set paths: image %d: block %d has no option", i, b)
			}
		}
	}
	n.path, n.paths = model.Path{}, nil
	for _, p := range paths {
		n.paths = append(n.paths, p.Clone())
	}
	return nil
}

// kernelSet is the kernels that a block's images take, a bit each.
func (n *Network) kernelSet(block int) int {
	set := 0
	for _, p := range n.paths {
		k, _ := n.e.variants(p.Option[block])
		set |= 1 << k
	}
	return set
}

// choose writes the per-image masks of every block and stage.
func (n *Network) choose() error {
	for block := range n.e.space.NumBlocks() {
		if err := n.chooseOptions(block); err != nil {
			return err
		}
	}
	for stage := range n.e.space.Stages {
		for depth := n.e.space.MinDepth; depth <= n.e.space.MaxDepth; depth++ {
			take, err := n.take(stage, depth)
			if err != nil {
				return err
			}
			for i, p := range n.paths {
				take.Data[i] = indicator(p.Depth[stage] == depth)
			}
		}
	}
	return nil
}

// take is the mask of the images that leave a stage at a depth.
func (n *Network) take(stage, depth int) (*onnx.Tensor, error) {
	slot := slotBlock + stage*n.e.space.MaxDepth + depth - 1
	return n.e.tensor(slot, "take", []int{1, 1, n.e.o.Batch})
}

func (n *Network) chooseOptions(block int) error {
	e, slot := n.e, slotBlock+block
	x := e.mixed(e.space.Block(block), n.kernelSet(block))
	tensor := func(key string, shape ...int) *onnx.Tensor {
		t, err := e.tensor(slot, key, shape)
		if err != nil {
			panic("backprop: " + err.Error()) // a shape other than that of the graph
		}
		clear(t.Data)
		return t
	}
	use := map[int]*onnx.Tensor{}
	for _, k := range x.kernels {
		use[k.index] = tensor(fmt.Sprintf("use.%d", k.index), x.mid, 1, x.batch)
	}
	squeeze, norms := tensor("squeeze", x.squeezed, x.batch), tensor("norms", x.variants, x.batch)
	gated, plain := tensor("gated", 1, x.batch), tensor("plain", 1, x.batch)
	for i, p := range n.paths {
		o := e.space.Options[p.Option[block]]
		k, variant := e.variants(p.Option[block])
		narrow := newResidual(e.space.Block(block), model.Option{Expansion: o.Expansion, Kernel: o.Kernel, SERatio: e.space.Options[e.largest()].SERatio}, x.batch)
		column(use[k], i, x.batch, narrow.mid)
		column(squeeze, i, x.batch, narrow.squeezed)
		gated.Data[i], plain.Data[i] = indicator(o.SERatio > 0), indicator(o.SERatio == 0)
		norms.Data[variant*x.batch+i] = 1
	}
	return nil
}

// column sets the first rows of a column to 1.
func column(t *onnx.Tensor, i, columns, rows int) {
	for r := range rows {
		t.Data[r*columns+i] = 1
	}
}

func indicator(yes bool) float32 {
	if yes {
		return 1
	}
	return 0
}

// lastOfStage reports whether a slot is the last block of a stage in which images
// take paths of their own.
func (n *Network) lastOfStage(slot int) (stage int, ok bool) {
	block, ok := n.e.block(slot)
	return block / n.e.space.MaxDepth, ok && n.paths != nil && (block+1)%n.e.space.MaxDepth == 0
}

// choice is the segment that ends a stage.
func (n *Network) choice(stage int) choice {
	r := n.e.segment(slotBlock+(stage+1)*n.e.space.MaxDepth-1, n.e.largest()).(residual)
	return choice{r.out, r.mOut(), r.batch, n.e.space.MaxDepth - n.e.space.MinDepth + 1}
}

// leave computes the output of a stage from the results of its blocks.
func (n *Network) leave(ctx context.Context, stage int, results []*onnx.Tensor) (*onnx.Tensor, error) {
	c := n.choice(stage)
	p, err := n.e.program(c, false)
	if err != nil {
		return nil, err
	}
	out, err := n.left(stage)
	if err != nil {
		return nil, err
	}
	var in []*onnx.Tensor
	for i := range c.blocks {
		take, err := n.take(stage, n.e.space.MinDepth+i)
		if err != nil {
			return nil, err
		}
		in = append(in, results[len(results)-c.blocks+i], take)
	}
	return out, p.session.RunTensors(ctx, in, []*onnx.Tensor{out})
}

// left is the output of a stage.
func (n *Network) left(stage int) (*onnx.Tensor, error) {
	c := n.choice(stage)
	return n.e.tensor(slotBlock+stage*n.e.space.MaxDepth, "left", []int{c.channels, c.m})
}

// enter is the gradient of a block's result, d being that of its stage's output
// and next what the block behind it gave, nil for the last.
func (n *Network) enter(ctx context.Context, slot int, d, next *onnx.Tensor) (*onnx.Tensor, error) {
	block, _ := n.e.block(slot)
	stage, depth := block/n.e.space.MaxDepth, block%n.e.space.MaxDepth+1
	if depth < n.e.space.MinDepth {
		return next, nil
	}
	c := n.choice(stage)
	p, err := n.e.program(c, true)
	if err != nil {
		return nil, err
	}
	shape := []int{c.channels, c.m}
	if next == nil {
		if next, err = n.e.tensor(slot, "nothing", shape); err != nil {
			return nil, err
		}
	}
	take, err := n.take(stage, depth)
	if err != nil {
		return nil, err
	}
	out, err := n.e.tensor(slot, "entered", shape)
	if err != nil {
		return nil, err
	}
	return out, p.session.RunTensors(ctx, []*onnx.Tensor{d, take, next}, []*onnx.Tensor{out})
}
