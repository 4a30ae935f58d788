package backprop

import (
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// activation is a non-linearity that keeps what its gradient needs: ReLU its
// result, h-swish its input.
type activation model.Activation

const (
	relu   = activation(model.ReLU)
	hswish = activation(model.HSwish)
)

// forward keeps its value as s:act.NAME.
func (a activation) forward(b *builder, h, name string, channels, m int) string {
	if a == relu {
		y := b.op("Relu", []string{h})
		b.output("s:act."+name, y, channels, m)
		return y
	}
	b.output("s:act."+name, h, channels, m)
	return b.hardSwish(h)
}

// result is what forward returned, computed again from what it kept.
func (a activation) result(b *builder, name string, channels, m int) (kept, y string) {
	kept = b.input("s:act."+name, channels, m)
	if a == relu {
		return kept, kept
	}
	return kept, b.hardSwish(kept)
}

func (b *builder) hardSwish(h string) string { return b.mul(h, b.gate(h)) }

// gate is relu6(x+3)/6.
func (b *builder) gate(x string) string {
	return b.op("HardSigmoid", []string{x}, onnx.Float("alpha", 1.0/6), onnx.Float("beta", 0.5))
}

// derive multiplies dy by the derivative, given what forward kept.
//
// That of h-swish is 0 below -3, 1 above 3 and h/3 + 1/2 between: twice the gate
// less half a step at -3 and half a step at 3.
func (a activation) derive(b *builder, dy, kept string) string {
	if a == relu {
		return b.mul(dy, b.step(kept, 0))
	}
	steps := b.add(b.step(kept, 3), b.step(kept, -3))
	return b.mul(dy, b.sub(b.scale(b.gate(kept), 2), b.scale(steps, 0.5)))
}
