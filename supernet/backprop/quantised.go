package backprop

import (
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// Quantisation-aware training: values and weights are rounded as in the integer form
// of the network ([onnx.Graph.Quantised]), to the same levels. Gradients pass rounding
// unchanged, and end where a value lies beyond its levels: the straight-through
// estimator (Bengio et al. 2013, arXiv:1308.3432; Jacob et al. 2018, arXiv:1712.05877).
// Normalisations are frozen: running statistics and scales stay as they are, and are
// folded into the weights before these are rounded; shifts are trained.

// trained is what a slot computes in steps: the segment, rounded where there are levels.
func (e *Engine) trained(slot, option int) segment {
	s := e.segment(slot, option)
	if e.o.Levels == nil {
		return s
	}
	return rounder{e.o.Levels, e.prefix(slot)}.segment(s)
}

// rounder makes layers of the integer form.
type rounder struct {
	levels map[string]onnx.Levels
	prefix string // of the names of the slot's values
}

// segment is the integer form of one.
func (r rounder) segment(of segment) segment {
	inner := segment{skip: of.skip}
	for _, l := range of.layers {
		inner.layers = append(inner.layers, r.layers(l)...)
	}
	layers := append([]layer{inner}, r.rounding("sum")...)
	return segment{key: "rounded " + r.prefix + of.key, channels: of.channels, m: of.m, layers: layers, plain: true}
}

// rounding is that of a value; none where the integer form does not round it.
func (r rounder) rounding(name string) []layer {
	if l, ok := r.levels[r.prefix+name]; ok {
		return []layer{rounding{name, l}}
	}
	return nil
}

// input is the levels of the input of a layer whose weights are rounded; zero of others.
func (r rounder) input(layer string) onnx.Levels { return r.levels[r.prefix+layer+".bias"] }

// has reports whether a value is rounded.
func (r rounder) has(name string) bool { return len(r.rounding(name)) > 0 }

// linear is a layer with a bias.
func (r rounder) linear(l model.ConvLayer) foldedPointwise {
	return foldedPointwise{pointwise{conv: l.Name, in: l.In, out: l.Out}, r.input(l.Name)}
}

// layers are those in the place of one.
func (r rounder) layers(of layer) []layer {
	switch l := of.(type) {
	case pointwise:
		return append([]layer{foldedPointwise{l, r.input(l.conv)}}, r.rounding(l.conv)...)
	case depthwise:
		return append([]layer{foldedDepthwise{l, r.input(l.conv)}}, r.rounding(l.conv)...)
	case activation:
		if l.kind != model.ReLU && r.has(l.name) {
			of = gatedSwish{l.name}
		}
		return append([]layer{of}, r.rounding(l.name)...)
	case squeezeExcite:
		if !r.has(l.Name) {
			return []layer{of}
		}
		reduce, expand := l.Gate()
		gate := append(r.rounding(l.Name+".pool"), r.linear(reduce), activation{reduce.Activation, l.Name, reduce.Act})
		gate = append(append(gate, r.rounding(reduce.Act)...), r.linear(expand))
		return append([]layer{roundedExcite{l, gate}}, r.rounding(l.Name)...)
	case head:
		conv, classifier := model.Head(l.in, l.classes)
		layers := append([]layer{pooling{}}, r.rounding("global_pool")...)
		layers = append(append(layers, r.linear(conv)), r.rounding(conv.Name)...)
		layers = append(append(layers, gatedSwish{conv.Act}), r.rounding(conv.Act)...)
		return append(layers, dropout{l}, r.linear(classifier))
	}
	panic("backprop: no integer form of a layer")
}

// rounding rounds a value of a name to levels.
type rounding struct {
	name   string
	levels onnx.Levels
}

func (l rounding) forward(b *builder, x string) string {
	b.save("unrounded."+l.name, x)
	return b.rounded(x, l.levels, l.levels)
}

func (l rounding) backward(b *builder, d, plus string) string {
	return b.plus(b.mul(d, b.within(b.load("unrounded."+l.name), l.levels)), plus)
}

// rounded is x written in levels and read as others.
func (b *builder) rounded(x string, written, read onnx.Levels) string {
	return b.shaped(b.g.Rounded(x, written, read), b.shapes[x])
}

// within is 1 where x lies within levels, which reach half of one further, and 0
// elsewhere.
func (b *builder) within(x string, l onnx.Levels) string {
	least, greatest := l.Ends()
	half := float64(l.Scale) / 2
	return b.mul(b.step(x, half-least), b.below(x, greatest+half))
}

// integerGate is relu6(x+3)/6 as the integer form computes it.
func (b *builder) integerGate(x string) string {
	return b.rounded(x, onnx.GateWritten, onnx.GateRead)
}

// gateSlope is the derivative of the gate without its rounding.
func (b *builder) gateSlope(x string) string { return b.scale(b.within(x, onnx.GateWritten), 1.0/6) }

// gatedSwish is h-swish of the integer form: x times the gate.
type gatedSwish struct{ name string }

func (l gatedSwish) forward(b *builder, x string) string {
	b.save("gated."+l.name, x)
	return b.mul(x, b.integerGate(x))
}

func (l gatedSwish) backward(b *builder, d, plus string) string {
	x := b.load("gated." + l.name)
	return b.plus(b.mul(d, b.add(b.integerGate(x), b.mul(x, b.gateSlope(x)))), plus)
}

// folded are the weight and the bias of a convolution with its normalisation, of the
// running statistics, folded in, and the gain that the weight was multiplied by. A
// layer without a normalisation has a bias and no gain. Where the input has levels both
// are rounded.
func (b *builder) folded(conv, bn string, rows, columns int, input onnx.Levels) (weight, bias, gain string) {
	weight = b.parameter(conv+".weight", rows, columns)
	if bn == "" {
		bias = b.parameter(conv+".bias", rows, 1)
	} else {
		of := func(name string) string { return b.parameter(bn+name, rows, 1) }
		gain = b.mul(of(".weight"), b.inverseDeviation(of(".running_var")))
		weight, bias = b.mul(weight, gain), b.sub(of(".bias"), b.mul(of(".running_mean"), gain))
	}
	if in := float64(input.Scale); in > 0 { // a row to 255 levels
		largest := b.op("ReduceMax", []int{rows, 1}, []string{b.unary("Abs", weight)}, onnx.Ints("axes", 1))
		scale := b.binary("Max", b.scale(largest, 1.0/127), b.scale(b.unary("Abs", bias), 1/(in*onnx.MostBias)))
		scale = b.binary("Max", scale, b.scalar(onnx.LeastScale))
		nearest := func(x, scale string) string { return b.mul(b.unary("Round", b.binary("Div", x, scale)), scale) }
		weight, bias = nearest(weight, scale), nearest(bias, b.scale(scale, in))
	}
	return weight, bias, gain
}

// foldedGradients are those of the weight, from that of the folded one, and of the bias.
func (b *builder) foldedGradients(conv, bn, weight, d, gain string) {
	b.gradient(conv+".weight", b.scaled(weight, gain))
	if bn == "" {
		bn = conv
	}
	b.gradient(bn+".bias", b.sum(d, 1))
}

// foldedPointwise is a 1x1 convolution whose normalisation is frozen, or a layer with a
// bias.
type foldedPointwise struct {
	pointwise
	input onnx.Levels
}

func (l foldedPointwise) forward(b *builder, x string) string {
	b.save("x."+l.conv, x)
	weight, bias, _ := b.folded(l.conv, l.bn, l.out, l.in, l.input)
	return b.gemm(weight, x, bias, "NN", 1)
}

func (l foldedPointwise) backward(b *builder, d, plus string) string {
	weight, _, gain := b.folded(l.conv, l.bn, l.out, l.in, l.input)
	b.foldedGradients(l.conv, l.bn, b.gemm(d, b.load("x."+l.conv), "", "NT", 1), d, gain)
	if l.first {
		return ""
	}
	return b.gemm(weight, d, plus, "TN", 1)
}

// foldedDepthwise is a depthwise convolution whose normalisation is frozen.
type foldedDepthwise struct {
	depthwise
	input onnx.Levels
}

func (l foldedDepthwise) forward(b *builder, x string) string {
	b.save("x."+l.conv, x)
	weight, bias, _ := b.folded(l.conv, l.bn, l.channels, l.kernel*l.kernel, l.input)
	return b.add(l.apply(b, x, weight, l.forwardTiles(), l.side, l.sideOut()), bias)
}

func (l foldedDepthwise) backward(b *builder, d, plus string) string {
	weight, _, gain := b.folded(l.conv, l.bn, l.channels, l.kernel*l.kernel, l.input)
	b.foldedGradients(l.conv, l.bn, l.weightGradient(b, b.load("x."+l.conv), d), d, gain)
	return b.plus(l.apply(b, d, weight, l.backwardTiles(), l.sideOut(), l.side), plus)
}

// roundedExcite is squeeze-excite whose gate comes of layers on the means [in, batch].
type roundedExcite struct {
	squeezeExcite
	layers []layer
}

func (l roundedExcite) forward(b *builder, x string) string {
	expanded := b.pool(x)
	for _, of := range l.layers {
		expanded = of.forward(b, expanded)
	}
	b.save("se.x", x)
	b.save("se.expanded", expanded)
	return b.gated(x, b.integerGate(expanded))
}

func (l roundedExcite) backward(b *builder, d, plus string) string {
	x, expanded := b.load("se.x"), b.load("se.expanded")
	dx := b.gated(d, b.integerGate(expanded))
	dpool := b.mul(b.imageDots(d, x), b.gateSlope(expanded))
	for i := len(l.layers) - 1; i >= 0; i-- {
		dpool = l.layers[i].backward(b, dpool, "")
	}
	return b.plus(b.matrix(b.add(b.images(dx), b.spread(dpool, b.columns(d)/b.batch))), plus)
}

// spread is the gradient of maps from that of their means [rows, batch], the same for
// each of so many positions: [rows, 1, batch].
func (b *builder) spread(d string, positions int) string {
	return b.reshape(b.scale(d, 1/float64(positions)), b.rows(d), 1, b.batch)
}

// pooling is the mean of every image.
type pooling struct{}

func (pooling) forward(b *builder, x string) string {
	b.save("pooled", x)
	return b.pool(x)
}

func (pooling) backward(b *builder, d, plus string) string {
	positions := b.forward.columns("x") / b.batch
	return b.plus(b.matrix(b.mul(b.spread(d, positions), b.ones(1, positions, 1))), plus)
}

// dropout is that of the head, in training.
type dropout struct{ head }

func (l dropout) forward(b *builder, x string) string {
	if b.frozen != nil {
		return x
	}
	return b.mul(x, l.mask(b))
}

func (l dropout) backward(b *builder, d, plus string) string {
	return b.plus(b.mul(d, l.mask(b)), plus)
}
