package backprop

import (
	"context"
	"errors"
	"fmt"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
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
	axes, set := supernet.AxesOf(n.e.space), 0
	for _, p := range n.paths {
		set |= 1 << axes.Kernel(n.e.space.Options[p.Option[block]])
	}
	return set
}

// writeMasks writes the per-image masks of every block and stage.
func (n *Network) writeMasks() error {
	for block := range n.e.space.NumBlocks() {
		if err := n.writeOptionMasks(block); err != nil {
			return err
		}
	}
	for stage := range n.e.space.Stages {
		for depth := n.e.space.MinDepth; depth <= n.e.space.MaxDepth; depth++ {
			mask, err := n.depthMask(stage, depth)
			if err != nil {
				return err
			}
			for i, p := range n.paths {
				mask.Data[i] = indicator(p.Depth[stage] == depth)
			}
			if err := mask.Upload(); err != nil {
				return err
			}
		}
	}
	return nil
}

// widths are the channels of a block after the expansion and after the squeeze.
func widths(shape model.BlockShape, o model.Option) (mid, squeezed int) {
	code := shape.Code(o)
	return code.MidChannels(shape.InChannels), code.SEChannels(shape.InChannels)
}

// writeOptionMasks writes those of one block; see [multiPathBlock].
func (n *Network) writeOptionMasks(block int) error {
	e, batch := n.e, n.e.o.Batch
	axes, shape, widest := supernet.AxesOf(e.space), e.space.Block(block), e.space.Options[largest(e.space)]
	mid, squeezed := widths(shape, widest)
	var (
		masks []*onnx.Tensor
		err   error
	)
	mask := func(key string, shape ...int) []float32 {
		t, failed := e.mirrored(slotBlock+block, key, shape)
		if failed != nil {
			err = failed
			return make([]float32, onnx.Elements(shape))
		}
		clear(t.Data)
		masks = append(masks, t)
		return t.Data
	}
	squeeze, norms := mask("squeeze", squeezed, batch), mask("norms", axes.Norms(), batch)
	gated, plain := mask("gated", 1, batch), mask("plain", 1, batch)
	var use [][]float32
	for i := range axes.Kernels {
		use = append(use, mask(fmt.Sprintf("use.%d", i), mid, batch))
	}
	for i, p := range n.paths {
		o := e.space.Options[p.Option[block]]
		mid, squeezed := widths(shape, model.Option{Expansion: o.Expansion, SERatio: widest.SERatio})
		kernel := use[axes.Kernel(o)]
		for row := range mid {
			kernel[row*batch+i] = 1
		}
		for row := range squeezed {
			squeeze[row*batch+i] = 1
		}
		gated[i], plain[i] = indicator(o.SERatio > 0), indicator(o.SERatio == 0)
		norms[axes.Norm(o)*batch+i] = 1
	}
	for _, t := range masks {
		err = errors.Join(err, t.Upload())
	}
	return err
}

func indicator(yes bool) float32 {
	if yes {
		return 1
	}
	return 0
}

// depthMask is the mask of the images that leave a stage at a depth.
func (n *Network) depthMask(stage, depth int) (*onnx.Tensor, error) {
	slot := slotBlock + stage*n.e.space.MaxDepth + depth - 1
	return n.e.mirrored(slot, "depth", []int{1, 1, n.e.o.Batch})
}

// lastOfStage reports whether a slot is the last block of a stage in which images
// take paths of their own.
func (n *Network) lastOfStage(slot int) (stage int, ok bool) {
	block, ok := n.e.block(slot)
	return block / n.e.space.MaxDepth, ok && n.paths != nil && (block+1)%n.e.space.MaxDepth == 0
}

// stageShape is the shape of a stage's output.
func (e *Engine) stageShape(stage int) []int {
	s := e.space.Stages[stage]
	side := model.Downsample(s.Resolution, s.Stride)
	return []int{s.OutChannels, side * side * e.o.Batch}
}

// stageOutput is where the output of a stage goes.
func (n *Network) stageOutput(stage int) (*onnx.Tensor, error) {
	return n.e.tensor(slotBlock+stage*n.e.space.MaxDepth, "stage output", n.e.stageShape(stage))
}

// mixDepths computes the output of a stage from the results of its blocks, which are
// the last of results.
func (n *Network) mixDepths(ctx context.Context, stage int, results []*onnx.Tensor) (*onnx.Tensor, error) {
	shape, depths := n.e.stageShape(stage), n.e.space.NumDepths()
	p, err := n.e.program(fmt.Sprint("depth mix ", shape), depthMix(shape[0], shape[1], depths))
	if err != nil {
		return nil, err
	}
	out, err := n.stageOutput(stage)
	if err != nil {
		return nil, err
	}
	var in []*onnx.Tensor
	for i := range depths {
		mask, err := n.depthMask(stage, n.e.space.MinDepth+i)
		if err != nil {
			return nil, err
		}
		in = append(in, results[len(results)-depths+i], mask)
	}
	return out, p.session.RunTensors(ctx, in, []*onnx.Tensor{out})
}

// resultGradient is the gradient of a block's result: d is that of the stage's
// output, next the one that the following block returned, nil for the last.
func (n *Network) resultGradient(ctx context.Context, slot int, d, next *onnx.Tensor) (*onnx.Tensor, error) {
	block, _ := n.e.block(slot)
	stage, depth := block/n.e.space.MaxDepth, block%n.e.space.MaxDepth+1
	if depth < n.e.space.MinDepth {
		return next, nil
	}
	shape := n.e.stageShape(stage)
	p, err := n.e.program(fmt.Sprint("depth mix gradient ", shape), depthMixGradient(shape[0], shape[1]))
	if err != nil {
		return nil, err
	}
	if next == nil {
		if next, err = n.e.tensor(slot, "zero", shape); err != nil {
			return nil, err
		}
	}
	mask, err := n.depthMask(stage, depth)
	if err != nil {
		return nil, err
	}
	out, err := n.e.tensor(slot, "result gradient", shape)
	if err != nil {
		return nil, err
	}
	return out, p.session.RunTensors(ctx, []*onnx.Tensor{d, mask, next}, []*onnx.Tensor{out})
}
