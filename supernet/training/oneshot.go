package training

import (
	"context"
	"fmt"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/backprop"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// oneShot is the supernet in training.
type oneShot struct{ network }

func newOneShot(ctx context.Context, n network, o Options, w onnx.StateDict) (trainee, error) {
	s := &oneShot{n}
	if err := s.teach(o); err != nil { // also checks the weights that it begins with
		return nil, err
	}
	var err error
	if w == nil {
		if w, err = s.begin(ctx, o); err != nil {
			return nil, err
		}
	} else if _, err := supernet.CheckSupernet(n.space, w); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrState, err)
	}
	s.w = w
	s.net, err = n.engine.Supernet(w)
	return s, err
}

// begin makes the supernet of the heaviest network, its channels ordered by
// importance, so that narrow options take the best.
func (s *oneShot) begin(ctx context.Context, o Options) (onnx.StateDict, error) {
	w := o.Heaviest
	if s.s.ReorderBatches > 0 {
		gathered, err := s.importance(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("order of channels: %w", err)
		}
		if w, err = supernet.Reorder(s.space, w, gathered); err != nil {
			return nil, fmt.Errorf("order of channels: %w", err)
		}
	}
	return supernet.FromHeaviest(s.space, w)
}

// importance sums the gradients of the heaviest network over some batches.
func (s *oneShot) importance(ctx context.Context, o Options) (onnx.StateDict, error) {
	net, err := s.engine.Child(s.space.HeaviestPath(), clone(o.Heaviest))
	if err != nil {
		return nil, err
	}
	loader, err := dataset.NewLoader(o.Train, dataset.LoaderOptions{Batch: s.batch, Seed: s.s.Seed + 1, Workers: o.Workers})
	if err != nil {
		return nil, err
	}
	net.ZeroGradients()
	done := 0
	for b, err := range loader.From(ctx, 0, 0) {
		if err == nil {
			_, err = net.Step(ctx, b.X, b.Labels, backprop.Loss{Smoothing: s.s.Smoothing}, backprop.StepOptions{KeepStatistics: true})
		}
		if err != nil {
			return nil, err
		}
		if done++; done == s.s.ReorderBatches {
			break
		}
	}
	return net.Gradients, nil
}

func (s *oneShot) gradients(ctx context.Context, b *dataset.Batch, step, micro int) (gradients, error) {
	s.zero()
	if s.s.Sampling == SampleImage {
		return s.eachImage(ctx, b, step)
	}
	var (
		total  sums
		loss   backprop.Loss
		err    error
		x      = b.X
		labels = b.Labels
		pixels = len(b.X) / len(b.Labels)
	)
	paths := stepPaths(s.space, s.s, step)
	// In a sandwich every path sees the same images, and the teacher runs once.
	shared := s.s.Sampling == SampleSandwich
	if m := s.s.micro(); m > 1 && !shared {
		paths = paths[micro*len(paths)/m:][:1]
	}
	for i, path := range paths {
		if !shared {
			from, to := i*s.batch, (i+1)*s.batch
			x, labels = b.X[from*pixels:to*pixels], b.Labels[from:to]
		}
		if !shared || i == 0 {
			if loss, err = s.loss(ctx, x, labels, step, micro, i); err != nil {
				return gradients{}, err
			}
		}
		if err := s.net.SetPath(path); err != nil {
			return gradients{}, err
		}
		found, err := s.pass(ctx, x, labels, loss, step, micro, i)
		if err != nil {
			return gradients{}, err
		}
		total.add(found)
	}
	return s.meanGradients(total, len(paths)), nil
}

// eachImage gives every image a path of its own.
func (s *oneShot) eachImage(ctx context.Context, b *dataset.Batch, step int) (gradients, error) {
	loss, err := s.loss(ctx, b.X, b.Labels, step, 0, 0)
	if err != nil {
		return gradients{}, err
	}
	rng := source(s.s.Seed, pathStream, step)
	paths := make([]model.Path, len(b.Labels))
	for i := range paths {
		paths[i] = imagePath(s.space, rng)
	}
	if err := s.net.SetPaths(paths); err != nil {
		return gradients{}, err
	}
	found, err := s.pass(ctx, b.X, b.Labels, loss, step, 0, 0)
	return s.meanGradients(found, 1), err
}

// validated are the children that stand for all.
func (s *oneShot) validated() []named {
	rng := source(s.s.SplitSeed, pathStream, 0)
	return []named{
		{string(Heaviest), s.space.HeaviestPath()}, {"smallest", smallestPath(s.space)},
		{"random-1", uniformPath(s.space, rng)}, {"random-2", uniformPath(s.space, rng)},
	}
}

type named struct {
	name string
	path model.Path
}

func (s *oneShot) validate(ctx context.Context, w onnx.StateDict) ([]Score, error) {
	var scores []Score
	for _, n := range s.validated() {
		child, err := supernet.Child(s.space, w, n.path)
		if err != nil {
			return nil, err
		}
		score, err := s.validator.score(ctx, n.name, n.path, child)
		if err != nil {
			return nil, err
		}
		if score.Images > 0 {
			scores = append(scores, score)
		}
	}
	return scores, nil
}
