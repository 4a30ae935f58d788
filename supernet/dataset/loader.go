package dataset

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
)

// LoaderOptions say how a [Loader] makes batches. The zero value trains on
// batches of 64 without augmentation.
type LoaderOptions struct {
	Batch    int     // images per batch; 0: 64
	Seed     uint64  // of the order and of the augmentation
	Augment  Augment // ignored with Evaluate
	Packed   bool    // random crops are of what a [Pack] keeps of image files, not of the files; there may be none
	Evaluate bool    // keep the order and every image; the last batch may be short
	Workers  int     // goroutines; 0: one per processor
	Queue    int     // batches made ahead of time; 0: 4

	// Parts, where there are several, are what each batch is divided into; the loader
	// makes part Part of it alone.
	Parts, Part int
}

// Batch is one step's images. It belongs to who receives it: the loader does
// not write to it again.
type Batch struct {
	Epoch, Step int       // which batch this is
	X           []float32 // [len(Labels), 3, Size, Size], normalised
	Labels      []int
	Images      []int // positions in the Set
}

// Loader makes batches of a [Set]. It holds no goroutines itself: each
// sequence has its own, which end with it. A Loader may be used by many
// goroutines.
type Loader struct {
	set   *Set
	o     LoaderOptions
	scale [3][256]float32 // normalised values of bytes
}

// NewLoader returns a loader. It is an error if the set has no image, or fewer
// than a batch for training, and if the options are out of their ranges.
func NewLoader(s *Set, o LoaderOptions) (*Loader, error) {
	if o.Batch == 0 {
		o.Batch = 64
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Queue == 0 {
		o.Queue = 4
	}
	if o.Evaluate {
		o.Augment = Augment{}
	}
	o.Parts = max(o.Parts, 1)
	need := 1
	if !o.Evaluate {
		need = o.Batch
	}
	switch {
	case o.Batch < 1 || o.Batch > maxBatch:
		return nil, fmt.Errorf("%w: batches of %d images: expected 1 to %d", ErrOptions, o.Batch, maxBatch)
	case min(o.Batch, s.Len()) > maxBatchBytes/(4*3*s.Size*s.Size):
		return nil, fmt.Errorf("%w: batches of %d images of %d pixels a side take %.1f GiB each: expected at most %d GiB", ErrOptions,
			o.Batch, s.Size, 12*float64(o.Batch)*float64(s.Size*s.Size)/(1<<30), maxBatchBytes>>30)
	case o.Part < 0 || o.Part >= o.Parts || o.Batch%o.Parts != 0 || o.Evaluate && o.Parts > 1:
		return nil, fmt.Errorf("%w: part %d of %d of a batch of %d images", ErrOptions, o.Part, o.Parts, o.Batch)
	case o.Workers < 1 || o.Queue < 1:
		return nil, fmt.Errorf("%w: %d workers and a queue of %d batches: expected at least 1 of each", ErrOptions, o.Workers, o.Queue)
	case s.Len() < need:
		return nil, fmt.Errorf("data set %s (%s) has %d images: expected at least %d, one batch", s.Name, s.Part, s.Len(), need)
	}
	if err := o.Augment.check(); err != nil {
		return nil, err
	}
	l := &Loader{set: s, o: o}
	for c := range l.scale {
		for v := range l.scale[c] {
			l.scale[c][v] = float32((float64(v)/255 - s.Mean[c]) / s.Std[c])
		}
	}
	return l, nil
}

// Bounds of a batch: images, and bytes of their values.
const (
	maxBatch      = 1 << 16
	maxBatchBytes = 2 << 30
)

// Steps is the number of batches in an epoch: training drops the last one where
// it is not full, evaluation does not.
func (l *Loader) Steps() int {
	if l.o.Evaluate {
		return (l.set.Len() + l.o.Batch - 1) / l.o.Batch
	}
	return l.set.Len() / l.o.Batch
}

// Epoch is the batches of one epoch, from a step on (0 is the first):
//
//	for batch, err := range loader.Epoch(ctx, epoch, 0) {
//		if err != nil {
//			return err
//		}
//		…
//	}
//
// The sequence ends after an error, which wraps ErrUnreadable or is that of the
// context. When the loop ends, however it does, its goroutines have ended.
// [iter.Pull2] turns it into a function that is called for each batch.
//
// In the place of an image that cannot be read, training gets the next one of
// the epoch; evaluation leaves it out, and the batch is short.
func (l *Loader) Epoch(ctx context.Context, epoch, step int) iter.Seq2[*Batch, error] {
	return l.batches(ctx, epoch, step, epoch+1)
}

// From is like Epoch but goes on with the epochs after that, without end, and
// prepares the next epoch while this one ends.
func (l *Loader) From(ctx context.Context, epoch, step int) iter.Seq2[*Batch, error] {
	return l.batches(ctx, epoch, step, -1)
}

// order is the positions of an epoch's images in the set: for training a
// permutation that (seed, epoch) decides.
func (l *Loader) order(epoch int) []int {
	order := make([]int, l.set.Len())
	for i := range order {
		order[i] = i
	}
	if !l.o.Evaluate {
		r := newStream(l.o.Seed, purposeOrder, uint64(epoch))
		r.shuffle(order)
	}
	return order
}

// What streams of a loader are for.
const (
	purposeOrder = iota
	purposeAugment
)

// batches is the sequence of batches from (epoch, step) to before epoch end; -1
// is no end.
func (l *Loader) batches(ctx context.Context, epoch, step, end int) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		if epoch < 0 || step < 0 {
			yield(nil, fmt.Errorf("batches from epoch %d, step %d: expected 0 or more", epoch, step))
			return
		}
		ctx, cancel := context.WithCancelCause(ctx)
		q := l.start(ctx, epoch, step, end)
		defer q.wait.Wait()
		defer cancel(errDone)
		for j := range q.batches {
			select {
			case <-j.done:
			case <-ctx.Done():
			}
			if err := context.Cause(ctx); err != nil {
				yield(nil, err)
				return
			}
			b, err := j.finish()
			if err == nil && len(b.Labels) == 0 {
				continue // none of its images can be read
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
		if err := context.Cause(ctx); err != nil {
			yield(nil, err)
		}
	}
}

// errDone ends the goroutines of a sequence that nobody reads any more.
var errDone = errors.New("the loop has ended")
