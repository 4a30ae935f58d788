package backprop

import (
	"context"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// Engine holds the sessions that networks of one space, number of classes and
// batch size are trained with. Sessions are made when they are first needed (a
// few milliseconds each) and kept. Networks of one engine take turns: an engine
// is for one goroutine.
type Engine struct {
	space   *model.Space
	classes int
	o       Options
}

// NewEngine prepares training for images of s.ImageSize pixels. ONNX Runtime
// must be loaded.
func NewEngine(s *model.Space, classes int, o Options) (*Engine, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Engine{space: s, classes: classes, o: o}, nil
}

// Close frees the sessions and all networks of the engine.
func (e *Engine) Close() error { panic("not yet") }

// Supernet returns the whole supernet with the given weights, which it reads,
// and whose running statistics it updates, in place. The error names the first
// tensor that is missing or has another shape. [Network.SetPath] comes next.
func (e *Engine) Supernet(w onnx.StateDict) (*Network, error) { panic("not yet") }

// Child is [Engine.Supernet] for one network with weights of its own, under a
// child's names (blocks.1.0.conv_dw.weight, blocks.1.0.se.conv_reduce.weight).
func (e *Engine) Child(p model.Path, w onnx.StateDict) (*Network, error) { panic("not yet") }

// Network is weights in training.
type Network struct {
	// Gradients holds what steps added since [Network.ZeroGradients], by
	// parameter name, in the parameter's shape. Only names in Touched count.
	Gradients onnx.StateDict
	// Touched are the parameters that have a gradient. PyTorch gives the others
	// none at all: no momentum, no decay.
	Touched map[string]bool
}

// SetPath chooses the path of the supernet for all images of the next steps. It
// is an error for a child.
func (n *Network) SetPath(p model.Path) error { panic("not yet") }

// SetPaths gives every image of the next steps a path of its own, with the batch
// statistics of the original's multi-path sampling.
func (n *Network) SetPaths(p []model.Path) error { panic("not yet") }

// ZeroGradients forgets all gradients.
func (n *Network) ZeroGradients() { panic("not yet") }

// Step runs a batch forward and backward in training mode. x is [batch, 3,
// side, side], normalised; labels has batch entries. Gradients are added to
// n.Gradients; running statistics are updated with momentum 0.1 and the unbiased
// variance, and num_batches_tracked counts. A loss that is not finite is an
// error that wraps [ErrDiverged]. A context that ends stops the step in a few
// milliseconds; its gradients are then incomplete.
func (n *Network) Step(ctx context.Context, x []float32, labels []int, loss Loss, o StepOptions) (Result, error) {
	panic("not yet")
}

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
	panic("not yet")
}

// Features are what a teacher sees in a batch. They belong to the teacher and
// are overwritten by its next run.
type Features struct {
	Logits []float32 // [batch, classes]

	maps []*onnx.Tensor // stem, stages 0 to 6: [channels, positions·batch]
}

// Teacher is a network with frozen weights in evaluation mode.
type Teacher struct{}

// Teacher returns a network with its running statistics folded into its
// weights, which are copied: w may change or go. Names are a child's.
func (e *Engine) Teacher(p model.Path, w onnx.StateDict) (*Teacher, error) { panic("not yet") }

// Features runs a batch x [batch, 3, side, side] in evaluation mode.
func (t *Teacher) Features(ctx context.Context, x []float32) (*Features, error) { panic("not yet") }

// Close frees the teacher.
func (t *Teacher) Close() error { panic("not yet") }
