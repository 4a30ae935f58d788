package onnx

import (
	"context"
	"fmt"
	"strings"
	"unsafe"

	"github.com/binas-tui/binas-tui/kernels"
)

// binding is what this package asks of the Go binding of ONNX Runtime. The
// binding needs cgo, so it is known only to binding_cgo.go; everything else is
// the same in a build without cgo, and does not get past loading there.
type binding interface {
	// load opens a library for the whole process and returns its version. Errors
	// wrap ErrTooOld or ErrNotONNXRuntime. All else is called after it.
	load(path string) (version string, err error)

	// kernels reports whether sessions can have the operators of package kernels.
	kernels(path string) error

	// check makes nothing; the error wraps ErrTargetUnavailable.
	check(t Target) error

	newSession(model []byte, inputs, outputs []string, o SessionOptions) (boundSession, error)

	// newTensor wraps data, which has as many values as the shape.
	newTensor(data []float32, shape []int) (boundTensor, error)

	// newDeviceTensor wraps floats at a place of a device's memory, of which ONNX Runtime
	// knows the name.
	newDeviceTensor(memory string, device int, at unsafe.Pointer, shape []int) (boundTensor, error)
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

// ErrKernels is wrapped by errors about kernels that cannot be used.
var ErrKernels = kernels.ErrUnavailable

// Kernels is the set of kernels that sessions of this process use, by default and
// where [kernels.Environment] says so. Where that is [kernels.Off], why says what is
// in the way; an error is a variable that names what cannot be had.
func Kernels() (set kernels.Set, why string, err error) {
	if set, err = kernels.Choose(); err != nil {
		return kernels.Off, "", err
	}
	lib, ok := Loaded()
	switch {
	case !CanRun():
		return kernels.Off, ErrNoCgo.Error(), nil
	case set == kernels.Off && len(kernels.Available()) == 0:
		return kernels.Off, "this build has none", nil
	case set == kernels.Off:
		return kernels.Off, kernels.Environment + " is off", nil
	case !ok:
		return kernels.Off, ErrNotLoaded.Error(), nil
	}
	if err := bound.kernels(lib.Path); err != nil {
		return kernels.Off, err.Error(), nil
	}
	return set, "", nil
}

// DescribeKernels says which kernels train, and which there are, or what is in the way.
func DescribeKernels() string {
	set, why, err := Kernels()
	switch {
	case err != nil:
		return err.Error()
	case set == kernels.Off:
		return "off, graphs of ordinary operators instead: " + why
	}
	var names []string
	for _, other := range kernels.Available() {
		names = append(names, string(other))
	}
	return fmt.Sprintf("%s; this machine runs %s: %s chooses one, or off", set, strings.Join(names, ", "), kernels.Environment)
}
