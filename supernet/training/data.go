package training

import (
	"fmt"

	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// Divide returns the images that settings train on and those they validate on:
// a share of train held out by the split seed, or with 100 percent the set's
// own validation part, which may be nil.
func (s Settings) Divide(train, val *dataset.Set) (on, heldOut *dataset.Set, err error) {
	if s.TrainPercent == 100 {
		return train, val, nil
	}
	on, heldOut, err = train.Split(s.TrainPercent, s.SplitSeed)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: train-percent: %w", ErrSettings, err)
	}
	return on, heldOut, nil
}

// For returns the settings with what they say of the data filled in.
func (s Settings) For(on, heldOut *dataset.Set) Settings {
	s.Data, s.Classes, s.ImageSize, s.Images, s.HeldOut = on.Name, on.Classes, on.Size, on.Len(), 0
	if heldOut != nil {
		s.HeldOut = heldOut.Len()
	}
	return s
}
