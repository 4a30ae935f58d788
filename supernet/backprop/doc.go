// Package backprop trains networks with ONNX Runtime's inference library: every
// block has a graph of ordinary operators that computes its output, and one that
// computes its gradients.
//
// A block is a [segment]: layers in a row. Each kind of layer has its derivative
// beside it, and the backward graph of a segment is those of its layers in reverse.
// Derivatives of whole layers, not of operators, are what makes it fast: they leave
// the widest maps alone where products of weights say the same. The teacher is the
// same layers with weights that are constants.
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
// Where package kernels can be used, its operators take the place of such layers, one
// for a depthwise convolution and what is around it (fused.go). What a layer is stays
// the same, and the graphs of ordinary operators remain for machines without.
//
// # Batch normalisation after a 1x1 convolution
//
// Mean and variance of u = W·x follow from those of x: with c = x - mean(x) and
// C = c·cᵀ/M, the variance of channel i is (W·C·Wᵀ)_ii. The normalisation is
// folded into W before the product is made, and its backward pass needs only
// matrices of the size of W. So the widest maps of a block are not touched for
// it, except where a map is smaller than the weights (pointwise.go).
//
// # Networks
//
// An [Engine] holds the sessions, one pair per shape and option of a block,
// shared by all networks. A [Network] is weights with an engine: a child, or the
// supernet with the path that [Network.SetPath] chose. A path computes only the
// channels, kernel and squeeze-excite it uses; that gives the gradients of the
// original's masked form at a fraction of its work. [Network.SetPaths] gives
// every image a path of its own, with all layers at full width and masks, as the
// original trains (multipath_block.go). [Network.Step] runs a batch forward and
// backward, and adds to [Network.Gradients]. Updating weights is not its business:
// see package training.
//
// # One step
//
// step.go gathers the 3x3 patches of the images and runs the forward program of
// every slot of the path (slots.go), each of which leaves what its backward
// program needs in tensors of the engine (binding.go). loss.go computes the
// losses of the logits in Go; the backward programs run in reverse, and where a
// stage ends the gradient of the distance from the teacher's features is added.
// Gradients go straight into [Network.Gradients] the first time, and through
// scratch memory where they are added or cut. Then statistics.go moves the
// running statistics.
package backprop
