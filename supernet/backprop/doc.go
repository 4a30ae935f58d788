// Package backprop trains networks with ONNX Runtime's inference library: every
// block has a graph of ordinary operators that computes its output, and one that
// computes its gradients, written out by hand.
//
// # Layout
//
// Activations are matrices [channels, side·side·batch], the image being the
// fastest index. A 1x1 convolution, the gradient of its input and that of its
// weights are then one matrix product each, without a transpose. A depthwise
// convolution is, per channel, the product of a Toeplitz matrix
// [positions out, positions in] with the map; large maps are cut into tiles
// first, so that the matrix stays small (depthwise.go).
//
// # Batch normalisation after a 1x1 convolution
//
// Mean and variance of u = W·x follow from those of x: with c = x - mean(x) and
// C = c·cᵀ/M, the variance of channel i is (W·C·Wᵀ)_ii. The normalisation is
// folded into W before the product is made, and its backward pass needs only
// matrices of the size of W. So the widest maps of a block are never touched
// for it (pointwise.go).
//
// # Networks
//
// An [Engine] holds the sessions, one pair per shape and option of a block,
// shared by all networks. A [Network] is weights with an engine: a child, or the
// supernet with the path that [Network.SetPath] chose. A path computes only the
// channels, kernel and squeeze-excite it uses; that gives the gradients of the
// original's masked form at a fraction of its work. [Network.Step] runs a batch
// forward and backward, and adds to [Network.Gradients]. Updating weights is not
// its business: see package training.
package backprop
