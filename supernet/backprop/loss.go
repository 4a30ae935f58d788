package backprop

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/binas-tui/binas-tui/internal/logits"
	"github.com/binas-tui/binas-tui/onnx"
)

// logitLoss computes the losses of the logits and leaves their gradient where the
// backward pass starts.
func (n *Network) logitLoss(route []*binding, labels []int, loss Loss) (Result, error) {
	e := n.e
	gradient, err := e.mirrored(e.slotHead(), "dout", []int{e.classes, e.o.Batch})
	if err != nil {
		return Result{}, err
	}
	out := route[len(route)-1].out()
	if err := errors.Join(out.Mirror(), out.Download(), e.memory.Wait()); err != nil {
		return Result{}, err
	}
	if n.logits == nil {
		n.logits = make([]float32, e.o.Batch*e.classes)
	}
	transpose(n.logits, out.Data, e.classes, e.o.Batch)
	r := Result{Logits: n.logits}
	images := float64(e.o.Batch)
	l := newImageLoss(e.classes)
	for i, label := range labels {
		z := n.logits[i*e.classes : (i+1)*e.classes]
		l.start(z)
		if loss.Other == nil {
			r.CE += l.crossEntropy(label, loss.Smoothing, 1) / images
		} else {
			r.CE += (l.crossEntropy(label, loss.Smoothing, loss.Share) + l.crossEntropy(loss.Other[i], loss.Smoothing, 1-loss.Share)) / images
		}
		if loss.KD != 0 {
			r.KL += l.distil(loss.Teacher.Logits[i*e.classes:(i+1)*e.classes], loss.KD) / images
		}
		for c, g := range l.gradient {
			gradient.Data[c*e.o.Batch+i] = float32(g / images)
		}
	}
	r.Loss = r.CE + loss.KD*r.KL
	if math.IsNaN(r.Loss) || math.IsInf(r.Loss, 0) {
		return r, fmt.Errorf("%w: the loss is %v", ErrDiverged, r.Loss)
	}
	return r, errors.Join(gradient.Upload(), e.memory.Wait())
}

// imageLoss holds the losses of one image and the gradient of their weighted sum.
type imageLoss struct{ log, probability, gradient []float64 }

func newImageLoss(classes int) *imageLoss {
	return &imageLoss{make([]float64, classes), make([]float64, classes), make([]float64, classes)}
}

// start takes the logits of the next image.
func (l *imageLoss) start(z []float32) {
	logits.LogSoftmax(l.log, z)
	for c, v := range l.log {
		l.probability[c] = math.Exp(v)
	}
	clear(l.gradient)
}

// crossEntropy adds weight·((1-e)·(-log p_label) + e·mean(-log p)).
func (l *imageLoss) crossEntropy(label int, smoothing, weight float64) float64 {
	each := smoothing / float64(len(l.log))
	loss := -(1 - smoothing) * l.log[label]
	for c, v := range l.log {
		loss -= each * v
		l.gradient[c] += weight * (l.probability[c] - each)
	}
	l.gradient[label] -= weight * (1 - smoothing)
	return weight * loss
}

// distil adds the divergence from the teacher's distribution, weighted by kd. It
// returns it unweighted.
func (l *imageLoss) distil(teacher []float32, kd float64) (kl float64) {
	target := make([]float64, len(teacher))
	logits.LogSoftmax(target, teacher)
	for c, v := range target {
		p := math.Exp(v)
		kl += p * (v - l.log[c])
		l.gradient[c] += kd * (l.probability[c] - p)
	}
	return kl
}

// transpose writes the matrix [rows, columns] as [columns, rows].
func transpose(to, from []float32, rows, columns int) {
	for r := range rows {
		for c := range columns {
			to[c*rows+r] = from[r*columns+c]
		}
	}
}

// distil adds the gradient of weight·mean (f - t)² to d, f being what a slot
// ends with. The sum is in memory of its own. mse is the mean.
func (e *Engine) distil(ctx context.Context, slot int, f, t, d *onnx.Tensor, weight float64) (sum *onnx.Tensor, mse float64, err error) {
	p, err := e.program(fmt.Sprint("distillation ", f.Shape), distillation(f.Shape[0], f.Shape[1]))
	if err != nil {
		return nil, 0, err
	}
	own := map[string]*onnx.Tensor{}
	for key, shape := range map[string][]int{"distilled": f.Shape, "distillation factor": {1}, "distillation squares": {f.Shape[0], 1}} {
		if own[key], err = e.tensor(slot, key, shape); err != nil {
			return nil, 0, err
		}
	}
	sum, factor, squares := own["distilled"], own["distillation factor"], own["distillation squares"]
	values := float64(onnx.Elements(f.Shape))
	if err := errors.Join(factor.Mirror(), squares.Mirror()); err != nil {
		return nil, 0, err
	}
	factor.Data[0] = float32(2 * weight / values)
	if err := errors.Join(factor.Upload(), e.memory.Wait()); err != nil {
		return nil, 0, err
	}
	if err := p.session.RunTensors(ctx, []*onnx.Tensor{f, t, d, factor}, []*onnx.Tensor{sum, squares}); err != nil {
		return nil, 0, err
	}
	if err := errors.Join(squares.Download(), e.memory.Wait()); err != nil {
		return nil, 0, err
	}
	for _, v := range squares.Data {
		mse += float64(v)
	}
	return sum, mse / values, nil
}

// distillation is d + factor·(f - t), and the sums of (f - t)² per channel.
func distillation(channels, m int) func(*builder) {
	return func(b *builder) {
		f, t, d := b.input("f", channels, m), b.input("t", channels, m), b.input("d", channels, m)
		difference := b.sub(f, t)
		b.output("sum", b.add(d, b.mul(difference, b.input("factor", 1))))
		b.output("squares", b.sum(b.mul(difference, difference), 1))
	}
}
