//go:build !cgo || windows

package ortapi

import (
	"errors"
	"unsafe"
)

var errNone = errors.New("this build does not know ONNX Runtime's C interface")

// Open finds nothing.
func Open(string) (unsafe.Pointer, error) { return nil, errNone }

// NewValue makes nothing.
func NewValue(string, int, unsafe.Pointer, []int) (unsafe.Pointer, error) { return nil, errNone }

// FreeValue has nothing to free.
func FreeValue(unsafe.Pointer) {}
