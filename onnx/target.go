package onnx

import (
	"errors"
	"fmt"
	"strconv"

	ort "github.com/yalue/onnxruntime_go"
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
	options, err := ort.NewSessionOptions()
	if err != nil {
		return err
	}
	defer options.Destroy()
	return t.append(options, 1)
}

// append adds the target's provider to the options of a session.
func (t Target) append(o *ort.SessionOptions, threads int) error {
	var err error
	switch t {
	case "", CPU:
	case CUDA:
		var cuda *ort.CUDAProviderOptions
		if cuda, err = ort.NewCUDAProviderOptions(); err == nil {
			err = o.AppendExecutionProviderCUDA(cuda)
			cuda.Destroy()
		}
	case CoreML:
		err = o.AppendExecutionProviderCoreMLV2(nil)
	case DirectML:
		// DirectML supports neither memory patterns nor parallel execution.
		if err = o.SetMemPattern(false); err == nil {
			err = o.AppendExecutionProviderDirectML(0)
		}
	case OpenVINO:
		err = o.AppendExecutionProviderOpenVINO(nil)
	case XNNPACK:
		err = o.AppendExecutionProvider("XNNPACK", map[string]string{"intra_op_num_threads": strconv.Itoa(threads)})
	default:
		_, err = ParseTarget(string(t))
	}
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrTargetUnavailable, t, err)
	}
	return nil
}
