package onnx

import "context"

// binding is what this package asks of the Go binding of ONNX Runtime. The
// binding needs cgo, so it is known only to binding_cgo.go; everything else is
// the same in a build without cgo, and does not get past loading there.
type binding interface {
	// load opens a library for the whole process and returns its version. Errors
	// wrap ErrTooOld or ErrNotONNXRuntime. All else is called after it.
	load(path string) (version string, err error)

	// check makes nothing; the error wraps ErrTargetUnavailable.
	check(t Target) error

	newSession(model []byte, inputs, outputs []string, o SessionOptions) (boundSession, error)

	// newTensor wraps data, which has as many values as the shape.
	newTensor(data []float32, shape []int) (boundTensor, error)
}

// boundSession is the binding's part of a Session.
type boundSession interface {
	// run stops between two operators when the context ends, with any error.
	run(ctx context.Context, inputs, outputs []*Tensor) error
	Destroy() error
}

// boundTensor is the binding's part of a Tensor.
type boundTensor interface{ Destroy() error }

// bound is nil in a build without cgo.
var bound binding

// CanRun reports whether this build can use ONNX Runtime, if there is one: it
// was made with cgo. Where it cannot, [Find], [Load], [Open] and [Install] say
// ErrNoCgo.
func CanRun() bool { return bound != nil }
