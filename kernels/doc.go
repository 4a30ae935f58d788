// Package kernels is operators in C for training, inside ONNX Runtime's own
// sessions: what ordinary operators make slow. A depthwise convolution of theirs is
// a product with a matrix of zeros for the most part, and a normalisation, an
// activation or a gate each passes over memory once more.
//
// # Layout
//
// A map is a matrix [C, side²·B]: B images are the fastest index. So a tap of a
// depthwise convolution joins runs of floats, whatever the side, and one channel's
// map fits into the L2 cache at the usual sizes. All values are float32.
//
// # Operators
//
// In the domain of a [Set] ([Set.Domain]); activations are numbered 0 none, 1 ReLU,
// 2 h-swish, and act' is 0 at the edge of ReLU. M is side²·B, M' that of the result.
//
// Depthwise (kernel, stride, side, batch, act_in, act_out): h [C, M], w [C, kernel²],
// γ, β [C, 1] to y [C, M'], mean, var [C, 1], pool [C, B], where pool is the mean of
// y over an image's positions:
//
//	u = w * act_in(h), with padding kernel/2
//	z = γ(u - mean(u))/√(var(u)+ε) + β, y = act_out(z)
//
// With plain = 1, z = u + β: the convolution of a frozen network.
//
// DepthwiseGradient (the same attributes): h, w, γ, β, mean, var, d [C, M'], and
// where they are given gate and p [C, B], to dh [C, M], dw [C, kernel²], dγ, dβ [C, 1].
// It computes u again rather than read it:
//
//	dz = (gate⊙d + p)⊙act_out'(z), dβ = Σdz, dγ = Σdz⊙(u - mean)/√(var+ε)
//	du = γ/√(var+ε)·(dz - dβ/M' - dγ·(u - mean)/(√(var+ε)·M'))
//	dw = du·act_in(h), dh = (wᵀ * du)⊙act_in'(h)
//
// Gate (batch): y [C, M], g [C, B] to y⊙g. GateGradient (batch): d, y [C, M] to
// Σ d⊙y over positions [C, B].
//
// Normalise (batch, ones): u [C, M], γ, β, and where they are given keep [1, B] and x [C, M],
// to keep⊙(γ(u - mean)/√(var+ε) + β) + x, mean and var. Without γ and β the first is
// u - mean; with ones = 1 a row of ones follows it. NormaliseGradient (batch):
// d, u, γ, mean, var, keep to du, dγ, dβ.
//
// HardSwish, HardSwishGradient: h to act(h); d, h to d⊙act'(h).
//
// Product (transposed, negative, batch): A [R, K], or [K, R] where transposed, B [K, N]
// and where they are given D [R, N] and E [K, B] to ±A·(B⊙E) + D, E being times every
// image of B as a gate is. OuterProduct (transposed, batch): A [R, N], B [K, N] and where
// it is given E [R, B] to (A⊙E)·Bᵀ [R, K], or its transpose.
//
// NaN in is NaN out: a loss that is no number stays one. The numbers of threads,
// and what ran before, change no bit of a result; another set does.
//
// # Cost
//
// Operations and bytes of memory per float of the result, for a kernel of k²:
//
//	Depthwise          2k²+10    4 + 4·stride²
//	DepthwiseGradient  6k²+20    4 + 8·stride²    convolution, dw and dh
//	Gate, Normalise    1-8       8-12             bound by memory
//	Product            2K        4 + 4K/R         bound by arithmetic from K of 50 on
//	OuterProduct       2N        4N/R + 4N/K      the same for R and K
//
// A depthwise kernel of 5 is bound by arithmetic, one of 3 about evenly by both.
// docs/TRAINING.md has what is reached of that. Channels, or rows or columns of a
// product, are shared out between the threads of the session in twice as many chunks as
// there are processors. Large tensors are asked to be on huge pages. A chunk needs scratch
// memory: about two maps of a channel forward, four backward; it is kept for the next one
// until [Release].
//
// # Registration
//
// [Open] makes the operators for the library that the process has loaded; [Register]
// adds a set's operators to the options of a session. Package onnx does both. [Choose]
// takes the fastest set of the processor, or that which BINAS_KERNELS names: off,
// portable, avx2 or avx512.
//
// They are not used, and graphs of ordinary operators take their place, in a build
// without cgo, on Windows, where the Go binding keeps its options in another way
// than it did, and with a library whose interface is not known. doctor says which
// are used, and why where none are.
package kernels
