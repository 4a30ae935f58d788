package dataset

import (
	"context"
	"sync"
	"sync/atomic"
)

// queue is the goroutines behind one sequence of batches: one plans batches,
// the others make their images. Batches come out in order, however many
// goroutines there are; the queue's length bounds how many are in the making.
type queue struct {
	loader  *Loader
	batches chan *pending // in order
	images  chan place
	wait    sync.WaitGroup
}

// pending is a batch in the making.
type pending struct {
	batch *Batch
	order []int // of the epoch
	first int   // place of the batch's first image in order
	size  int   // values per image
	left  atomic.Int32
	done  chan struct{}

	mu      sync.Mutex
	err     error
	missing []bool // places of images left out; nil where there are none
}

// place is one image of a batch.
type place struct {
	of *pending
	i  int
}

// start starts the goroutines; they end with the context or the last batch.
func (l *Loader) start(ctx context.Context, epoch, step, end int) *queue {
	q := &queue{
		loader:  l,
		batches: make(chan *pending, l.o.Queue),
		images:  make(chan place, 4*l.o.Workers),
	}
	q.wait.Go(func() { q.plan(ctx, epoch, step, end) })
	for range l.o.Workers {
		q.wait.Go(func() { q.work(ctx) })
	}
	return q
}

// plan hands out the images of one batch after the other.
func (q *queue) plan(ctx context.Context, epoch, step, end int) {
	defer close(q.batches)
	defer close(q.images)
	for ; end < 0 || epoch < end; epoch, step = epoch+1, 0 {
		order := q.loader.order(epoch)
		for ; step < q.loader.Steps(); step++ {
			b := q.loader.newPending(epoch, step, order)
			select {
			case q.batches <- b:
			case <-ctx.Done():
				return
			}
			for i := range b.batch.Labels {
				select {
				case q.images <- place{b, i}:
				case <-ctx.Done():
					return
				}
			}
		}
	}
}

func (l *Loader) newPending(epoch, step int, order []int) *pending {
	part := l.o.Batch / l.o.Parts
	first := step*l.o.Batch + l.o.Part*part
	n := min(part, len(order)-first)
	size := l.set.Channels * l.set.Size * l.set.Size
	p := &pending{
		batch: &Batch{Epoch: epoch, Step: step, X: make([]float32, n*size), Labels: make([]int, n), Images: make([]int, n)},
		order: order, first: first, size: size, done: make(chan struct{}),
	}
	p.left.Store(int32(n))
	return p
}

// work makes images until there are no more.
func (q *queue) work(ctx context.Context) {
	m := newMaker(q.loader)
	for {
		select {
		case <-ctx.Done():
			return
		case p, more := <-q.images:
			if !more {
				return
			}
			p.of.fill(ctx, m, p.i)
			if p.of.left.Add(-1) == 0 {
				close(p.of.done)
			}
		}
	}
}

// fill makes image i of the batch. Training takes the next image of the epoch
// that can be read for one that cannot.
func (p *pending) fill(ctx context.Context, m *maker, i int) {
	b, own := p.batch, p.order[p.first+i]
	for try := range p.order {
		position := p.order[(p.first+i+try)%len(p.order)]
		ok, err := m.image(ctx, b.X[i*p.size:][:p.size], b.Epoch, position, own)
		if err != nil {
			p.fail(err)
			return
		}
		if ok {
			b.Labels[i], b.Images[i] = m.loader.set.Label(position), position
			return
		}
		if m.loader.o.Evaluate {
			p.leaveOut(i)
			return
		}
	}
	p.fail(ErrUnreadable)
}

func (p *pending) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
	}
}

func (p *pending) leaveOut(i int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.missing == nil {
		p.missing = make([]bool, len(p.batch.Labels))
	}
	p.missing[i] = true
}

// finish returns the batch without the images that were left out.
func (p *pending) finish() (*Batch, error) {
	if p.err != nil {
		return nil, p.err
	}
	if p.missing == nil {
		return p.batch, nil
	}
	b, n := p.batch, 0
	for i, missing := range p.missing {
		if missing {
			continue
		}
		copy(b.X[n*p.size:][:p.size], b.X[i*p.size:][:p.size])
		b.Labels[n], b.Images[n] = b.Labels[i], b.Images[i]
		n++
	}
	b.X, b.Labels, b.Images = b.X[:n*p.size], b.Labels[:n], b.Images[:n]
	return b, nil
}
