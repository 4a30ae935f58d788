//go:build !linux

package onnx

// ReleaseMemory does nothing here.
func ReleaseMemory() {}
