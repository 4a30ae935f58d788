//go:build !cgo || windows

package kernels

import "unsafe"

func supported(int) bool { return false }

// Release does nothing in a build without kernels.
func Release() {}

// Open returns ErrUnavailable.
func Open(string) error { return ErrUnavailable }

// Register returns ErrUnavailable.
func Register(Set, unsafe.Pointer) error { return ErrUnavailable }
