package onnx

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// A model of others can make ONNX Runtime divide by zero, take all memory or never
// end. It is run by a process of its own then: this program, told so by the
// environment. The processes of a session each run one request at a time; there
// are as many as requests at once.
//
// What goes through the pipes is a JSON value on a line for every request and
// answer, behind it the numbers as they are in memory.

// ErrDied says that the process of an isolated session ended by itself.
var ErrDied = errors.New("ONNX Runtime died of the model")

// envIsolated makes a program that imports this package run requests from its
// standard input and nothing else.
const envIsolated = "BINAS_TUI_ISOLATED_SESSION"

// opening is the first request; the model's bytes follow.
type opening struct {
	Library         string
	Inputs, Outputs []string
	Options         SessionOptions
	Size            int // of the model, in bytes
}

// running is every other; the values of the inputs follow.
type running struct{ Inputs, Outputs [][]int }

// answer is empty where all went well; after a run the values of the outputs follow.
type answer struct{ Error string }

// isolated is a session in processes of its own.
type isolated struct {
	model   []byte
	opening opening

	mu   sync.Mutex
	idle []*process
}

func newIsolated(ctx context.Context, model []byte, inputs, outputs []string, o SessionOptions) (boundSession, error) {
	lib, _ := Loaded()
	s := &isolated{model: model, opening: opening{lib.Path, inputs, outputs, o, len(model)}}
	p, err := s.start(ctx)
	if err != nil {
		return nil, err
	}
	s.idle = append(s.idle, p)
	return s, nil
}

// startTime is how long a process may take to prepare a model.
const startTime = 2 * time.Minute

// start starts a process and prepares the model in it.
func (s *isolated) start(ctx context.Context) (*process, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startTime, fmt.Errorf("%w: it is not prepared after %s", ErrDied, startTime))
	defer cancel()
	p, err := startProcess()
	if err != nil {
		return nil, fmt.Errorf("process for a model: %w", err)
	}
	if err := p.ask(ctx, s.opening, [][]byte{s.model}, nil); err != nil {
		p.end()
		return nil, err
	}
	return p, nil
}

func (s *isolated) run(ctx context.Context, inputs, outputs []*Tensor) error {
	s.mu.Lock()
	var p *process
	if n := len(s.idle); n > 0 {
		p, s.idle = s.idle[n-1], s.idle[:n-1]
	}
	s.mu.Unlock()
	if p == nil {
		var err error
		if p, err = s.start(ctx); err != nil {
			return err
		}
	}
	var request running
	var in, out [][]byte
	for _, t := range inputs {
		request.Inputs, in = append(request.Inputs, t.Shape), append(in, memory(t.Data))
	}
	for _, t := range outputs {
		request.Outputs, out = append(request.Outputs, t.Shape), append(out, memory(t.Data))
	}
	if err := p.ask(ctx, request, in, out); err != nil {
		p.end()
		return err
	}
	s.mu.Lock()
	s.idle = append(s.idle, p)
	s.mu.Unlock()
	return nil
}

// Destroy ends the processes. No run is under way.
func (s *isolated) Destroy() error {
	for _, p := range s.idle {
		p.end()
	}
	s.idle = nil
	return nil
}

// process is the other process, seen from here.
type process struct {
	cmd    *exec.Cmd
	to     io.WriteCloser
	from   *bufio.Reader
	stderr tail
}

func startProcess() (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(self)}
	p.cmd.Env = append(os.Environ(), envIsolated+"=1", "GOTRACEBACK=none")
	p.cmd.Stderr, p.cmd.WaitDelay = &p.stderr, time.Second
	if p.to, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	from, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.from = bufio.NewReaderSize(from, maxAnswer)
	return p, p.cmd.Start()
}

// maxAnswer bounds the line of an answer, in bytes.
const maxAnswer = 1 << 16

// ask sends a request and waits for the answer. The process is of no use after an
// error; it is killed where the context ends first.
func (p *process) ask(ctx context.Context, request any, in, out [][]byte) error {
	stop := context.AfterFunc(ctx, func() { p.cmd.Process.Kill() })
	defer stop()
	said, err := p.exchange(request, in, out)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return fmt.Errorf("%w: %s", ErrDied, p.last(err))
	case said != "":
		return fmt.Errorf("%w: %s", ErrNotModel, said)
	}
	return nil
}

func (p *process) exchange(request any, in, out [][]byte) (said string, err error) {
	if err := send(p.to, request, in); err != nil {
		return "", err
	}
	var a answer
	if err := receive(p.from, &a); err != nil || a.Error != "" {
		return a.Error, err
	}
	for _, b := range out {
		if _, err := io.ReadFull(p.from, b); err != nil {
			return "", err
		}
	}
	return "", nil
}

// last is the last that the process said, else the error.
func (p *process) last(err error) string {
	p.end()
	for line := range strings.Lines(p.stderr.String()) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	if s := p.cmd.ProcessState; s != nil && !s.Success() {
		return s.String()
	}
	return err.Error()
}

// end ends the process and waits for it; ending it twice is fine.
func (p *process) end() {
	if p.cmd.ProcessState == nil {
		p.cmd.Process.Kill()
		p.cmd.Wait()
	}
}

// tail keeps the first of what is written to it.
type tail struct{ bytes.Buffer }

func (t *tail) Write(b []byte) (int, error) {
	t.Buffer.Write(b[:min(len(b), max(0, 4096-t.Len()))])
	return len(b), nil
}

func send(w io.Writer, v any, values [][]byte) error {
	line, err := json.Marshal(v)
	if err == nil {
		_, err = w.Write(append(line, '\n'))
	}
	for _, b := range values {
		if err == nil {
			_, err = w.Write(b)
		}
	}
	return err
}

func receive(r *bufio.Reader, v any) error {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, v)
}

// memory is the bytes of values.
func memory(data []float32) []byte {
	if len(data) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&data[0])), 4*len(data))
}

// A program that is told to be the other process is that from here on: the
// package is initialised before the program does anything of its own.
func init() {
	if os.Getenv(envIsolated) == "" {
		return
	}
	os.Unsetenv(envIsolated)
	// What the terminal sends to all its programs is for the first one to act on:
	// it closes the pipe or kills.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	expendable()
	serve(os.Stdin, os.Stdout)
	os.Exit(0)
}

// serve answers requests until there are no more.
func serve(in io.Reader, out io.Writer) {
	requests := bufio.NewReaderSize(in, 1<<20)
	var o opening
	if receive(requests, &o) != nil {
		return
	}
	model := make([]byte, o.Size)
	if _, err := io.ReadFull(requests, model); err != nil {
		return
	}
	_, err := Load(Library{Path: o.Library})
	var s *Session
	if err == nil {
		s, err = NewSession(model, o.Options)
	}
	if reply(out, err, nil) != nil || err != nil {
		return
	}
	defer s.Close()
	for {
		var r running
		if receive(requests, &r) != nil {
			return
		}
		inputs, err := tensors(r.Inputs)
		outputs, err2 := tensors(r.Outputs)
		if errors.Join(err, err2) != nil {
			reply(out, errors.Join(err, err2), nil)
			return
		}
		for _, t := range inputs {
			if _, err := io.ReadFull(requests, memory(t.Data)); err != nil {
				return
			}
		}
		// The other process may end while the model runs: nobody waits then.
		ended := make(chan struct{})
		go func() {
			if _, err := requests.Peek(1); err != nil {
				os.Exit(1)
			}
			close(ended)
		}()
		err = s.RunTensors(context.Background(), inputs, outputs)
		var values [][]byte
		for _, t := range outputs {
			values = append(values, memory(t.Data))
		}
		if reply(out, err, values) != nil || err != nil {
			return
		}
		<-ended
		closeAll(inputs)
		closeAll(outputs)
	}
}

func reply(w io.Writer, err error, values [][]byte) error {
	var a answer
	if err != nil {
		if inner := errors.Unwrap(err); inner != nil {
			err = inner // the other side says as well what it was doing
		}
		a.Error, values = err.Error()[:min(len(err.Error()), maxAnswer/8)], nil
	}
	return send(w, a, values)
}

func tensors(shapes [][]int) ([]*Tensor, error) {
	var out []*Tensor
	for _, shape := range shapes {
		t, err := NewTensor(nil, shape...)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}
