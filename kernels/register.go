//go:build cgo && !windows

package kernels

/*
#cgo CFLAGS: -O3
#cgo LDFLAGS: -lm -ldl
#include <stdlib.h>
#include "operators.h"
*/
import "C"

import (
	"fmt"
	"slices"
	"sync"
	"unsafe"
)

func supported(set int) bool { return C.binas_kernels_supported(C.int(set)) != 0 }

// Release frees scratch memory that no operator uses at the moment.
func Release() { C.binas_kernels_release() }

var opening struct {
	sync.Mutex
	library string
	err     error
}

// Open finds the interface of ONNX Runtime in a library that this process has
// loaded, by the path it was loaded from: one in a process. The error wraps
// ErrUnavailable.
func Open(library string) error {
	opening.Lock()
	defer opening.Unlock()
	switch opening.library {
	case library:
		return opening.err
	case "":
		path := C.CString(library)
		defer C.free(unsafe.Pointer(path))
		opening.library, opening.err = library, problem(C.binas_kernels_open(path))
		return opening.err
	}
	return fmt.Errorf("%w with %s: those of %s are open", ErrUnavailable, library, opening.library)
}

// Register makes a set's operators known to the sessions that are made with
// options, an OrtSessionOptions of the library that was opened.
func Register(set Set, options unsafe.Pointer) error {
	i := slices.Index(sets, set)
	if i < 0 || !supported(i) {
		return fmt.Errorf("%w: %.40q", ErrUnavailable, string(set))
	}
	opening.Lock()
	defer opening.Unlock()
	if opening.library == "" {
		return fmt.Errorf("%w: no library is open", ErrUnavailable)
	}
	if opening.err != nil {
		return opening.err
	}
	return problem(C.binas_kernels_add(options, C.int(i)))
}

// NewValue makes a tensor, an OrtValue, of the floats at data, which may lie in the memory
// of a device: ONNX Runtime knows it by a name, Cuda or Cpu, and by the number of the
// device. FreeValue frees it; data stays the caller's.
func NewValue(memory string, device int, data unsafe.Pointer, shape []int) (unsafe.Pointer, error) {
	opening.Lock()
	defer opening.Unlock()
	if opening.library == "" {
		return nil, fmt.Errorf("%w: no library is open", ErrUnavailable)
	}
	if opening.err != nil {
		return nil, opening.err
	}
	const float = 4
	dims, bytes := make([]C.int64_t, len(shape)+1), float // one more: there is a first
	for i, d := range shape {
		dims[i], bytes = C.int64_t(d), bytes*d
	}
	name := C.CString(memory)
	defer C.free(unsafe.Pointer(name))
	var value unsafe.Pointer
	err := problem(C.binas_kernels_value(name, C.int(device), data, C.size_t(bytes), &dims[0], C.size_t(len(shape)), &value))
	return value, err
}

// FreeValue frees a value of [NewValue].
func FreeValue(value unsafe.Pointer) { C.binas_kernels_free(value) }

func problem(text *C.char) error {
	if text == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrUnavailable, C.GoString(text))
}
