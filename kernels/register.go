//go:build cgo && !windows

package kernels

/*
#cgo CFLAGS: -O3 -I${SRCDIR}/../internal/ortapi
#cgo LDFLAGS: -lm
#include "operators.h"
*/
import "C"

import (
	"fmt"
	"slices"
	"sync"
	"unsafe"

	"github.com/binas-tui/binas-tui/internal/ortapi"
)

func supported(set int) bool { return C.binas_kernels_supported(C.int(set)) != 0 }

// Release frees scratch memory that no operator uses at the moment.
func Release() { C.binas_kernels_release() }

var opening struct {
	sync.Mutex
	done bool
	err  error
}

// Open makes the operators for the ONNX Runtime of a library that this process has
// loaded, by the path it was loaded from: one in a process. The error wraps
// ErrUnavailable.
func Open(library string) error {
	api, err := ortapi.Open(library)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	opening.Lock()
	defer opening.Unlock()
	if !opening.done {
		opening.done, opening.err = true, problem(C.binas_kernels_open(api))
	}
	return opening.err
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
	if !opening.done {
		return fmt.Errorf("%w: no library is open", ErrUnavailable)
	}
	if opening.err != nil {
		return opening.err
	}
	return problem(C.binas_kernels_add(options, C.int(i)))
}

func problem(text *C.char) error {
	if text == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrUnavailable, C.GoString(text))
}
