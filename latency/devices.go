package latency

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/binas-tui/binas-tui/onnx"
)

// DeviceOptions name a device and say how it runs networks. Zero fields are the
// processor of this machine, one thread, batch 1 and 1000 classes.
type DeviceOptions struct {
	Target  string // one of [Targets]
	Threads int    // inside an operator
	Batch   int    // images at once
	Classes int    // of the classifier
	Library string // ONNX Runtime of this machine; "" looks in the usual places
}

// deviceKind is a kind of devices. Another kind is a file with its [Device] and a
// row of deviceKinds: commands, forms and searches ask for devices here.
type deviceKind struct {
	targets   []string   // names; one that ends in a colon begins names, as of hosts
	threads   func() int // that such a device has
	elsewhere bool       // it is another machine, of which little is known before it is opened
	open      func(DeviceOptions) (Device, error)
}

var deviceKinds = []deviceKind{{
	targets: each(onnx.Targets(), func(t onnx.Target) string { return string(t) }),
	threads: runtime.NumCPU,
	open:    openMachine,
}}

// Targets are the names of the devices that can be measured.
func Targets() []string {
	var out []string
	for _, k := range deviceKinds {
		out = append(out, k.targets...)
	}
	return out
}

// kindOf is the kind of a target; "" is the processor of this machine.
func kindOf(target string) (deviceKind, error) {
	for _, k := range deviceKinds {
		if target == "" || slices.ContainsFunc(k.targets, func(name string) bool {
			return target == name || strings.HasSuffix(name, ":") && strings.HasPrefix(target, name)
		}) {
			return k, nil
		}
	}
	return deviceKind{}, fmt.Errorf("target %q: expected one of %s", target, strings.Join(Targets(), ", "))
}

// CheckTarget refuses a name that is none of a device; "" is fine.
func CheckTarget(target string) error {
	_, err := kindOf(target)
	return err
}

// Threads are numbers of threads to choose from on a device: powers of two, and
// all that it has.
func Threads(target string) []int {
	k, err := kindOf(target)
	if err != nil {
		return []int{1}
	}
	var out []int
	for n := 1; n < k.threads(); n *= 2 {
		out = append(out, n)
	}
	return append(out, k.threads())
}

// OpenDevice makes a device ready to be measured: loads what it needs and sees to
// it that the target is there. Errors are those of [onnx.Open], or wrap
// [onnx.ErrTargetUnavailable].
func OpenDevice(o DeviceOptions) (Device, error) {
	k, err := kindOf(o.Target)
	if err != nil {
		return nil, err
	}
	return k.open(o)
}

// openMachine opens this machine.
func openMachine(o DeviceOptions) (Device, error) {
	library, err := onnx.Open(o.Library)
	if err != nil {
		return nil, err
	}
	m := NewMachine(MachineOptions{Target: onnx.Target(o.Target), Threads: o.Threads, Batch: o.Batch, Classes: o.Classes})
	if err := m.o.Target.Check(); err != nil {
		return nil, fmt.Errorf("ONNX Runtime %s from %s: %w", library.Version, library.Path, err)
	}
	return m, nil
}
