package onnxtest

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"
)

// Memory is memory of the processor that behaves as a card's does: what is copied is there
// when it was waited for, and not before. It holds its users to freeing all of it.
type Memory struct {
	Limit int // bytes that there are; 0: no end

	mu     sync.Mutex
	blocks map[unsafe.Pointer]*block
	used   int
	queue  []func()
	Copies int
}

type block struct {
	data   []byte // as it is used
	device bool
	pin    runtime.Pinner // it is known to C
}

func (m *Memory) alloc(bytes int, device bool) (unsafe.Pointer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if device && m.Limit > 0 && m.used+bytes > m.Limit {
		return nil, errors.New("cudaMalloc: out of memory (error 2)")
	}
	const alignment = 256
	all := make([]byte, bytes+alignment)
	at := -int(uintptr(unsafe.Pointer(&all[0]))) & (alignment - 1)
	b := &block{data: all[at : at+bytes], device: device}
	b.pin.Pin(&all[0])
	if device {
		m.used += bytes
	}
	if m.blocks == nil {
		m.blocks = map[unsafe.Pointer]*block{}
	}
	p := unsafe.Pointer(&b.data[0])
	m.blocks[p] = b
	return p, nil
}

// Alloc implements onnx.DeviceMemory, as what follows.
func (m *Memory) Alloc(bytes int) (unsafe.Pointer, error) { return m.alloc(bytes, true) }

// AllocHost is Alloc for copies.
func (m *Memory) AllocHost(bytes int) (unsafe.Pointer, error) { return m.alloc(bytes, false) }

func (m *Memory) free(p unsafe.Pointer, device bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.blocks[p]
	if b == nil || b.device != device {
		return errors.New("what is freed was not allocated so")
	}
	if device {
		m.used -= len(b.data)
	}
	b.pin.Unpin()
	delete(m.blocks, p)
	return nil
}

// Free frees what Alloc gave.
func (m *Memory) Free(p unsafe.Pointer) error { return m.free(p, true) }

// FreeHost frees what AllocHost gave.
func (m *Memory) FreeHost(p unsafe.Pointer) error { return m.free(p, false) }

// within is the bytes at a place.
func (m *Memory) within(p unsafe.Pointer, bytes int) (data []byte, device bool, err error) {
	for start, b := range m.blocks {
		at := int(uintptr(p) - uintptr(start))
		if at >= 0 && at+bytes <= len(b.data) {
			return b.data[at : at+bytes], b.device, nil
		}
	}
	return nil, false, fmt.Errorf("%d bytes at a place that was not allocated", bytes)
}

// Copy is from the one kind of memory to the other.
func (m *Memory) Copy(to, from unsafe.Pointer, bytes int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	target, up, err := m.within(to, bytes)
	source, down, err2 := m.within(from, bytes)
	if err = errors.Join(err, err2); err != nil || up == down {
		return errors.Join(err, errors.New("copied neither to the device nor from it"))
	}
	m.Copies++
	m.queue = append(m.queue, func() { copy(target, source) })
	return nil
}

// Wait does what was begun.
func (m *Memory) Wait() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, do := range m.queue {
		do()
	}
	m.queue = nil
	return nil
}

// Close says what was not freed.
func (m *Memory) Close() error {
	if n := len(m.blocks); n > 0 {
		return fmt.Errorf("%d blocks of memory are not freed", n)
	}
	return nil
}
