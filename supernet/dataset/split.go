package dataset

import (
	"errors"
)

// Split divides a set into percent of the images of every class, to train on,
// and the rest, held out for validation. Which images go where is decided by
// the seed; both parts keep the order of the set. The error says which percent
// is expected: 1 to 99.
func (s *Set) Split(percent int, seed uint64) (train, heldOut *Set, err error) {
	return nil, nil, errors.ErrUnsupported
}
