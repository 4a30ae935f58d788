package backprop

import (
	"context"
	"fmt"
	"math"

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
type Teacher struct {
	e       *Engine
	session *onnx.Session
	x       *onnx.Tensor
	out     []*onnx.Tensor // the features' maps, then logits [classes, batch]
	f       Features
}

// Teacher returns a network with its running statistics folded into its
// weights, which are copied: w may change or go. Names are a child's. It gives
// features to students of the same engine.
func (e *Engine) Teacher(p model.Path, w onnx.StateDict) (*Teacher, error) {
	t := &Teacher{e: e}
	err := e.space.CheckPath(p)
	if err == nil {
		err = t.open(p, w)
	}
	if err != nil {
		t.Close()
		return nil, fmt.Errorf("teacher: %w", err)
	}
	e.networks = append(e.networks, t)
	return t, nil
}

func (t *Teacher) open(p model.Path, w onnx.StateDict) error {
	f := frozen{b: newBuilder("teacher", t.e.o.Batch), e: t.e, w: w}
	f.network(p)
	if f.err != nil {
		return f.err
	}
	var err error
	if t.session, err = onnx.NewSession(f.b.g.Marshal(), t.e.sessionOptions()); err != nil {
		return err
	}
	if t.x, err = onnx.NewTensor(nil, f.b.g.Inputs()[0].Shape...); err != nil {
		return err
	}
	for _, v := range f.b.g.Outputs() {
		out, err := onnx.NewTensor(nil, v.Shape...)
		if err != nil {
			return err
		}
		t.out = append(t.out, out)
	}
	t.f = Features{Logits: make([]float32, t.e.o.Batch*t.e.classes), maps: t.out[:len(t.out)-1]}
	return nil
}

// Features runs a batch x [batch, 3, side, side] in evaluation mode.
func (t *Teacher) Features(ctx context.Context, x []float32) (*Features, error) {
	if err := t.e.checkImages(x); err != nil {
		return nil, fmt.Errorf("teacher: %w", err)
	}
	patches(t.x.Data, x, t.e.o.Batch, t.e.space.ImageSize)
	if err := t.session.RunTensors(ctx, []*onnx.Tensor{t.x}, t.out); err != nil {
		return nil, fmt.Errorf("teacher: %w", err)
	}
	transpose(t.f.Logits, t.out[len(t.out)-1].Data, t.e.classes, t.e.o.Batch)
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
	t.x, t.out = nil, nil
	t.e.forget(t)
	if t.session == nil {
		return nil
	}
	return t.session.Close()
}

// frozen writes a network in evaluation mode, its weights constant and its
// normalisation folded into them. The first error sticks.
type frozen struct {
	b   *builder
	e   *Engine
	w   onnx.StateDict
	err error
}

// network writes the whole network. Its outputs are the features, then logits.
func (f *frozen) network(p model.Path) {
	e, b := f.e, f.b
	st := e.segment(slotStem, 0).(stem)
	x := b.input("x", patchSize, st.m)
	l := st.layer()
	x = f.pointwise(x, "", l.conv, l.bn, l.in, l.out, l.act)
	b.output("stem", x, l.out, st.m)

	first := e.segment(slotFirst, 0).(separable)
	dw, bn, pw := first.layers()
	prefix := e.prefix(slotFirst)
	x = f.depthwise(x, prefix, dw, bn.bn, relu)
	x = f.pointwise(x, prefix, pw.conv, pw.bn, pw.in, pw.out, none)
	b.output("first", x, pw.out, pw.m)

	for i := range e.space.NumBlocks() {
		if !e.space.Active(p, i) {
			continue
		}
		r := e.segment(slotBlock+i, p.Option[i]).(residual)
		x = f.residual(x, e.prefix(slotBlock+i), r)
		if stage := i / e.space.MaxDepth; i%e.space.MaxDepth == p.Depth[stage]-1 {
			b.output("stage", x, r.out, r.mOut())
		}
	}
	end := e.segment(e.slotLast(), 0).(last).layer()
	x = f.pointwise(x, e.prefix(e.slotLast()), end.conv, end.bn, end.in, end.out, end.act)
	b.output("last", x, end.out, end.m)
	f.head(x, e.segment(e.slotHead(), 0).(head))
}

func (f *frozen) residual(x, prefix string, r residual) string {
	expand, project := r.expand(), r.project()
	y := f.pointwise(x, prefix, expand.conv, expand.bn, expand.in, expand.out, expand.act)
	y = f.depthwise(y, prefix, r.depthwise(), r.bn2().bn, r.act)
	if r.squeezed > 0 {
		l := r.excite()
		reduced := f.b.op("Relu", []string{f.linear(l.pool(f.b, y), prefix+se+"conv_reduce", l.squeezed, l.channels)})
		y = l.scale(f.b, y, f.b.gate(f.linear(reduced, prefix+se+"conv_expand", l.channels, l.squeezed)))
	}
	y = f.pointwise(y, prefix, project.conv, project.bn, project.in, project.out, none)
	if r.skips() {
		y = f.b.add(y, x)
	}
	return y
}

func (f *frozen) head(x string, h head) {
	b := f.b
	x = b.reshape(b.mean(b.reshape(x, h.in, h.positions, h.batch), 1), h.in, h.batch)
	x = b.hardSwish(f.linear(x, "conv_head", h.features, h.in))
	b.output("logits", f.linear(x, "classifier", h.classes, h.features), h.classes, h.batch)
}

// linear is a layer with a bias, on [in, batch].
func (f *frozen) linear(x, name string, out, in int) string {
	shape := torchShape(name+".weight", []int{out, in})
	if name == "classifier" {
		shape = []int{out, in}
	}
	weight, bias := f.constant(name+".weight", shape, out, in), f.constant(name+".bias", []int{out}, out, 1)
	return f.b.gemm(weight, x, bias, "NN", 1)
}

func (f *frozen) constant(name string, torch []int, shape ...int) string {
	data, err := f.w.Tensor(name, torch)
	if err != nil && f.err == nil {
		f.err = err
	}
	if f.err != nil {
		data = make([]float32, onnx.Elements(shape))
	}
	return f.b.g.Const(name, data, shape...)
}

// pointwise is a 1x1 convolution with normalisation and activation.
func (f *frozen) pointwise(x, prefix, conv, bn string, in, out int, a activation) string {
	weight, bias := f.folded(prefix, conv, bn, out, in)
	return a.apply(f.b, f.b.gemm(weight, x, bias, "NN", 1))
}

func (f *frozen) depthwise(x, prefix string, d depthwise, bn string, a activation) string {
	weight, bias := f.folded(prefix, d.conv, bn, d.channels, d.kernel*d.kernel)
	y := d.apply(f.b, x, weight, d.ahead, d.side, d.sideOut)
	return a.apply(f.b, f.b.add(y, bias))
}

// folded returns a convolution's weight as a matrix, and its bias, both with the
// normalisation bn of the running statistics.
func (f *frozen) folded(prefix, conv, bn string, rows, columns int) (weight, bias string) {
	raw, err := f.w.Tensor(prefix+conv+".weight", torchShape(conv+".weight", []int{rows, columns}))
	var p [4][]float32
	for i, name := range []string{".weight", ".bias", ".running_mean", ".running_var"} {
		if err == nil {
			p[i], err = f.w.Tensor(prefix+bn+name, []int{rows})
		}
	}
	w, c := make([]float32, rows*columns), make([]float32, rows)
	if err != nil {
		if f.err == nil {
			f.err = err
		}
	} else {
		for i := range rows {
			gain := float64(p[0][i]) / math.Sqrt(float64(p[3][i])+epsilon)
			c[i] = float32(float64(p[1][i]) - float64(p[2][i])*gain)
			for j := i * columns; j < (i+1)*columns; j++ {
				w[j] = float32(float64(raw[j]) * gain)
			}
		}
	}
	return f.b.g.Const(prefix+conv, w, rows, columns), f.b.g.Const(prefix+bn, c, rows, 1)
}
