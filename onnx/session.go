package onnx

import (
	"context"
	"errors"
	"fmt"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// Errors of sessions.
var (
	ErrNotLoaded = errors.New("ONNX Runtime is not loaded")
	ErrClosed    = errors.New("session is closed")
)

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
}

// Session is a model ready to run. Run uses the session's own tensors and is
// for one goroutine; RunTensors may be called from several at once.
type Session struct {
	inputs, outputs []Value
	session         *ort.DynamicAdvancedSession

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
	if _, ok := Loaded(); !ok {
		return nil, fmt.Errorf("new session: %w", ErrNotLoaded)
	}
	inputs, outputs, err := ModelIO(model)
	if err != nil {
		return nil, fmt.Errorf("new session: %w", err)
	}
	options, err := o.build()
	if err != nil {
		return nil, fmt.Errorf("new session: %w", err)
	}
	defer options.Destroy()
	s := &Session{inputs: inputs, outputs: outputs}
	s.session, err = ort.NewDynamicAdvancedSessionWithONNXData(model, names(inputs), names(outputs), options)
	if err != nil {
		return nil, fmt.Errorf("new session: %w", err)
	}
	return s, nil
}

func names(values []Value) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = v.Name
	}
	return out
}

// build translates the options.
func (o SessionOptions) build() (*ort.SessionOptions, error) {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	threads := max(1, o.Threads)
	spin := "0"
	if o.Spin {
		spin = "1"
	}
	if o.SharedArena {
		err = errors.Join(registerArena(), options.AddSessionConfigEntry("session.use_env_allocators", "1"))
	}
	err = errors.Join(
		err,
		options.SetIntraOpNumThreads(threads),
		options.SetInterOpNumThreads(1),
		options.SetCpuMemArena(!o.NoArena || o.SharedArena),
		options.SetLogSeverityLevel(ort.LoggingLevelFatal),
		options.AddSessionConfigEntry("session.intra_op.allow_spinning", spin),
	)
	if err == nil {
		err = o.Target.append(options, threads)
	}
	if err != nil {
		options.Destroy()
		return nil, err
	}
	return options, nil
}

// registerArena makes the arena of the process, once. It grows by what is asked
// for, not in powers of two.
var registerArena = sync.OnceValue(func() error {
	const sameAsRequested = 1
	config, err := ort.NewArenaCfg(0, sameAsRequested, -1, -1)
	if err != nil {
		return fmt.Errorf("shared arena: %w", err)
	}
	defer config.Destroy()
	info, err := ort.GetMemoryInfo()
	if err == nil {
		err = ort.CreateAndRegisterAllocator(info, config)
	}
	if err != nil {
		return fmt.Errorf("shared arena: %w", err)
	}
	return nil
})

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
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	}
	var options *ort.RunOptions
	if ctx.Done() != nil {
		var err error
		if options, err = ort.NewRunOptions(); err != nil {
			return fmt.Errorf("run: %w", err)
		}
		// The terminator must be done with options before they are freed.
		finished := make(chan struct{})
		stop := context.AfterFunc(ctx, func() {
			options.Terminate()
			close(finished)
		})
		defer func() {
			if !stop() {
				<-finished
			}
			options.Destroy()
		}()
	}
	if err := s.session.RunWithOptions(values(inputs), values(outputs), options); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("run: %w", err)
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
	return s.session.Destroy()
}

func closeAll(tensors []*Tensor) {
	for _, t := range tensors {
		t.Close()
	}
}
