package mpi

import (
	"context"
	"fmt"
	"sync"
)

// Group returns ranks that are goroutines of this process, for tests: each is
// used by one of them.
func Group(size int) []Comm {
	h := &hub{size: size, aborted: make(chan struct{})}
	h.next()
	out := make([]Comm, size)
	for i := range out {
		out[i] = &ranks{carrier: member{h, i}, rank: i, size: size}
	}
	return out
}

// hub is where the ranks of a group meet.
type hub struct {
	mu      sync.Mutex
	size    int
	aborted chan struct{}
	*meeting
}

// meeting is one operation of all ranks: what each brought.
type meeting struct {
	brought [][]byte
	here    int
	all     chan struct{} // closed when all are here
	left    int
	gone    chan struct{} // closed when all have what they came for
}

func (h *hub) next() {
	h.meeting = &meeting{brought: make([][]byte, h.size), all: make(chan struct{}), gone: make(chan struct{})}
}

type member struct {
	hub  *hub
	rank int
}

// meet brings bytes and lets take look at what all have brought.
func (m member) meet(ctx context.Context, bytes []byte, take func(brought [][]byte)) error {
	h := m.hub
	h.mu.Lock()
	now := h.meeting
	now.brought[m.rank] = bytes
	if now.here++; now.here == h.size {
		h.next()
		close(now.all)
	}
	h.mu.Unlock()
	if err := h.wait(ctx, now.all); err != nil {
		return err
	}
	take(now.brought)
	h.mu.Lock()
	if now.left++; now.left == h.size {
		close(now.gone)
	}
	h.mu.Unlock()
	return h.wait(ctx, now.gone) // what was brought may be changed from here
}

func (h *hub) wait(ctx context.Context, for_ chan struct{}) error {
	select {
	case <-for_:
		return nil
	default:
	}
	select {
	case <-for_:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-h.aborted:
		return errAborted
	}
}

var errAborted = fmt.Errorf("a rank has aborted")

func (m member) broadcast(ctx context.Context, buffer []byte, _ bool) error {
	return m.meet(ctx, buffer, func(brought [][]byte) {
		if m.rank > 0 {
			copy(buffer, brought[0])
		}
	})
}

func (m member) allGather(ctx context.Context, part, all []byte, _ bool) error {
	return m.meet(ctx, part, func(brought [][]byte) {
		for i, b := range brought {
			copy(all[i*len(part):], b)
		}
	})
}

func (m member) allToAll(ctx context.Context, parts, received []byte) error {
	n := len(parts) / m.hub.size
	return m.meet(ctx, parts, func(brought [][]byte) {
		for i, b := range brought {
			copy(received[i*n:][:n], b[m.rank*n:])
		}
	})
}

func (m member) abort(int) {
	m.hub.mu.Lock()
	defer m.hub.mu.Unlock()
	select {
	case <-m.hub.aborted:
	default:
		close(m.hub.aborted)
	}
}

func (m member) finalize(ctx context.Context) error {
	return m.meet(ctx, nil, func([][]byte) {})
}
