// Package ortapi is what the Go binding does not show of ONNX Runtime's C interface: the
// table of its functions, for operators, and tensors in the memory of a device. The
// interface is described in ort.h.
//
// There is none in a build without cgo and on Windows.
package ortapi
