package backprop

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/binas-tui/binas-tui/internal/parallel"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// Step runs a batch forward and backward in training mode. x is [batch, 3,
// side, side], normalised; labels has batch entries. Gradients are added to
// n.Gradients; running statistics are updated with momentum 0.1 and the unbiased
// variance, and num_batches_tracked counts. A loss that is not finite is an
// error that wraps [ErrDiverged]. A context that ends stops the step in a few
// milliseconds; its gradients are then incomplete.
func (n *Network) Step(ctx context.Context, x []float32, labels []int, loss Loss, o StepOptions) (Result, error) {
	r, err := n.step(ctx, x, labels, loss, o)
	if err != nil {
		return r, fmt.Errorf("training step: %w", err)
	}
	return r, nil
}

func (n *Network) step(ctx context.Context, x []float32, labels []int, loss Loss, o StepOptions) (Result, error) {
	if err := n.e.checkBatch(x, labels, loss, o); err != nil {
		return Result{}, err
	}
	route, err := n.route()
	if err != nil {
		return Result{}, err
	}
	if err := n.drop(o); err != nil {
		return Result{}, err
	}
	if err := n.forward(ctx, route, x); err != nil {
		return Result{}, err
	}
	r, err := n.logitLoss(route, labels, loss)
	if err != nil {
		return r, err
	}
	if err := n.backward(ctx, route, loss, &r); err != nil {
		return r, err
	}
	if math.IsNaN(r.Loss) || math.IsInf(r.Loss, 0) {
		return r, fmt.Errorf("%w: the loss is %v", ErrDiverged, r.Loss)
	}
	if n.last = route; !o.KeepStatistics {
		n.updateStatistics(route)
	}
	return r, nil
}

func (e *Engine) checkBatch(x []float32, labels []int, loss Loss, o StepOptions) error {
	if err := e.checkImages(x); err != nil {
		return err
	}
	if len(labels) != e.o.Batch {
		return fmt.Errorf("%d labels: the engine is made for batches of %d", len(labels), e.o.Batch)
	}
	if n := len(loss.Other); n > 0 && n != e.o.Batch || !(loss.Share >= 0 && loss.Share <= 1) {
		return fmt.Errorf("%d second labels and a share of %v of the first: expected none or %d, and 0 to 1", n, loss.Share, e.o.Batch)
	}
	for _, labels := range [][]int{labels, loss.Other} {
		for i, y := range labels {
			if y < 0 || y >= e.classes {
				return fmt.Errorf("label %d of image %d: expected 0 to %d", y, i, e.classes-1)
			}
		}
	}
	if loss.Teacher == nil && (loss.KD != 0 || loss.Features != 0) {
		return fmt.Errorf("distillation without a teacher")
	}
	if loss.Teacher != nil && len(loss.Teacher.Logits) != e.o.Batch*e.classes {
		return fmt.Errorf("teacher of %d logits: expected %d", len(loss.Teacher.Logits), e.o.Batch*e.classes)
	}
	if !(o.Dropout >= 0 && o.Dropout < 1) || !(o.DropPath >= 0 && o.DropPath < 1) {
		return fmt.Errorf("dropout %v and drop path %v: expected 0 to less than 1", o.Dropout, o.DropPath)
	}
	return nil
}

func (e *Engine) checkImages(x []float32) error {
	if side := e.space.ImageSize; len(x) != e.o.Batch*3*side*side {
		return fmt.Errorf("%d values: %d images of %d pixels have %d", len(x), e.o.Batch, side, e.o.Batch*3*side*side)
	}
	return nil
}

// forward runs the route's forward programs on images.
func (n *Network) forward(ctx context.Context, route []*binding, images []float32) error {
	e := n.e
	stem := e.segment(slotStem, 0)
	x, err := e.mirrored(slotStem, "x", []int{stem.channels, stem.m})
	if err != nil {
		return err
	}
	if err := patches(ctx, x.Data, images, e.o.Batch, e.space.ImageSize); err != nil {
		return err
	}
	if n.paths != nil {
		if err := n.writeMasks(); err != nil {
			return err
		}
	}
	if err := errors.Join(x.Upload(), n.load(ctx, route), e.memory.Wait()); err != nil {
		return err
	}
	var results []*onnx.Tensor
	for _, b := range route {
		if x, err = b.run(ctx, x); err != nil {
			return err
		}
		results = append(results, x)
		if stage, ok := n.lastOfStage(b.slot); ok {
			if x, err = n.mixDepths(ctx, stage, results); err != nil {
				return err
			}
		}
	}
	return nil
}

// run runs the forward program of a binding on x and returns its result.
func (b *binding) run(ctx context.Context, x *onnx.Tensor) (*onnx.Tensor, error) {
	b.forward.set("x", x)
	b.x = x
	if err := b.forward.session.RunTensors(ctx, b.forward.in, b.forward.out); err != nil {
		return nil, err
	}
	for _, t := range b.downloaded {
		if err := t.Download(); err != nil {
			return nil, err
		}
	}
	return b.out(), nil
}

// backward runs the backward programs from the gradient of the logits, which
// logitLoss left, to the stem. The losses of features are added on the way.
func (n *Network) backward(ctx context.Context, route []*binding, loss Loss, r *Result) error {
	d, err := n.e.mirrored(n.e.slotHead(), "dout", []int{n.e.classes, n.e.o.Batch})
	if err != nil {
		return err
	}
	if loss.Features != 0 {
		r.Stages = make([]float64, len(loss.Teacher.maps))
	}
	var stageGradient *onnx.Tensor // of the output of the stage, where images leave it at different depths
	depth := n.path.Depth
	if n.paths != nil {
		depth = n.e.space.HeaviestPath().Depth
	}
	for i := len(route) - 1; i >= 0; i-- {
		b := route[i]
		f := b.out()
		stage, ends := n.lastOfStage(b.slot)
		if ends {
			if f, err = n.stageOutput(stage); err != nil {
				return err
			}
		}
		if feature := n.e.feature(b.slot, depth); feature >= 0 && loss.Features != 0 {
			if d, r.Stages[feature], err = n.e.distil(ctx, b.slot, f, loss.Teacher.maps[feature], d, loss.Features); err != nil {
				return err
			}
			r.Loss += loss.Features * r.Stages[feature]
		}
		if _, ok := n.e.block(b.slot); ok && n.paths != nil {
			if ends {
				stageGradient, d = d, nil
			}
			if d, err = n.resultGradient(ctx, b.slot, stageGradient, d); err != nil {
				return err
			}
		}
		if d, err = n.runBackward(ctx, b, d); err != nil {
			return err
		}
	}
	if n.memory == nil {
		return nil
	}
	var all []*gradient
	for _, b := range route {
		all = append(all, b.gradients...)
	}
	if err := n.memory.Wait(); err != nil {
		return err
	}
	err = parallel.For(ctx, len(all), func(i int) { all[i].store(n.Touched[all[i].name]) })
	for _, g := range all {
		n.Touched[g.name] = true
	}
	return err
}

// runBackward runs one backward program and stores its gradients, or begins to download
// them. It returns the gradient of the binding's input; nil for the stem.
func (n *Network) runBackward(ctx context.Context, b *binding, d *onnx.Tensor) (*onnx.Tensor, error) {
	b.backward.set("x", b.x)
	b.backward.set("dout", d)
	for _, g := range b.gradients {
		b.backward.out[g.index] = g.target(n.Touched[g.name])
	}
	if err := b.backward.session.RunTensors(ctx, b.backward.in, b.backward.out); err != nil {
		return nil, err
	}
	for _, g := range b.gradients {
		if n.memory != nil { // stored at the end of the pass
			if err := g.scratch.Download(); err != nil {
				return nil, err
			}
			continue
		}
		g.store(n.Touched[g.name])
		n.Touched[g.name] = true
	}
	return b.backward.result("dx"), nil
}

// drop draws what dropout and drop path leave out of this step.
func (n *Network) drop(o StepOptions) error {
	e := n.e
	mask, err := e.mirrored(e.slotHead(), "mask", []int{e.space.FeatureChannels, e.o.Batch})
	if err != nil {
		return err
	}
	keepWithProbability(mask.Data, o.Dropout, rand.New(rand.NewPCG(o.Seed, 0)))
	if err := mask.Upload(); err != nil {
		return err
	}
	blocks := 2
	for i := range e.space.NumBlocks() {
		if n.active(i) {
			blocks++
		}
	}
	index := 1
	for i := range e.space.NumBlocks() {
		if !n.active(i) {
			continue
		}
		keep, err := e.mirrored(slotBlock+i, "keep", []int{1, 1, e.o.Batch})
		if err != nil {
			return err
		}
		rate := o.DropPath * float64(index) / float64(blocks)
		keepWithProbability(keep.Data, rate, rand.New(rand.NewPCG(o.Seed, uint64(1+i))))
		if err := keep.Upload(); err != nil {
			return err
		}
		index++
	}
	return nil
}

// keepWithProbability fills keep with 0 at the given rate, and with 1/(1-rate).
func keepWithProbability(keep []float32, rate float64, r *rand.Rand) {
	for i := range keep {
		keep[i] = 1
		if rate > 0 {
			keep[i] = float32(1 / (1 - rate))
			if r.Float64() < rate {
				keep[i] = 0
			}
		}
	}
}

// patches gathers the 3x3 patches of stride 2 of images [batch, 3, side, side]
// as [27, positions·batch], the outside being 0.
func patches(ctx context.Context, to, images []float32, batch, side int) error {
	out := model.Downsample(side, 2)
	m := out * out * batch
	return parallel.For(ctx, patchSize, func(row int) {
		channel, ky, kx := row/9, row/3%3, row%3
		grid(out, func(position, y, x int) {
			line := to[row*m+position*batch:][:batch]
			iy, ix := 2*y+ky-1, 2*x+kx-1
			if iy < 0 || ix < 0 || iy >= side || ix >= side {
				clear(line)
				return
			}
			at := (channel*side+iy)*side + ix
			for i := range line {
				line[i] = images[at+i*3*side*side]
			}
		})
	})
}
