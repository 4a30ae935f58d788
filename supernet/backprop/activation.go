package backprop

import (
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// activation is ReLU or h-swish of a name, after the layer of another.
type activation struct {
	kind        model.Activation
	after, name string
}

func (l activation) forward(b *builder, x string) string {
	y := l.apply(b, x)
	b.save("act."+l.after, y)
	b.save("pre."+l.after, x)
	return y
}

func (l activation) apply(b *builder, x string) string {
	if l.kind == model.ReLU {
		return b.unary("Relu", x)
	}
	return b.hardSwish(x)
}

// backward needs the result of ReLU, the input of h-swish.
func (l activation) backward(b *builder, d, plus string) string {
	if l.kind == model.ReLU {
		return b.plus(b.mul(d, b.step(b.load("act."+l.after), 0)), plus)
	}
	return b.plus(b.hardSwishGradient(d, b.load("pre."+l.after)), plus)
}

func (b *builder) hardSwish(x string) string {
	if b.useKernels() {
		return b.own("HardSwish", []string{x}, nil, b.shapes[x])[0]
	}
	return b.mul(x, b.gate(x))
}

// hardSwishGradient multiplies d by the derivative: 0 below -3, 1 above 3 and
// x/3 + 1/2 between, which is twice the gate less half a step at -3 and half a step
// at 3.
func (b *builder) hardSwishGradient(d, x string) string {
	if b.useKernels() {
		return b.own("HardSwishGradient", []string{d, x}, nil, b.shapes[x])[0]
	}
	steps := b.add(b.step(x, 3), b.step(x, -3))
	return b.mul(d, b.sub(b.scale(b.gate(x), 2), b.scale(steps, 0.5)))
}

// gate is relu6(x+3)/6.
func (b *builder) gate(x string) string {
	return b.unary("HardSigmoid", x, onnx.Float("alpha", 1.0/6), onnx.Float("beta", 0.5))
}
