package backprop

import (
	"context"
	"fmt"
	"slices"

	"github.com/binas-tui/binas-tui/onnx"
)

// momentum of the running statistics of batch normalisation.
const momentum = 0.1

// Moments are the statistics of one batch normalisation over one batch.
type Moments struct {
	Mean []float32
	Var  []float32 // biased: divided by Count
	// Count is the number of values per channel: batch times positions.
	Count int
}

// Statistics runs a batch forward in training mode and returns the batch
// statistics of every batch normalisation of the path, by the name of its
// layer (blocks.1.0.bn1). It changes nothing. The slices are the caller's.
func (n *Network) Statistics(ctx context.Context, x []float32) (map[string]Moments, error) {
	out := map[string]Moments{}
	route, err := n.route()
	if err == nil {
		err = n.e.checkImages(x)
	}
	if err == nil {
		err = n.drop(StepOptions{})
	}
	if err == nil {
		err = n.forward(ctx, route, x)
	}
	if err != nil {
		return nil, fmt.Errorf("batch statistics: %w", err)
	}
	for _, b := range route {
		for _, m := range b.norms {
			out[m.name] = Moments{slices.Clone(m.mean.Data), slices.Clone(m.variance.Data), m.count}
		}
	}
	return out, nil
}

// updateStatistics moves the running statistics towards those of the batch.
func (n *Network) updateStatistics(norms map[string]*moments) {
	for name, m := range norms {
		mean, variance := n.weights[name+".running_mean"].Data, n.weights[name+".running_var"].Data
		unbiased := float32(m.count) / float32(m.count-1)
		for i, v := range m.mean.Data {
			mean[i] += momentum * (v - mean[i])
		}
		for i, v := range m.variance.Data {
			variance[i] += momentum * (v*unbiased - variance[i])
		}
		if tracked, ok := n.weights[name+".num_batches_tracked"]; ok && len(tracked.Data) == 1 {
			tracked.Data[0]++
		}
	}
}

// fullStatistics runs what the original runs beside the path, after a forward
// pass along it: all channels of every block, and the blocks beyond the depth.
// It replaces and adds norms.
func (n *Network) fullStatistics(ctx context.Context, route []*binding, norms map[string]*moments) error {
	at := map[int]*binding{}
	for _, b := range route {
		at[b.slot] = b
	}
	var x *onnx.Tensor
	for i := range n.e.space.NumBlocks() {
		option := n.path.Option[i]
		if option < 0 {
			continue // nothing was chosen for this block or those behind it
		}
		b := at[slotBlock+i]
		if b != nil {
			x = b.x
		}
		full, err := n.bind(shadow+slotBlock+i, n.e.widest(option))
		if err != nil {
			return err
		}
		if err := n.keepAll(full); err != nil {
			return err
		}
		if _, err := full.run(ctx, x); err != nil {
			return err
		}
		if b == nil {
			if b, err = n.bind(slotBlock+i, option); err != nil {
				return err
			}
			if err := n.keepAll(b); err != nil {
				return err
			}
			if _, err := b.run(ctx, x); err != nil {
				return err
			}
			last := b.norms[len(b.norms)-1]
			norms[last.name] = last
		}
		for _, m := range full.norms[:2] {
			norms[m.name] = m
		}
		x = b.out()
	}
	return nil
}

// keepAll drops no image of a block.
func (n *Network) keepAll(b *binding) error {
	keep, err := n.e.tensor(b.slot, "keep", []int{1, 1, n.e.o.Batch})
	if err == nil {
		keepWithProbability(keep.Data, 0, nil)
	}
	return err
}
