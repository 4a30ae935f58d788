//go:build !cgo || !linux

package cuda

import (
	"errors"
	"unsafe"
)

var errNotHere = errors.New("this build has no use for one: CUDA is for Linux, built with cgo")

func loadDriver() (Driver, error) { return Driver{}, errNotHere }

func loadLibrary(string) error { return errNotHere }

func findRuntime() error { return errNotHere }

func (m *Memory) open() error { return errNotHere }

// Alloc returns an error in this build.
func (m *Memory) Alloc(int) (unsafe.Pointer, error) { return nil, errNotHere }

// AllocHost returns an error in this build.
func (m *Memory) AllocHost(int) (unsafe.Pointer, error) { return nil, errNotHere }

// Free returns an error in this build.
func (m *Memory) Free(unsafe.Pointer) error { return errNotHere }

// FreeHost returns an error in this build.
func (m *Memory) FreeHost(unsafe.Pointer) error { return errNotHere }

// Copy returns an error in this build.
func (m *Memory) Copy(to, from unsafe.Pointer, bytes int) error { return errNotHere }

// Wait returns an error in this build.
func (m *Memory) Wait() error { return errNotHere }

// Close returns an error in this build.
func (m *Memory) Close() error { return errNotHere }
