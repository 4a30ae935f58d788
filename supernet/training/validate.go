package training

import (
	"context"
	"runtime/debug"

	"github.com/binas-tui/binas-tui/internal/logits"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet/backprop"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// validator scores networks on held-out images, in evaluation mode with the
// running statistics as they are. It uses the engine that trains, so that
// nothing else needs memory; package evaluation is for more than curves.
type validator struct {
	engine  *backprop.Engine
	batch   int
	classes int
	loader  *dataset.Loader // nil without images
}

func newValidator(e *backprop.Engine, batch int, s Settings, o Options) (*validator, error) {
	v := &validator{engine: e, batch: batch, classes: s.Classes}
	if o.HeldOut == nil || o.HeldOut.Len() == 0 {
		return v, nil
	}
	set := o.HeldOut
	if s.Validation > 0 {
		set = set.Spread(s.Validation)
	}
	var err error
	v.loader, err = dataset.NewLoader(set, dataset.LoaderOptions{Batch: batch, Evaluate: true, Workers: o.Workers})
	return v, err
}

// score runs a network over all images.
func (v *validator) score(ctx context.Context, name string, p model.Path, w onnx.StateDict) (Score, error) {
	score := Score{Network: name}
	if v.loader == nil {
		return score, nil
	}
	net, err := v.engine.Evaluated(p, w)
	if err != nil {
		return score, err
	}
	defer func() { // its maps are many times as large as what is kept of them
		net.Close()
		debug.FreeOSMemory()
		onnx.ReleaseMemory()
	}()
	top1, top5, loss := 0, 0, 0.0
	for b, err := range v.loader.Epoch(ctx, 0, 0) {
		if err != nil {
			return score, err
		}
		x, n := b.X, len(b.Labels)
		if n < v.batch { // the last batch: what is added is not counted
			x = make([]float32, len(b.X)/n*v.batch)
			copy(x, b.X)
		}
		f, err := net.Features(ctx, x)
		if err != nil {
			return score, err
		}
		for i, label := range b.Labels {
			z := f.Logits[i*v.classes : (i+1)*v.classes]
			higher := logits.Rank(z, label)
			if higher == 0 {
				top1++
			}
			if higher < 5 {
				top5++
			}
			loss += logits.CrossEntropy(z, label)
		}
		score.Images += n
	}
	images := float64(max(score.Images, 1))
	score.Top1, score.Top5, score.Loss = 100*float64(top1)/images, 100*float64(top5)/images, loss/images
	return score, nil
}
