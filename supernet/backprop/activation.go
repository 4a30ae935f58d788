package backprop

import (
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// activation is a non-linearity that keeps what its gradient needs: ReLU its
// result, h-swish its input and its result.
type activation model.Activation

const (
	relu   = activation(model.ReLU)
	hswish = activation(model.HSwish)
	none   = activation(255)
)

func (a activation) apply(b *builder, h string) string {
	switch a {
	case relu:
		return b.op("Relu", []string{h})
	case hswish:
		return b.hardSwish(h)
	}
	return h
}

// forward keeps its values under NAME, the normalisation before it.
func (a activation) forward(b *builder, h, name string, channels, m int) string {
	y := a.apply(b, h)
	b.output("s:act."+name, y, channels, m)
	if a == hswish {
		b.output("s:pre."+name, h, channels, m)
	}
	return y
}

// load returns what derive needs, and what forward returned.
func (a activation) load(b *builder, name string, channels, m int) (kept, y string) {
	y = b.input("s:act."+name, channels, m)
	if a == hswish {
		return b.input("s:pre."+name, channels, m), y
	}
	return y, y
}

func (b *builder) hardSwish(h string) string { return b.mul(h, b.gate(h)) }

// gate is relu6(x+3)/6.
func (b *builder) gate(x string) string {
	return b.op("HardSigmoid", []string{x}, onnx.Float("alpha", 1.0/6), onnx.Float("beta", 0.5))
}

// derive multiplies dy by the derivative, given what load returned first.
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
