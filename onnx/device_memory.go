package onnx

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/binas-tui/binas-tui/internal/cuda"
)

// DeviceMemory is the memory of a device as its driver gives it, zeroed, and a queue of
// copies between it and the processor's.
type DeviceMemory interface {
	Alloc(bytes int) (unsafe.Pointer, error)
	AllocHost(bytes int) (unsafe.Pointer, error) // of the processor, for copies
	Free(unsafe.Pointer) error
	FreeHost(unsafe.Pointer) error
	Copy(to, from unsafe.Pointer, bytes int) error // is begun, after those before it
	Wait() error                                   // until all is copied
	Close() error
}

// Memory is where tensors are made that stay there from one run to the next. nil is the
// processor's own, whose tensors sessions read and write in place; of others see
// [Tensor.Mirror]. It is for one goroutine.
type Memory struct {
	target       Target
	name         string // in ONNX Runtime's words
	number       int
	device       DeviceMemory
	part         bool
	inside, host region
}

// NewMemory is the memory of a target: nil for the processor. Cards of CUDA have one of
// their own; the error wraps [ErrTargetUnavailable] for other targets, and where there is
// no such card.
func NewMemory(t Target) (*Memory, error) {
	_, number := t.split()
	switch t.Kind() {
	case CPU:
		return nil, nil
	case CUDA:
		needs, err := loadCUDA()
		if err == nil {
			err = needs.Check(number)
		}
		if err != nil {
			return nil, err
		}
		device, err := cuda.NewMemory(number)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrTargetUnavailable, t, deviceError(t, err))
		}
		return &Memory{target: t, name: "Cuda", number: number, device: device}, nil
	}
	return nil, fmt.Errorf("%w: tensors do not stay on %s: expected %s or %s", ErrTargetUnavailable, t, CPU, CUDA)
}

// NewProcessorMemory is memory that sessions of the processor read and write in place, and
// that is used as if it were a card's.
func NewProcessorMemory(d DeviceMemory) *Memory { return &Memory{target: CPU, name: "Cpu", device: d} }

// Part is the same memory, to be freed by itself, before the whole is.
func (m *Memory) Part() *Memory {
	if m == nil {
		return nil
	}
	return &Memory{target: m.target, name: m.name, number: m.number, device: m.device, part: true}
}

// NewTensor makes a tensor of zeros. The error wraps [ErrDeviceMemory] where the memory
// is full.
func (m *Memory) NewTensor(shape ...int) (*Tensor, error) {
	if m == nil {
		return NewTensor(nil, shape...)
	}
	at, err := m.inside.take(4*Elements(shape), m.device.Alloc)
	if err != nil {
		return nil, fmt.Errorf("new tensor of shape %v: %w", shape, deviceError(m.target, err))
	}
	return m.tensor(at, shape)
}

func (m *Memory) tensor(at unsafe.Pointer, shape []int) (*Tensor, error) {
	value, err := bound.newDeviceTensor(m.name, m.number, at, shape)
	if err != nil {
		return nil, fmt.Errorf("new tensor of shape %v: %w", shape, err)
	}
	return &Tensor{Shape: shape, value: value, memory: m, at: at}, nil
}

// Wait waits until what was uploaded and downloaded is there.
func (m *Memory) Wait() error {
	if m == nil {
		return nil
	}
	return deviceError(m.target, m.device.Wait())
}

// Close frees the memory. Tensors made of it must be closed already.
func (m *Memory) Close() error {
	if m == nil {
		return nil
	}
	err := errors.Join(m.device.Wait(), m.inside.free(m.device.Free), m.host.free(m.device.FreeHost))
	if m.part {
		return err
	}
	return errors.Join(err, m.device.Close())
}

// region hands out memory that is freed as a whole.
type region struct {
	all  []unsafe.Pointer
	rest unsafe.Pointer
	left int // bytes at rest
}

const (
	alignment = 256
	chunk     = 4 << 20
)

func (r *region) take(bytes int, alloc func(bytes int) (unsafe.Pointer, error)) (unsafe.Pointer, error) {
	bytes = max(alignment, (bytes+alignment-1)/alignment*alignment)
	if bytes > r.left {
		p, err := alloc(max(bytes, chunk))
		if err != nil {
			return nil, err
		}
		r.all = append(r.all, p)
		if bytes >= chunk {
			return p, nil
		}
		r.rest, r.left = p, chunk
	}
	p := r.rest
	r.rest, r.left = unsafe.Add(p, bytes), r.left-bytes
	return p, nil
}

func (r *region) free(free func(unsafe.Pointer) error) error {
	var errs []error
	for _, p := range r.all {
		errs = append(errs, free(p))
	}
	*r = region{}
	return errors.Join(errs...)
}
