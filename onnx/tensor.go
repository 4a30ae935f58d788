package onnx

import (
	"fmt"
	"unsafe"
)

// Tensor is float32 data that sessions read or write: in place, or in the memory of a
// device ([Memory.NewTensor]), where it stays until it is downloaded.
type Tensor struct {
	Data  []float32 // row major; may be written to between runs. Nil on a device, until Mirror
	Shape []int
	value boundTensor

	memory *Memory // of a device; nil: Data is what sessions use
	at     unsafe.Pointer
}

// NewTensor wraps data, which must have as many values as the shape; nil makes
// zeros. ONNX Runtime must be loaded.
func NewTensor(data []float32, shape ...int) (*Tensor, error) {
	if _, ok := Loaded(); !ok {
		return nil, fmt.Errorf("new tensor: %w", ErrNotLoaded)
	}
	if data == nil {
		data = make([]float32, Elements(shape))
	}
	if len(data) != Elements(shape) {
		return nil, fmt.Errorf("new tensor: %d values: shape %v needs %d", len(data), shape, Elements(shape))
	}
	value, err := bound.newTensor(data, shape)
	if err != nil {
		return nil, fmt.Errorf("new tensor of shape %v: %w", shape, err)
	}
	return &Tensor{Data: data, Shape: shape, value: value}, nil
}

// Prefix is a tensor of the first values, in the same memory.
func (t *Tensor) Prefix(shape ...int) (*Tensor, error) {
	if n, have := Elements(shape), Elements(t.Shape); n > have {
		return nil, fmt.Errorf("new tensor: %d values: shape %v needs %d", have, shape, n)
	}
	if t.memory == nil {
		return NewTensor(t.Data[:Elements(shape)], shape...)
	}
	return t.memory.tensor(t.at, shape)
}

// Mirror makes Data of a tensor on a device: memory of the processor that Upload copies
// from and Download to. One in place has it.
func (t *Tensor) Mirror() error {
	n := Elements(t.Shape)
	if t.memory == nil || t.Data != nil || n == 0 {
		return nil
	}
	p, err := t.memory.host.take(4*n, t.memory.device.AllocHost)
	if err != nil {
		return fmt.Errorf("new tensor of shape %v: memory of the processor for copies: %w", t.Shape, err)
	}
	t.Data = unsafe.Slice((*float32)(p), n)
	return nil
}

// Upload begins to copy Data to the device: [Memory.Wait] comes before a run that reads it,
// and before Data is written to again. Of a tensor in place it does nothing, as Download.
func (t *Tensor) Upload() error { return t.copy(true) }

// Download begins to copy the values from the device to Data: [Memory.Wait] comes before
// Data is read, and before a run that writes them again.
func (t *Tensor) Download() error { return t.copy(false) }

func (t *Tensor) copy(up bool) error {
	if t.memory == nil || len(t.Data) == 0 {
		return nil
	}
	to, from := t.at, unsafe.Pointer(&t.Data[0])
	if !up {
		to, from = from, to
	}
	return deviceError(t.memory.target, t.memory.device.Copy(to, from, 4*len(t.Data)))
}

// Close frees what ONNX Runtime holds of the tensor; Data stays valid, on a device as long
// as its memory. No run may be using it. Closing twice is fine.
func (t *Tensor) Close() {
	if t.value != nil {
		t.value.Destroy()
		t.value = nil
	}
}
