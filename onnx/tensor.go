package onnx

import "fmt"

// Tensor is float32 data that sessions read or write in place.
type Tensor struct {
	Data  []float32 // row major; may be written to between runs
	Shape []int
	value boundTensor
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
	return &Tensor{data, shape, value}, nil
}

// Close frees what ONNX Runtime holds of the tensor; Data stays valid. No run
// may be using it. Closing twice is fine.
func (t *Tensor) Close() {
	if t.value != nil {
		t.value.Destroy()
		t.value = nil
	}
}
