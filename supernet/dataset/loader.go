package dataset

import (
	"context"
	"errors"
	"iter"
)

// LoaderOptions say how a [Loader] makes batches. The zero value trains on
// batches of 64 without augmentation.
type LoaderOptions struct {
	Batch    int     // images per batch; 0: 64
	Seed     uint64  // of the order and of the augmentation
	Augment  Augment // ignored with Evaluate
	Evaluate bool    // keep the order and every image; the last batch may be short
	Workers  int     // goroutines; 0: one per processor
	Queue    int     // batches made ahead of time; 0: 4
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
	set *Set
	o   LoaderOptions
}

// NewLoader returns a loader. It is an error if the set has no image, or fewer
// than a batch for training, and if the options are out of their ranges.
func NewLoader(s *Set, o LoaderOptions) (*Loader, error) { return nil, errors.ErrUnsupported }

// Steps is the number of batches in an epoch.
func (l *Loader) Steps() int { return 0 }

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
// context. When the loop ends, however it does, the goroutines have ended.
// [iter.Pull2] turns it into a function that is called for each batch.
func (l *Loader) Epoch(ctx context.Context, epoch, step int) iter.Seq2[*Batch, error] {
	return l.batches(ctx, epoch, step, 1)
}

// From is like Epoch but goes on with the epochs after that, without end, and
// prepares the next epoch while this one ends.
func (l *Loader) From(ctx context.Context, epoch, step int) iter.Seq2[*Batch, error] {
	return l.batches(ctx, epoch, step, 0)
}

func (l *Loader) batches(ctx context.Context, epoch, step, epochs int) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) { yield(nil, errors.ErrUnsupported) }
}
