package backprop

import "github.com/binas-tui/binas-tui/onnx"

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
	mean, variance := w[m.name+".running_mean"].Data, w[m.name+".running_var"].Data
	unbiased := float32(m.count) / float32(m.count-1)
	for i, v := range m.mean.Data {
		mean[i] += momentum * (v - mean[i])
	}
	for i, v := range m.variance.Data {
		variance[i] += momentum * (v*unbiased - variance[i])
	}
	if tracked, ok := w[m.name+".num_batches_tracked"]; ok && len(tracked.Data) == 1 {
		tracked.Data[0]++
	}
}
