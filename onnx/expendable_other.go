//go:build !linux

package onnx

func expendable() {}
