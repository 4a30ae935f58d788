package backprop

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/binas-tui/binas-tui/kernels"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// Engine holds the sessions that networks of one space, number of classes and
// batch size are trained with, and the memory of their activations. Sessions are
// made when they are first needed (a few milliseconds each) and kept. Networks of
// one engine take turns: an engine is for one goroutine.
type Engine struct {
	space    *model.Space
	classes  int
	o        Options
	programs map[string]*program
	compiled map[string][2]*program    // forward and backward, by segment
	memory   *onnx.Memory              // of a card, where tensors stay between runs; nil: the processor's
	buffers  map[string]*onnx.Tensor   // by slot and key
	tensors  map[string]*onnx.Tensor   // by slot, key and shape
	sizes    map[int]map[string]int    // of a slot's buffers, by key
	names    map[int]map[string]string // of the supernet's tensors, by option and a child's name
	networks []interface{ Close() error }
}

// NewEngine prepares training for images of s.ImageSize pixels. ONNX Runtime
// must be loaded.
func NewEngine(s *model.Space, classes int, o Options) (*Engine, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if classes < 2 || classes > 1<<20 {
		return nil, fmt.Errorf("training with %d classes: expected 2 to %d", classes, 1<<20)
	}
	if _, ok := onnx.Loaded(); !ok {
		return nil, fmt.Errorf("training: %w", onnx.ErrNotLoaded)
	}
	if o.Kernels == "" {
		if o.Kernels, _, err = onnx.Kernels(); err != nil {
			return nil, fmt.Errorf("training: %w", err)
		}
	}
	memory := o.memory
	if memory == nil {
		if memory, err = onnx.NewMemory(o.Target); err != nil {
			return nil, fmt.Errorf("training: %w", err)
		}
	}
	return &Engine{
		space: s, classes: classes, o: o, memory: memory,
		programs: map[string]*program{}, compiled: map[string][2]*program{}, buffers: map[string]*onnx.Tensor{},
		tensors: map[string]*onnx.Tensor{}, sizes: map[int]map[string]int{}, names: map[int]map[string]string{},
	}, nil
}

// Close frees the sessions and all networks and teachers of the engine, and gives
// their memory back to the system.
func (e *Engine) Close() error {
	var errs []error
	for _, n := range slices.Clone(e.networks) {
		errs = append(errs, n.Close())
	}
	for _, p := range e.programs {
		errs = append(errs, p.session.Close())
	}
	for _, tensors := range []map[string]*onnx.Tensor{e.tensors, e.buffers} {
		for _, t := range tensors {
			t.Close()
		}
		clear(tensors)
	}
	clear(e.programs)
	errs = append(errs, e.memory.Close())
	e.memory = nil
	kernels.Release()
	onnx.ReleaseMemory()
	return errors.Join(errs...)
}

// forget takes a closed network or teacher off the list.
func (e *Engine) forget(closed interface{ Close() error }) {
	e.networks = slices.DeleteFunc(e.networks, func(n interface{ Close() error }) bool { return n == closed })
}

// program is one graph, ready to run.
type program struct {
	session   *onnx.Session
	ins, outs []string // keys, in the session's order
	norms     []batchNorms
}

// compile returns the forward and the backward program of a segment.
func (e *Engine) compile(s segment) ([2]*program, error) {
	if both, ok := e.compiled[s.key]; ok {
		return both, nil
	}
	var both [2]*program
	forward, backward := s.graphs(e.o.Batch, e.o.Kernels)
	for i, b := range []*builder{forward, backward} {
		var err error
		if both[i], err = e.open(s.key+[]string{" forward", " backward"}[i], b); err != nil {
			return both, err
		}
	}
	e.compiled[s.key] = both
	return both, nil
}

// program returns the program of a graph that a segment has beside its own.
func (e *Engine) program(key string, write func(*builder)) (*program, error) {
	if p, ok := e.programs[key]; ok {
		return p, nil
	}
	b := newBuilder(key, e.o.Batch, e.o.Kernels)
	write(b)
	return e.open(key, b)
}

// open makes the session of a graph and keeps it.
func (e *Engine) open(key string, b *builder) (*program, error) {
	o := e.sessionOptions()
	if e.o.traces != "" {
		o.Profile = filepath.Join(e.o.traces, fmt.Sprintf("%03d", len(e.programs)))
	}
	session, err := onnx.NewSession(b.g.Marshal(), o)
	if err != nil {
		return nil, fmt.Errorf("graph of %s: %w", key, err)
	}
	p := &program{session, b.ins, b.outs, b.norms}
	e.programs[key] = p
	return p, nil
}

func (e *Engine) sessionOptions() onnx.SessionOptions {
	if e.o.Target.Kind() != onnx.CPU { // whose operators need no threads
		return onnx.SessionOptions{Target: e.o.Target}
	}
	return onnx.SessionOptions{Threads: e.o.Threads, SharedArena: true, Kernels: e.o.Kernels}
}

// tensor returns the engine's own tensor of a slot: all networks use the same,
// and options of a block use prefixes of the same memory.
func (e *Engine) tensor(slot int, key string, shape []int) (*onnx.Tensor, error) {
	place := fmt.Sprint(slot, " ", key)
	name := fmt.Sprint(place, shape)
	if t, ok := e.tensors[name]; ok {
		return t, nil
	}
	buffer, ok := e.buffers[place]
	if !ok {
		var err error
		if buffer, err = e.memory.NewTensor(max(onnx.Elements(shape), e.slotSizes(slot)[key])); err != nil {
			return nil, err
		}
		e.buffers[place] = buffer
	}
	t, err := buffer.Prefix(shape...)
	if err != nil {
		return nil, fmt.Errorf("buffer %s: %w", place, err)
	}
	e.tensors[name] = t
	return t, nil
}

// mirrored is a tensor whose values are read or written here too.
func (e *Engine) mirrored(slot int, key string, shape []int) (*onnx.Tensor, error) {
	t, err := e.tensor(slot, key, shape)
	if err == nil {
		err = t.Mirror()
	}
	return t, err
}

// scratch is memory for a gradient that is added elsewhere at once.
func (e *Engine) scratch(key string, shape []int) (*onnx.Tensor, error) {
	name := fmt.Sprint("scratch ", key, shape)
	if t, ok := e.tensors[name]; ok {
		return t, nil
	}
	t, err := onnx.NewTensor(nil, shape...)
	if err == nil {
		e.tensors[name] = t
	}
	return t, err
}

// slotSizes are the sizes of what the largest option of a slot writes.
func (e *Engine) slotSizes(slot int) map[string]int {
	if sizes, ok := e.sizes[slot]; ok {
		return sizes
	}
	sizes := map[string]int{}
	if _, ok := e.block(slot); ok && e.o.Levels == nil { // which has one option
		forward, _ := e.segment(slot, largest(e.space)).graphs(e.o.Batch, e.o.Kernels)
		for i, v := range forward.g.Outputs() {
			sizes[forward.outs[i]] = onnx.Elements(v.Shape)
		}
	}
	e.sizes[slot] = sizes
	return sizes
}
