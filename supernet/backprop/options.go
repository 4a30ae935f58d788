package backprop

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/binas-tui/binas-tui/kernels"
	"github.com/binas-tui/binas-tui/onnx"
)

// DefaultThreads is the default of [Options.Threads].
const DefaultThreads = 2

// Options are what an engine is made for.
type Options struct {
	Batch   int // images of a step, all steps; 0 is 64
	Threads int // threads of ONNX Runtime; 0 is DefaultThreads

	// Target is what trains, [onnx.CPU] or a card of [onnx.CUDA]; empty is the processor.
	// Graphs whose operators the card lacks are refused.
	Target onnx.Target

	// Kernels is the set of kernels; empty: as [onnx.Kernels] says. They are the
	// processor's: on a card all graphs are of ordinary operators.
	Kernels kernels.Set

	// Levels are those of the integer form of a child ([onnx.Graph.Levels]), which is
	// then trained as it will be deployed; nil: in floats. A supernet has none.
	Levels map[string]onnx.Levels

	traces string       // folder for the traces of ONNX Runtime's profiler; empty: none
	memory *onnx.Memory // in place of that of the target
}

func (o Options) withDefaults() (Options, error) {
	o.Batch = cmp.Or(o.Batch, 64)
	o.Threads = cmp.Or(o.Threads, DefaultThreads)
	if o.Batch < 2 || o.Batch > 4096 || o.Threads < 1 || o.Threads > onnx.MaxThreads {
		return o, fmt.Errorf("training with batches of %d on %d threads: expected 2 to 4096 images and 1 to %d threads", o.Batch, o.Threads, onnx.MaxThreads)
	}
	if o.Target.Kind() != onnx.CPU {
		if o.Kernels != "" && o.Kernels != kernels.Off {
			return o, fmt.Errorf("training on %s with kernels %s: they are the processor's", o.Target, o.Kernels)
		}
		o.Kernels = kernels.Off
	}
	return o, nil
}

// Loss says what a step minimises:
//
//	CE + KD·KL(teacher‖student) + Features·(MSE of the stem + Σ MSE of the seven stages)
//
// CE is cross-entropy with label smoothing: (1-e)·(-log p_y) + e·mean(-log p).
// The zero value is plain cross-entropy.
//
// BINAS: heaviest {Smoothing: 0.1}; one-shot {Smoothing: 0.1, KD: 1, Features:
// 1.0/50} with the heaviest network as the teacher; fine-tuning {KD: 2}.
type Loss struct {
	Smoothing float64   // e
	Teacher   *Features // of the same images; needed where one of the next is not 0
	KD        float64   // weight of the KL divergence of the logits
	Features  float64   // weight γ/D of the mean squared errors of the features

	// Other holds second labels, of images that are mixed of two: CE is then Share
	// times that of the first and 1-Share times that of the second. Nil is one label.
	Other []int
	Share float64 // of the first, 0 to 1
}

// StepOptions are the random parts of a step and what it leaves behind. The
// zero value drops nothing and updates the running statistics that the path uses.
type StepOptions struct {
	Dropout  float64 // probability, before the classifier
	DropPath float64 // block i of n, counting the first as 0, is dropped for an image with probability DropPath·i/n
	Seed     uint64  // of what is dropped in this step

	// KeepStatistics leaves all running statistics as they are.
	KeepStatistics bool
}

// Result is what a step found. Values are before the update.
type Result struct {
	Loss   float64   // the sum that is minimised
	CE     float64   // cross-entropy with smoothing
	KL     float64   // KL(teacher‖student) of the logits, unweighted; 0 without KD
	Stages []float64 // MSE of the stem and of stages 0 to 6, unweighted; nil without Features
	Logits []float32 // [batch, classes]; overwritten by the next step
}

// ErrDiverged is wrapped by errors of steps whose loss is not a finite number.
// Neither gradients nor running statistics are to be trusted then.
var ErrDiverged = errors.New("training diverged")
