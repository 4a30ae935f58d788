package onnx

import (
	"fmt"
	"slices"

	"golang.org/x/sys/cpu"
)

// Precision is what a network computes in.
type Precision string

// The precisions. Zero is FP32.
const (
	FP32 Precision = "fp32"
	FP16 Precision = "fp16" // between inputs and outputs: see [Graph.Half]
	INT8 Precision = "int8" // but for the stem and the first stages: see [Graph.Quantised]
)

// Precisions lists them.
func Precisions() []Precision { return []Precision{FP32, FP16, INT8} }

// ParsePrecision reads the name of a precision; empty is fp32.
func ParsePrecision(name string) (Precision, error) {
	if name == "" {
		return FP32, nil
	}
	if p := Precision(name); slices.Contains(Precisions(), p) {
		return p, nil
	}
	return "", fmt.Errorf("precision %q: expected one of %v", name, Precisions())
}

// On refuses a target that does not compute in the precision; the error wraps
// ErrTargetUnavailable.
func (p Precision) On(t Target) error {
	provider, _ := t.split()
	switch {
	case p == INT8 && provider.target != CPU:
		return fmt.Errorf("%w: %s is for %s: %s would compute in floats between the integers", ErrTargetUnavailable, INT8, CPU, t)
	case p == FP16 && !provider.halves:
		return fmt.Errorf("%w: %s is for cards such as cuda: %s would compute in floats of 32 bits between the halves", ErrTargetUnavailable, FP16, provider.target)
	}
	return nil
}

// In is a float graph in a precision, for latency alone where that is INT8: its
// ranges are those of no data.
func (p Precision) In(g *Graph) (*Graph, error) {
	switch p {
	case FP16:
		return g.Half()
	case INT8:
		return g.Quantised(AnyRange)
	}
	return g, nil
}

// SlowInt8 says why int8 is slow on this processor, which lacks what multiplies
// bytes and adds up in one instruction; empty where it has that.
func SlowInt8() string {
	if cpu.X86.HasAVX512VNNI || cpu.X86.HasAVXVNNI || cpu.ARM64.HasASIMDDP {
		return ""
	}
	return "this processor has no VNNI (AVX512-VNNI, AVX-VNNI; on ARM dot products): int8 is probably slower than fp32 here"
}
