package training

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// Prepare takes the two parts of a data set, whole, for a training: it fills the
// options in, and returns the settings with what they say of the data.
func Prepare(ctx context.Context, s Settings, o *Options, train, val *dataset.Set) (Settings, error) {
	data, err := dataset.Identify(ctx, train, val)
	if err != nil {
		return s, err
	}
	o.Data = &data
	if s.Pack {
		augment, _ := dataset.NewAugment(s.Augment) // checked with the other settings
		if err := dataset.UsePack(ctx, data, augment.Crop > 0, train, val); err != nil {
			return s, err
		}
	}
	if o.Train, o.HeldOut, err = s.Divide(train, val); err != nil {
		return s, err
	}
	return s.For(o.Train, o.HeldOut), nil
}

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

// noteUnreadable says which images could not be read, and adds them to the file
// of the run.
func (o Options) noteUnreadable() error {
	for _, part := range []struct {
		set    *dataset.Set
		became string
	}{{o.Train, "others took their place in training"}, {o.HeldOut, "are not counted in validation"}} {
		if part.set == nil {
			continue
		}
		if why := part.set.PackTrouble(); why != "" {
			o.say(why)
		}
		u := part.set.Unreadable()
		if u.Count == 0 {
			continue
		}
		file := filepath.Join(o.Folder, dataset.UnreadableFile)
		if err := dataset.NoteUnreadable(file, part.set.BadImages()); err != nil {
			return err
		}
		for _, line := range u.Lines(part.became, file) {
			o.say(line)
		}
	}
	return nil
}
