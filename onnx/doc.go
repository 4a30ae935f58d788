// Package onnx writes the networks of a search space as ONNX models and runs
// them with ONNX Runtime.
//
// # Models
//
// A [Graph] is built from inputs, constants and nodes and written in ONNX's
// binary form (IR 8, operators of version 17). [Network] turns an architecture
// string into a whole network, [Block.Graph] a block into a model of its own,
// and [FixedPart] what all networks of a space share. Batch normalisation is
// folded into the convolutions, as it would be for deployment. [Weights] come
// from a [StateDict] with PyTorch's names, or from a seed.
//
// # The library
//
// ONNX Runtime is not linked in: everything above works without it. [Find]
// says where its shared library is, [Load] opens it once for the process,
// [Open] does both, and [Install] downloads it. A [Session] then runs models
// on a [Target]. The binding to it needs cgo: a build without does the rest,
// and says ErrNoCgo where a library would be needed ([CanRun]).
//
// The package knows nothing of measuring, training or screens.
package onnx
