package backprop

import (
	"context"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

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
