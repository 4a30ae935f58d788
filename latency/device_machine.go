package latency

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/binas-tui/binas-tui/internal/parallel"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// Bounds of what is measured with: beyond these it is a slip of the hand, or a
// table that would have the machine start threads until nothing moves.
const (
	MaxThreads = onnx.MaxThreads
	MaxBatch   = 4096
)

// MachineOptions say how this machine runs networks. The zero value is one
// thread of the processor at batch 1 with 1000 classes.
type MachineOptions struct {
	Target    onnx.Target    // empty is CPU
	Threads   int            // inside an operator; 0 is 1
	Batch     int            // images at once; 0 is 1
	Classes   int            // of the classifier; 0 is 1000
	Precision onnx.Precision // empty is FP32
}

// Machine is this machine, which runs networks of random weights through ONNX
// Runtime; the library must be loaded (see [onnx.Open]). It is a [Tracer].
type Machine struct {
	o       MachineOptions
	weights *shapeWeights
	clean   sync.Once // removes what killed processes left
	warm    bool      // a card has its clocks
	// together is whether several networks are made ready at once: on a card the first
	// run, in which cuDNN chooses how to compute each convolution, keeps a processor busy
	// for hundreds of milliseconds.
	together bool
}

// NewMachine returns this machine as a device.
func NewMachine(o MachineOptions) *Machine {
	o.Target = cmp.Or(o.Target, onnx.CPU)
	o.Threads, o.Batch = max(o.Threads, 1), max(o.Batch, 1)
	o.Classes = cmp.Or(o.Classes, 1000)
	o.Precision = cmp.Or(o.Precision, onnx.FP32)
	return &Machine{o: o, weights: &shapeWeights{tensors: map[string][]float32{}}, together: o.Target.Async()}
}

// Provenance implements [Device].
func (m *Machine) Provenance() Provenance {
	p := Provenance{Device: string(m.o.Target), Processor: Processor(), Threads: m.o.Threads, Batch: m.o.Batch, Precision: m.o.Precision}
	if card := m.o.Target.Describe(); card != "" {
		p.Processor = card + cardOf + p.Processor
	}
	if lib, ok := onnx.Loaded(); ok {
		p.Runtime = "ONNX Runtime " + lib.Version
	}
	return p
}

// cardOf joins the name of a card and that of the processor that it works for.
const cardOf = ", "

// Open implements [Device].
func (m *Machine) Open(ctx context.Context, arch model.Architecture, imageSize int) (OpenNetwork, error) {
	return m.open(ctx, arch, imageSize, "")
}

// Close implements [Device].
func (m *Machine) Close() error { return nil }

// OpenTraced implements [Tracer]. The runtime writes a trace of some hundred
// kilobytes to the folder of temporary files when the network is closed;
// [TracedNetwork.Trace] and Close remove it. What it says of a card is when operators
// were handed over: that is no trace.
func (m *Machine) OpenTraced(ctx context.Context, arch model.Architecture, imageSize int) (TracedNetwork, error) {
	if m.o.Target.Async() {
		return nil, fmt.Errorf("%w: %s tells when operators began, not what they took", ErrNoTrace, m.o.Target)
	}
	m.clean.Do(removeLeftTraces)
	folder, release, err := traceFolder()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTrace, err)
	}
	n, err := m.open(ctx, arch, imageSize, filepath.Join(folder, traceName))
	if err != nil {
		release()
		os.RemoveAll(folder)
		return nil, err
	}
	n.folder, n.release = folder, release
	return n, nil
}

// The folders of traces: each is locked while it is used, so that those which a
// killed process left can be told.
const (
	tracePrefix = "binas-tui-trace-"
	traceName   = "trace"
	traceLock   = "lock"
)

// traceFolder makes a folder for a trace. Another process that removes what was
// left may take it away before it is locked: it is made again then.
func traceFolder() (folder string, release func(), err error) {
	for range 3 {
		if folder, err = os.MkdirTemp("", tracePrefix); err != nil {
			return "", nil, err
		}
		if release, err = safefile.Lock(filepath.Join(folder, traceLock)); err == nil {
			return folder, release, nil
		}
		os.RemoveAll(folder)
	}
	return "", nil, err
}

// removeLeftTraces removes the folders of processes that were killed.
func removeLeftTraces() {
	folders, _ := filepath.Glob(filepath.Join(os.TempDir(), tracePrefix+"*")) // no pattern of a user
	for _, folder := range folders {
		if release, err := safefile.Lock(filepath.Join(folder, traceLock)); err == nil {
			release()
			os.RemoveAll(folder)
		}
	}
}

func (m *Machine) open(ctx context.Context, arch model.Architecture, imageSize int, profile string) (*machineNetwork, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o := MeasureOptions{Batch: m.o.Batch, Classes: m.o.Classes}
	if err := checkNetworkMemory([]model.Architecture{arch}, imageSize, o); err != nil {
		return nil, err
	}
	graph, err := onnx.Network(arch, m.weights, onnx.NetworkOptions{ImageSize: imageSize, Batch: m.o.Batch, Classes: m.o.Classes})
	if err == nil {
		graph, err = m.o.Precision.In(graph)
	}
	if err != nil {
		return nil, err
	}
	session, err := onnx.NewSession(graph.Marshal(), onnx.SessionOptions{Target: m.o.Target, Threads: m.o.Threads, Profile: profile})
	if err != nil {
		return nil, err
	}
	if err := m.fill(session); err != nil {
		session.Close()
		return nil, err
	}
	return &machineNetwork{session: session, machine: m}, nil
}

// prepare implements [preparer]; networks have run once.
func (m *Machine) prepare(ctx context.Context, archs []model.Architecture, imageSize int) (networks []OpenNetwork, release func(), err error) {
	if !m.together {
		return nil, func() {}, nil
	}
	opened, errs := make([]*machineNetwork, len(archs)), make([]error, len(archs))
	err = parallel.For(ctx, len(archs), func(i int) {
		if opened[i], errs[i] = m.open(ctx, archs[i], imageSize, ""); errs[i] == nil {
			errs[i] = opened[i].session.Run(ctx)
		}
	})
	release = func() {
		parallel.For(context.Background(), len(opened), func(i int) {
			if opened[i] != nil {
				opened[i].Close()
			}
		})
	}
	if err = cmp.Or(err, cmp.Or(errs...)); err != nil {
		return nil, release, err
	}
	return each(opened, func(n *machineNetwork) OpenNetwork { return n }), release, nil
}

// fill writes the image.
func (m *Machine) fill(session *onnx.Session) error {
	image, err := session.Input(0)
	if err != nil {
		return err
	}
	values, err := m.weights.Tensor("image.bias", []int{len(image)})
	copy(image, values)
	return err
}

// machineNetwork is a network open on this machine.
type machineNetwork struct {
	machine *Machine
	session *onnx.Session
	typical time.Duration // of a run, from the last
	runs    int
	folder  string // of the trace; "" where there is none
	release func() // its lock
}

// Run implements [OpenNetwork].
func (n *machineNetwork) Run(ctx context.Context, runs int) ([]float64, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	took := make([]float64, 0, runs)
	err := n.session.Runs(func(run func(context.Context) error) error {
		if err := n.warmClocks(ctx, run); err != nil {
			return err
		}
		for range runs {
			if err := ctx.Err(); err != nil {
				return err
			}
			runCtx := context.Background()
			if n.typical > interruptible || n.runs == 0 {
				runCtx = ctx
			}
			start := time.Now()
			if err := run(runCtx); err != nil {
				return err
			}
			n.typical = time.Since(start)
			n.runs++
			took = append(took, float64(n.typical)/float64(time.Millisecond))
		}
		return nil
	})
	return took, err
}

// clockTime is how long a card that was idle is given to raise its clocks.
const clockTime = time.Second

// warmClocks runs the first network of a card until the card has its clocks.
func (n *machineNetwork) warmClocks(ctx context.Context, run func(context.Context) error) error {
	if !n.machine.o.Target.Async() || n.machine.warm {
		return nil
	}
	for begun := time.Now(); time.Since(begun) < clockTime; {
		if err := run(ctx); err != nil {
			return err
		}
	}
	n.machine.warm = true
	return nil
}

// Close implements [OpenNetwork].
func (n *machineNetwork) Close() error {
	err := n.session.Close()
	if n.folder != "" {
		n.release()
		err = errors.Join(err, os.RemoveAll(n.folder))
		n.folder = ""
	}
	return err
}

// Trace implements [TracedNetwork].
func (n *machineNetwork) Trace() (Trace, error) {
	defer n.Close()
	if n.folder == "" {
		return Trace{}, fmt.Errorf("%w: the network is closed", ErrTrace)
	}
	if err := n.session.Close(); err != nil { // which writes it
		return Trace{}, err
	}
	files, err := filepath.Glob(filepath.Join(n.folder, traceName+"*"))
	if err != nil || len(files) == 0 {
		return Trace{}, fmt.Errorf("%w: %w: this ONNX Runtime wrote none to %s", ErrTrace, ErrNoTrace, n.folder)
	}
	data, err := safefile.Read(files[0], maxTraceBytes)
	if err != nil {
		return Trace{}, fmt.Errorf("%w: %w", ErrTrace, err)
	}
	t, err := decodeTrace(data)
	if err == nil && len(t.RunsMS) < n.runs {
		err = fmt.Errorf("%w: it ends after %d of %d runs: is there room in %s?", ErrTrace, len(t.RunsMS), n.runs, os.TempDir())
	}
	return t, err
}

// shapeWeights are random weights that are made once for every shape: what a
// network takes does not depend on their values, and making them is most of
// what opening a network takes.
type shapeWeights struct {
	mu      sync.Mutex // held while tensors are made
	tensors map[string][]float32
}

// Tensor implements [onnx.Weights].
func (w *shapeWeights) Tensor(name string, shape []int) ([]float32, error) {
	kind := name[strings.LastIndexByte(name, '.')+1:] // of a normalisation; values of the others are alike
	key := fmt.Sprint(kind, shape)
	w.mu.Lock()
	defer w.mu.Unlock()
	if data, ok := w.tensors[key]; ok {
		return data, nil
	}
	data, err := onnx.RandomWeights{Seed: 1}.Tensor(name, shape)
	if err == nil {
		w.tensors[key] = data
	}
	return data, err
}
