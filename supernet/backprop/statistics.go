package backprop

import (
	"slices"

	"github.com/binas-tui/binas-tui/onnx"
)

// momentum of the running statistics of batch normalisation.
const momentum = 0.1

// updateStatistics moves the running statistics of the path towards those of the
// batch. Those of channels and blocks that the path does not use stay; the
// original moves them too, by what no child of the path would see.
func (n *Network) updateStatistics(route []*binding) {
	for _, b := range route {
		for _, m := range b.moments {
			m.update(n.weights)
		}
	}
}

func (m moments) update(w onnx.StateDict) {
	Moments{m.name, m.mean.Data, m.variance.Data, m.count}.Update(w)
}

// Moments are the statistics of a batch at one normalisation.
type Moments struct {
	Name           string    // of the normalisation
	Mean, Variance []float32 // of each channel that the path uses; the variance is the biased one
	Count          int       // values of each
}

// Moments are those that the last step found, in the order of the network: copies.
func (n *Network) Moments() []Moments {
	var out []Moments
	for _, b := range n.last {
		for _, m := range b.moments {
			out = append(out, Moments{m.name, slices.Clone(m.mean.Data), slices.Clone(m.variance.Data), m.count})
		}
	}
	return out
}

// Update moves running statistics towards the moments, as a step does that does
// not keep them.
func (m Moments) Update(w onnx.StateDict) {
	mean, variance := w[m.Name+".running_mean"].Data, w[m.Name+".running_var"].Data
	unbiased := float32(m.Count) / float32(m.Count-1)
	for i, v := range m.Mean {
		mean[i] += momentum * (v - mean[i])
	}
	for i, v := range m.Variance {
		variance[i] += momentum * (v*unbiased - variance[i])
	}
	if tracked, ok := w[m.Name+".num_batches_tracked"]; ok && len(tracked.Data) == 1 {
		tracked.Data[0]++
	}
}
