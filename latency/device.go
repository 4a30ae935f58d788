package latency

import (
	"context"
	"errors"

	"github.com/binas-tui/binas-tui/model"
)

// A Device runs whole networks and says what each run took. Tables,
// verifications and the closed loop of a search stand on it alone: [Machine] is
// this machine, through ONNX Runtime; [Remote] is another one.
//
// A Device may be used by one goroutine at a time: two measurements at once
// would disturb each other.
type Device interface {
	// Provenance says what the device is: its Host, Device, Processor, Runtime,
	// Threads and Batch; the other fields are empty.
	Provenance() Provenance
	// Open prepares a network anew: nothing is left of an earlier one, neither
	// memory nor caches. The image is imageSize by imageSize pixels.
	Open(ctx context.Context, arch model.Architecture, imageSize int) (OpenNetwork, error)
	// Close frees the device, after which nothing can be opened on it where it is
	// another machine. Closing twice is fine.
	Close() error
}

// OpenNetwork is a network ready to run on a device.
type OpenNetwork interface {
	// Run runs the network runs times, one after the other, and returns what
	// each took in milliseconds. A context that ends stops it.
	Run(ctx context.Context, runs int) (runsMS []float64, err error)
	// Close frees the network. Closing twice is fine.
	Close() error
}

// A Tracer is a Device that can say what every node of a network took.
type Tracer interface {
	Device
	// OpenTraced is Open with tracing, which makes runs somewhat slower.
	// Errors that wrap ErrNoTrace say that this device has no traces.
	OpenTraced(ctx context.Context, arch model.Architecture, imageSize int) (TracedNetwork, error)
}

// TracedNetwork is a network whose nodes are timed.
type TracedNetwork interface {
	OpenNetwork
	// Trace closes the network and returns what its nodes took in all runs.
	Trace() (Trace, error)
}

// Trace is what the nodes of a network took in its runs. Nodes that belong to
// a block bear its name (blocks.1.0.conv_pw); a runtime may add others.
type Trace struct {
	Nodes  []string    `json:"nodes"`   // in the order they ran
	RunsMS [][]float64 `json:"runs_ms"` // [run][node]
}

// Errors of traces.
var (
	// ErrNoTrace is wrapped by errors about a device that has no traces.
	ErrNoTrace = errors.New("the device gives no times of nodes")
	// ErrTrace is wrapped by errors about a trace that is cut or cannot be read.
	ErrTrace = errors.New("trace of a network")
)

// WarmUpRuns is how many runs of a network that was just opened do not count, at
// least: the first touch its memory, and after one run alone the next is still 14
// to 29% slow. Small networks run on until they have had some milliseconds.
const WarmUpRuns = 3

// Of warming up, beside WarmUpRuns.
const (
	warmUpMS  = 10.0
	maxWarmUp = 12
)
