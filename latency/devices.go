package latency

import (
	"context"
	"fmt"
	"runtime"

	"github.com/binas-tui/binas-tui/onnx"
)

// DeviceOptions name a device and say how it runs networks. Zero fields are the
// processor of this machine, one thread, batch 1, 1000 classes and fp32.
type DeviceOptions struct {
	Host      string            `json:"-"`       // that ssh reaches; "" is this machine
	Target    string            `json:"target"`  // one of [Targets], as cuda or cuda:1
	Threads   int               `json:"threads"` // inside an operator
	Batch     int               `json:"batch"`   // images at once
	Classes   int               `json:"classes"` // of the classifier
	Precision onnx.Precision    `json:"precision,omitempty"`
	Library   string            `json:"-"` // ONNX Runtime; "" looks in the usual places
	Log       func(text string) `json:"-"` // told what is pushed to a host; may be nil
}

// Targets are what devices run networks on.
func Targets() []string {
	return each(onnx.Targets(), func(t onnx.Target) string { return string(t) })
}

// CheckTarget refuses a name that is none of [Targets], with the number of a card or
// without; "" is fine.
func CheckTarget(target string) error {
	_, err := onnx.ParseTarget(target)
	return err
}

// remoteThreads are what is offered of a host, whose processors are not known
// before it is asked.
const remoteThreads = 16

// Threads are numbers of threads to choose from on a host, "" being this machine:
// powers of two, and all that it has.
func Threads(host string) []int {
	most := runtime.NumCPU()
	if host != "" {
		most = remoteThreads
	}
	var out []int
	for n := 1; n < most; n *= 2 {
		out = append(out, n)
	}
	return append(out, most)
}

// OpenDevice makes a device ready to be measured: connects to its host, loads what
// it needs and sees to it that the target is there. Errors are those of
// [onnx.Open] and of hosts, or wrap [onnx.ErrTargetUnavailable] or [ErrDeviceInUse].
// A host is let go when the device is closed or the context ends.
func OpenDevice(ctx context.Context, o DeviceOptions) (Device, error) {
	target, err := onnx.ParseTarget(o.Target)
	if err != nil {
		return nil, err
	}
	o.Target = string(target)
	if o.Host != "" {
		return openHost(ctx, o)
	}
	return openMachine(o)
}

// openMachine opens this machine.
func openMachine(o DeviceOptions) (Device, error) {
	if err := o.Precision.On(onnx.Target(o.Target)); err != nil {
		return nil, err
	}
	target := onnx.Target(o.Target)
	library, err := onnx.OpenFor(o.Library, target)
	if err != nil {
		return nil, err
	}
	m := NewMachine(MachineOptions{Target: target, Threads: o.Threads, Batch: o.Batch, Classes: o.Classes, Precision: o.Precision})
	if err := target.Check(); err != nil {
		return nil, fmt.Errorf("ONNX Runtime %s from %s: %w", library.Version, library.Path, err)
	}
	if target.Shares() && o.Log != nil {
		o.Log(fmt.Sprintf("operators that %s lacks run on the processor", target))
	}
	return m, nil
}
