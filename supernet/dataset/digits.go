package dataset

import (
	"context"
	"errors"
)

// DigitsOptions say how [MakeDigits] works. The zero value works.
type DigitsOptions struct {
	Workers  int                   // goroutines; 0: one per processor
	Progress func(done, total int) // called now and then, from one goroutine at a time; may be nil
}

// MakeDigits makes the digits set from the four MNIST files in a folder and
// writes it to another, as IDX files of 60,000 and 10,000 grey images of 32x32,
// which [Open] reads. See docs/DIGITS.md. Files appear whole or not at all.
func MakeDigits(ctx context.Context, mnist, dir string, o DigitsOptions) error {
	return errors.ErrUnsupported
}
