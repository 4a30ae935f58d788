//go:build !linux || !cgo

package onnx

// ReleaseMemory does nothing here.
func ReleaseMemory() {}
