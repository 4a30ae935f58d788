package onnx

import (
	"errors"
	"fmt"
)

// Target is what a model runs on, an execution provider of ONNX Runtime.
// Operators a target lacks run on the processor.
type Target string

// The targets this program knows. The library that [Install] fetches has CPU
// everywhere, CoreML on macOS and DirectML on Windows.
const (
	CPU      Target = "cpu"
	CUDA     Target = "cuda"
	CoreML   Target = "coreml"
	DirectML Target = "directml"
	OpenVINO Target = "openvino"
	XNNPACK  Target = "xnnpack"
)

// Targets lists the known targets.
func Targets() []Target { return []Target{CPU, CUDA, CoreML, DirectML, OpenVINO, XNNPACK} }

// ErrTargetUnavailable is wrapped by errors about a target that the loaded
// library or this machine does not have.
var ErrTargetUnavailable = errors.New("target is not available")

// ParseTarget reads the name of a target; empty is cpu.
func ParseTarget(name string) (Target, error) {
	if name == "" {
		return CPU, nil
	}
	for _, t := range Targets() {
		if name == string(t) {
			return t, nil
		}
	}
	return "", fmt.Errorf("target %q: expected one of %v", name, Targets())
}

// Check reports whether sessions can be made for the target; the error wraps
// ErrTargetUnavailable or ErrNotLoaded.
func (t Target) Check() error {
	if _, ok := Loaded(); !ok {
		return ErrNotLoaded
	}
	return bound.check(t)
}
