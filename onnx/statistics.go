package onnx

import (
	"fmt"

	"github.com/binas-tui/binas-tui/model"
)

// Moment says what two outputs of [Statistics] are: the mean and the variance
// of a batch before one batch normalisation.
type Moment struct {
	BN        string // name of the layer, for example blocks.1.0.bn1
	Mean, Var string // names of the outputs, each [channels]
	Values    int    // per channel: batch times positions
}

// Statistics returns the network of [Network] in training mode, in which every
// batch normalisation uses the statistics of its batch, with these as outputs,
// in the order of the layers, and the logits last. The variance is the biased one,
// divided by Values. Running statistics are not asked for.
func Statistics(arch model.Architecture, w Weights, o NetworkOptions) (*Graph, []Moment, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, nil, err
	}
	if o.Batch < 2 {
		return nil, nil, fmt.Errorf("statistics of batches of %d images: expected at least 2", o.Batch)
	}
	l := layers{g: NewGraph("statistics"), w: w, statistics: &statistics{batch: o.Batch, side: o.ImageSize}}
	l.network(arch, o)
	if l.err != nil {
		return nil, nil, fmt.Errorf("graph of statistics: %w", l.err)
	}
	return l.g, l.statistics.moments, nil
}

// statistics makes layers keep batch normalisation, in training mode.
type statistics struct {
	batch, side int // side of the map at hand, in pixels
	moments     []Moment
}

// trainingBN adds a convolution and the batch normalisation after it.
func (l *layers) trainingBN(x, conv, bn string, m model.ConvLayer) string {
	y := l.g.Node(conv, "Conv", []string{x, l.tensor(conv+".weight", weightShape(m)...)}, convAttrs(m)...)
	scale, bias := l.tensor(bn+".weight", m.Out), l.tensor(bn+".bias", m.Out)
	if l.err != nil {
		return ""
	}
	// Not used, and different: ONNX Runtime mixes them up where they are equal.
	mean, variance := make([]float32, m.Out), make([]float32, m.Out)
	for i := range variance {
		variance[i] = 1
	}
	l.statistics.side = model.Downsample(l.statistics.side, m.Stride)
	moment := Moment{BN: bn, Mean: bn + ".mean", Var: bn + ".var", Values: l.statistics.batch * l.statistics.side * l.statistics.side}
	l.g.Add(Node{
		Op:      "BatchNormalization",
		Inputs:  []string{y, scale, bias, l.g.Const(bn+".no_mean", mean, m.Out), l.g.Const(bn+".no_var", variance, m.Out)},
		Outputs: []string{bn, moment.Mean, moment.Var},
		Attrs:   []Attr{Int("training_mode", 1), Float("momentum", 0), Float("epsilon", batchNormEps)},
	})
	l.g.Output(moment.Mean, m.Out)
	l.g.Output(moment.Var, m.Out)
	l.statistics.moments = append(l.statistics.moments, moment)
	return bn
}
