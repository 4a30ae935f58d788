package training

import (
	"context"
	"math"
	"strings"

	"github.com/binas-tui/binas-tui/internal/parallel"
	"github.com/binas-tui/binas-tui/onnx"
)

// EMA is the exponential moving average of a whole state dict, running
// statistics included, as the paper evaluates and keeps it:
//
//	ema ← decay·ema + (1-decay)·w
//
// Counters (num_batches_tracked) are copied: the mean of a counter means
// nothing.
type EMA struct {
	Decay  float64
	Every  int  // steps from one update to the next, which counts for as many; 0 is 1. The end of an epoch has one too
	Warmup bool // begins with the decay (1+t)/(10+t) of step t while that is smaller

	state onnx.StateDict
}

// counter is the end of the names of tensors that are copied.
const counter = "num_batches_tracked"

// NewEMA begins with a copy of the weights.
func NewEMA(weights onnx.StateDict, decay float64, every int, warmup bool) *EMA {
	return &EMA{decay, max(every, 1), warmup, clone(weights)}
}

// Update takes in the weights after a step, counted from 1, of a training with
// so many steps an epoch.
func (a *EMA) Update(weights onnx.StateDict, step, epoch int) {
	if step%a.Every != 0 && step%epoch != 0 {
		return
	}
	before := max((step-1)/a.Every*a.Every, (step-1)/epoch*epoch)
	decay := a.Decay
	if a.Warmup {
		decay = min(decay, float64(1+step)/float64(10+step))
	}
	share := float32(1 - math.Pow(decay, float64(step-before)))
	var work []span
	for name, e := range a.state {
		w := weights[name].Data
		if strings.HasSuffix(name, counter) {
			copy(e.Data, w)
			continue
		}
		for from := 0; from < len(w); from += spanSize {
			to := min(from+spanSize, len(w))
			work = append(work, span{w: e.Data[from:to], g: w[from:to]})
		}
	}
	parallel.For(context.Background(), len(work), func(i int) { work[i].average(share) })
}

func (s span) average(share float32) {
	e := s.w
	w := s.g[:len(e)]
	for i := range e {
		e[i] += share * (w[i] - e[i])
	}
}

// Weights is the average as it is now; the next update changes it.
func (a *EMA) Weights() onnx.StateDict { return a.state }

func clone(s onnx.StateDict) onnx.StateDict {
	out := make(onnx.StateDict, len(s))
	for name, t := range s {
		out[name] = onnx.TensorData{Shape: t.Shape, Data: append([]float32(nil), t.Data...)}
	}
	return out
}
