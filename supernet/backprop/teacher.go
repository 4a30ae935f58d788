package backprop

import (
	"context"
	"errors"
	"fmt"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
)

// Features are what a teacher sees in a batch. They belong to the teacher and
// are overwritten by its next run.
type Features struct {
	Logits []float32 // [batch, classes]

	maps []*onnx.Tensor // stem, stages 0 to 6: [channels, positions·batch]
}

// Teacher is a network with frozen weights in evaluation mode.
type Teacher struct {
	e       *Engine
	memory  *onnx.Memory // of the tensors, on a card
	session *onnx.Session
	x       *onnx.Tensor
	out     []*onnx.Tensor // the features' maps, then logits [classes, batch]
	f       Features
}

// Teacher returns a network with its running statistics folded into its
// weights, which are copied: w may change or go. Names are a child's. It gives
// features to students of the same engine.
func (e *Engine) Teacher(p model.Path, w onnx.StateDict) (*Teacher, error) {
	return e.teacher(p, w, e.segment)
}

// Evaluated is Teacher of a network as steps compute it: rounded where
// [Options.Levels] say so.
func (e *Engine) Evaluated(p model.Path, w onnx.StateDict) (*Teacher, error) {
	return e.teacher(p, w, e.trained)
}

func (e *Engine) teacher(p model.Path, w onnx.StateDict, segments func(slot, option int) segment) (*Teacher, error) {
	t := &Teacher{e: e, memory: e.memory.Part()}
	err := e.space.CheckPath(p)
	if err == nil {
		err = t.open(p, w, segments)
	}
	if err != nil {
		t.Close()
		return nil, fmt.Errorf("teacher: %w", err)
	}
	e.networks = append(e.networks, t)
	return t, nil
}

func (t *Teacher) open(p model.Path, w onnx.StateDict, segments func(slot, option int) segment) error {
	if err := required(w, supernet.ChildLayout(t.e.space, p, t.e.classes)); err != nil {
		return err
	}
	b := t.e.evaluation(p, w, segments)
	var err error
	if t.session, err = onnx.NewSession(b.g.Marshal(), t.e.sessionOptions()); err != nil {
		return err
	}
	if t.x, err = t.memory.NewTensor(b.g.Inputs()[0].Shape...); err != nil {
		return err
	}
	for _, v := range b.g.Outputs() {
		out, err := t.memory.NewTensor(v.Shape...)
		if err != nil {
			return err
		}
		t.out = append(t.out, out)
	}
	if err := errors.Join(t.x.Mirror(), t.out[len(t.out)-1].Mirror()); err != nil {
		return err
	}
	t.f = Features{Logits: make([]float32, t.e.o.Batch*t.e.classes), maps: t.out[:len(t.out)-1]}
	return nil
}

// Features runs a batch x [batch, 3, side, side] in evaluation mode.
func (t *Teacher) Features(ctx context.Context, x []float32) (*Features, error) {
	if err := t.e.checkImages(x); err != nil {
		return nil, fmt.Errorf("teacher: %w", err)
	}
	if err := patches(ctx, t.x.Data, x, t.e.o.Batch, t.e.space.ImageSize); err != nil {
		return nil, fmt.Errorf("teacher: %w", err)
	}
	if err := errors.Join(t.x.Upload(), t.memory.Wait()); err != nil {
		return nil, fmt.Errorf("teacher: %w", err)
	}
	if err := t.session.RunTensors(ctx, []*onnx.Tensor{t.x}, t.out); err != nil {
		return nil, fmt.Errorf("teacher: %w", err)
	}
	logits := t.out[len(t.out)-1]
	if err := errors.Join(logits.Download(), t.memory.Wait()); err != nil {
		return nil, fmt.Errorf("teacher: %w", err)
	}
	transpose(t.f.Logits, logits.Data, t.e.classes, t.e.o.Batch)
	return &t.f, nil
}

// Close frees the teacher.
func (t *Teacher) Close() error {
	if t.x != nil {
		t.x.Close()
	}
	for _, out := range t.out {
		out.Close()
	}
	err := t.memory.Close()
	t.x, t.out, t.memory = nil, nil, nil
	t.e.forget(t)
	if t.session == nil {
		return err
	}
	return errors.Join(err, t.session.Close())
}

// evaluation writes a network of segments in evaluation mode. Its outputs are the
// features, then the logits.
func (e *Engine) evaluation(p model.Path, w onnx.StateDict, segments func(slot, option int) segment) *builder {
	first := segments(slotStem, 0)
	b := newBuilder("teacher", e.o.Batch, first.kernels(e.o.Kernels))
	x := b.input("x", first.channels, first.m)
	for slot := range e.slotHead() + 1 {
		option := 0
		if i, ok := e.block(slot); ok {
			if !e.space.Active(p, i) {
				continue
			}
			option = p.Option[i]
		}
		b.frozen = &frozen{w, e.prefix(slot)}
		x = segments(slot, option).forward(b, x)
		if e.feature(slot, p.Depth) >= 0 {
			b.output("feature", x)
		}
	}
	b.output("logits", x)
	return b
}

// frozen is the weights of a segment in evaluation mode: constants of the graph.
type frozen struct {
	w      onnx.StateDict
	prefix string // of the names of its tensors
}

func (f *frozen) values(name string) []float32 { return f.w[f.prefix+name].Data }

// folded returns a convolution's weight as a matrix, and its bias, both with the
// normalisation bn of the running statistics.
func (f *frozen) folded(b *builder, conv, bn string, rows, columns int) (weight, bias string) {
	w, c := onnx.FoldBatchNorm(f.values(conv+".weight"),
		f.values(bn+".weight"), f.values(bn+".bias"), f.values(bn+".running_mean"), f.values(bn+".running_var"))
	return b.constant(f.prefix+conv, w, rows, columns), b.constant(f.prefix+bn, c, rows, 1)
}
