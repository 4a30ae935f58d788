package onnx

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/binas-tui/binas-tui/kernels"
)

// Errors of sessions.
var (
	ErrNotLoaded = errors.New("ONNX Runtime is not loaded")
	ErrClosed    = errors.New("session is closed")
	// ErrDeviceMemory is wrapped by errors about a card whose memory is too small.
	ErrDeviceMemory = errors.New("the memory of the device is full")
	// ErrTensorSize is wrapped by errors about tensors of more values than a card's
	// libraries take.
	ErrTensorSize = errors.New("a tensor is larger than the device takes")
)

// MaxThreads bounds the threads of a session: they are started at once.
const MaxThreads = 1024

// SessionOptions say how a model is run. The zero value is one thread on the
// processor.
type SessionOptions struct {
	Threads int    // threads inside an operator; 0 is 1
	Target  Target // empty is CPU
	// Spin lets idle threads wait busily, which is ONNX Runtime's own default.
	// It is faster for one session alone and many times slower for many
	// sessions in turn. No effect with one thread.
	Spin bool
	// NoArena gives memory back after each run: slower, and much smaller where
	// hundreds of sessions are open.
	NoArena bool
	// SharedArena takes memory from one arena of the process, which all sessions
	// of this kind share: as fast as arenas of their own, and little larger than
	// what the largest of them needs. It is never given back. Overrides NoArena.
	SharedArena bool
	// Kernels is the set of kernels whose operators the model uses; see [Kernels].
	Kernels kernels.Set
	// Profile turns on ONNX Runtime's profiler: closing the session writes what
	// every node took in every run to a JSON file whose name begins with it.
	Profile string
}

// Session is a model ready to run. Run uses the session's own tensors and is
// for one goroutine; RunTensors may be called from several at once, whose runs follow
// one another on a card.
type Session struct {
	inputs, outputs []Value
	session         boundSession
	target          Target
	thread          *thread // of a card's session; nil: it runs where it is called

	mu     sync.RWMutex // held for reading while a run uses the session
	closed bool

	own struct { // tensors of Run, made on first use
		in, out []*Tensor
	}
}

// NewSession prepares a model in ONNX's binary form. It takes about 2 ms for a
// block and 30-100 ms for a network. Errors wrap ErrNotLoaded, ErrNotModel or
// ErrTargetUnavailable, or are ONNX Runtime's own.
func NewSession(model []byte, o SessionOptions) (*Session, error) {
	var t *thread
	if o.Target.Async() {
		t = newThread()
	}
	s, err := newSession(model, o, t, func(inputs, outputs []string) (boundSession, error) {
		return bound.newSession(model, inputs, outputs, o)
	})
	if err != nil {
		t.end()
	}
	return s, err
}

// NewIsolatedSession prepares a model of others, of which ONNX Runtime may die, in
// processes of its own: one for each run at a time. Values are copied to and fro.
// The errors of a session whose process died wrap [ErrDied].
func NewIsolatedSession(ctx context.Context, model []byte, o SessionOptions) (*Session, error) {
	return newSession(model, o, nil, func(inputs, outputs []string) (boundSession, error) {
		return newIsolated(ctx, model, inputs, outputs, o)
	})
}

func newSession(model []byte, o SessionOptions, t *thread, open func(inputs, outputs []string) (boundSession, error)) (*Session, error) {
	if _, ok := Loaded(); !ok {
		return nil, fmt.Errorf("new session: %w", ErrNotLoaded)
	}
	if o.Threads < 0 || o.Threads > MaxThreads {
		return nil, fmt.Errorf("new session: %d threads: expected up to %d", o.Threads, MaxThreads)
	}
	inputs, outputs, err := ModelIO(model)
	if err != nil {
		return nil, fmt.Errorf("new session: %w", err)
	}
	s := &Session{inputs: inputs, outputs: outputs, target: o.Target, thread: t}
	if err = t.do(func() (err error) {
		s.session, err = open(names(inputs), names(outputs))
		return err
	}); err != nil {
		return nil, fmt.Errorf("new session: %w", deviceError(o.Target, err))
	}
	return s, nil
}

// fullMemory are parts of what ONNX Runtime, CUDA and its libraries say of a card
// whose memory is full.
var fullMemory = []string{"Failed to allocate memory", "out of memory", "_STATUS_ALLOC_FAILED"}

// largeTensor are the parts of what is said where cuDNN refuses a tensor: it takes up
// to 2^31 - 1 values.
var largeTensor = []string{"cudnnSetTensorNdDescriptor", "CUDNN_STATUS_NOT_SUPPORTED"}

// deviceError says what an error of ONNX Runtime means for a target that is not the
// processor, where that is known.
func deviceError(t Target, err error) error {
	if err == nil || t.Kind() == CPU {
		return err
	}
	text := err.Error()
	if strings.Contains(text, "CPU EP has been explicitly disabled") {
		return fmt.Errorf("%w: %s lacks operators of this network, and none falls back to the processor", ErrTargetUnavailable, t)
	}
	has := func(part string) bool { return strings.Contains(text, part) }
	if has(largeTensor[0]) && has(largeTensor[1]) {
		_, node, _ := strings.Cut(text, "Name:'")
		node, _, _ = strings.Cut(node, "'")
		return fmt.Errorf("%w: %s: cuDNN computes at most 2^31 - 1 values at once: a smaller batch or smaller images (%s: %s)", ErrTensorSize, t, node, largeTensor[1])
	}
	if slices.ContainsFunc(fullMemory, has) {
		return fmt.Errorf("%w: %s: a smaller batch, smaller images or fewer threads take less (%s)", ErrDeviceMemory, t, firstLine(err))
	}
	return err
}

// firstLine is what ONNX Runtime says, without the trace of its own functions.
func firstLine(err error) string {
	line, _, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
	if where := strings.Index(line, "/onnxruntime_src/"); where >= 0 { // file, function and condition
		for _, end := range []string{" was false. ", " : FAIL : "} {
			if i := strings.LastIndex(line, end); i > where {
				return line[:where] + line[i+len(end):]
			}
		}
	}
	return line
}

func names(values []Value) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = v.Name
	}
	return out
}

// Inputs returns the model's inputs.
func (s *Session) Inputs() []Value { return s.inputs }

// Outputs returns the model's outputs.
func (s *Session) Outputs() []Value { return s.outputs }

// Input returns the values of the i-th input that Run reads, to be written to.
func (s *Session) Input(i int) ([]float32, error) {
	if err := s.allocate(); err != nil {
		return nil, err
	}
	return s.own.in[i].Data, nil
}

// Output returns the values of the i-th output, which Run overwrites.
func (s *Session) Output(i int) ([]float32, error) {
	if err := s.allocate(); err != nil {
		return nil, err
	}
	return s.own.out[i].Data, nil
}

// Run runs the model from [Session.Input] to [Session.Output]. A context that
// ends stops it between two operators; the error is then the context's.
func (s *Session) Run(ctx context.Context) error {
	if err := s.allocate(); err != nil {
		return err
	}
	return s.RunTensors(ctx, s.own.in, s.own.out)
}

// allocate makes the session's own tensors. Open sizes become 1.
func (s *Session) allocate() error {
	if s.own.in != nil {
		return nil
	}
	make := func(values []Value) ([]*Tensor, error) {
		var tensors []*Tensor
		for _, v := range values {
			if v.Type != Float32 {
				return tensors, fmt.Errorf("%s is of %s: expected float", v.Name, v.Type)
			}
			shape := append([]int{}, v.Shape...)
			for i, d := range shape {
				if d == Batch {
					shape[i] = 1
				}
			}
			t, err := NewTensor(nil, shape...)
			if err != nil {
				return tensors, fmt.Errorf("%s: %w", v.Name, err)
			}
			tensors = append(tensors, t)
		}
		return tensors, nil
	}
	in, err := make(s.inputs)
	out, err2 := make(s.outputs)
	if err = errors.Join(err, err2); err != nil {
		closeAll(in)
		closeAll(out)
		return fmt.Errorf("session tensors: %w", err)
	}
	s.own.in, s.own.out = in, out
	return nil
}

// RunTensors runs the model on the given tensors, in the order of Inputs and
// Outputs. A context that ends stops it as in [Session.Run].
func (s *Session) RunTensors(ctx context.Context, inputs, outputs []*Tensor) error {
	return s.use(func() error { return s.run(ctx, inputs, outputs) })
}

// Runs calls f with [Session.Run] on the thread that the session runs on, so that what f
// times is not the way there.
func (s *Session) Runs(f func(run func(context.Context) error) error) error {
	if err := s.allocate(); err != nil {
		return err
	}
	return s.use(func() error {
		return f(func(ctx context.Context) error { return s.run(ctx, s.own.in, s.own.out) })
	})
}

// use calls f on the thread of the session, which is not freed meanwhile.
func (s *Session) use(f func() error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	}
	return s.thread.do(f)
}

func (s *Session) run(ctx context.Context, inputs, outputs []*Tensor) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.session.run(ctx, inputs, outputs); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("run: %w", deviceError(s.target, err))
	}
	return nil
}

// Close waits for runs in progress and frees the session. Closing twice is fine.
func (s *Session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	closeAll(s.own.in)
	closeAll(s.own.out)
	defer s.thread.end()
	return s.thread.do(s.session.Destroy)
}

func closeAll(tensors []*Tensor) {
	for _, t := range tensors {
		t.Close()
	}
}
