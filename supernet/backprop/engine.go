package backprop

import (
	"errors"
	"fmt"
	"slices"

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
	programs map[string]*program         // by direction and segment
	buffers  map[string][]float32        // by slot and key
	tensors  map[string]*onnx.Tensor     // by slot, key and shape
	sizes    map[int]map[string]int      // of a slot's buffers, by key
	shapes   map[string]map[string][]int // of a segment's parameters, by key and local name
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
	return &Engine{
		space: s, classes: classes, o: o,
		programs: map[string]*program{}, buffers: map[string][]float32{}, tensors: map[string]*onnx.Tensor{},
		sizes: map[int]map[string]int{}, shapes: map[string]map[string][]int{},
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
	for _, t := range e.tensors {
		t.Close()
	}
	clear(e.programs)
	clear(e.tensors)
	clear(e.buffers)
	onnx.ReleaseMemory()
	return errors.Join(errs...)
}

// forget takes a closed network or teacher off the list.
func (e *Engine) forget(closed interface{ Close() error }) {
	e.networks = slices.DeleteFunc(e.networks, func(n interface{ Close() error }) bool { return n == closed })
}

// program is one graph of a segment, ready to run.
type program struct {
	session   *onnx.Session
	ins, outs []string // keys, in the session's order
}

// program returns the session of one direction of a segment.
func (e *Engine) program(s segment, backward bool) (*program, error) {
	key := fmt.Sprint(backward, " ", s.key())
	if p, ok := e.programs[key]; ok {
		return p, nil
	}
	b := newBuilder(s.key(), e.o.Batch)
	if backward {
		s.backward(b)
	} else {
		s.forward(b)
	}
	session, err := onnx.NewSession(b.g.Marshal(), e.sessionOptions())
	if err != nil {
		return nil, fmt.Errorf("graph of %s: %w", s.key(), err)
	}
	p := &program{session, b.ins, b.outs}
	e.programs[key] = p
	return p, nil
}

func (e *Engine) sessionOptions() onnx.SessionOptions {
	return onnx.SessionOptions{Threads: e.o.Threads, SharedArena: true}
}

// tensor returns the engine's own tensor of a slot: all networks use the same,
// and options of a block use prefixes of the same memory.
func (e *Engine) tensor(slot int, key string, shape []int) (*onnx.Tensor, error) {
	place := fmt.Sprint(slot, " ", key)
	name := fmt.Sprint(place, shape)
	if t, ok := e.tensors[name]; ok {
		return t, nil
	}
	n := onnx.Elements(shape)
	buffer, ok := e.buffers[place]
	if !ok {
		buffer = make([]float32, max(n, e.slotSizes(slot)[key]))
		e.buffers[place] = buffer
	}
	if n > len(buffer) {
		return nil, fmt.Errorf("buffer %s has %d values: %v needs %d", place, len(buffer), shape, n)
	}
	t, err := onnx.NewTensor(buffer[:n], shape...)
	if err != nil {
		return nil, err
	}
	e.tensors[name] = t
	return t, nil
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
	if _, ok := e.block(slot); ok {
		b := newBuilder("sizes", e.o.Batch)
		e.segment(slot, e.largest()).forward(b)
		for i, v := range b.g.Outputs() {
			sizes[b.outs[i]] = onnx.Elements(v.Shape)
		}
	}
	e.sizes[slot] = sizes
	return sizes
}

// largest is an option that writes every buffer at its largest.
func (e *Engine) largest() int {
	best := 0
	for i, o := range e.space.Options {
		have := e.space.Options[best]
		if o.Expansion > have.Expansion || o.Expansion == have.Expansion && o.SERatio > have.SERatio {
			best = i
		}
	}
	return best
}
