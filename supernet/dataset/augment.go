package dataset

import (
	"fmt"
	"image"
)

// Augment says how training images are changed at random. The zero value
// changes nothing. What happens to an image is decided by the seed of the
// loader, the epoch and the image alone.
type Augment struct {
	Crop       float64 // least share of the area of a random resized crop, 0 to 1; 0: the whole image
	Shift      int     // pixels that the image is moved by at most, both ways; the border is black
	Flip       float64 // probability that the image is mirrored
	Ops        int     // RandAugment operations tried per image, of 15
	Magnitude  float64 // of those, 0 to 10
	OpsApplied float64 // probability that each of them is applied
	Erase      float64 // probability that a rectangle is replaced by noise
}

// augments are the presets by name.
var augments = map[string]Augment{
	"none":     {},
	"digits":   {Shift: 2},
	"cifar":    {Shift: 4, Flip: 0.5},
	"pictures": {Crop: 0.35, Flip: 0.5},
	"no-flip":  {Crop: 0.35},
	"imagenet": {Crop: 0.08, Flip: 0.5, Ops: 2, Magnitude: 9, OpsApplied: 0.5, Erase: 0.2},
}

// NewAugment returns a preset by name: "none", "digits" (small shifts, for
// images that must not be mirrored), "cifar" (shift by 4, flip), "pictures"
// (random resized crop of 0.35 to 1, flip), "no-flip" (that crop alone) or
// "imagenet" (the paper's: random resized crop of 0.08 to 1, flip, RandAugment of
// magnitude 9, random erasing 0.2).
func NewAugment(name string) (Augment, error) {
	a, ok := augments[name]
	if !ok {
		return a, fmt.Errorf("%w: augmentation %q, expected none, digits, cifar, pictures, no-flip or imagenet", ErrOptions, name)
	}
	return a, nil
}

func (a *Augment) check() error {
	for _, f := range []struct {
		name         string
		value, limit float64
	}{
		{"Crop", a.Crop, 1}, {"Shift", float64(a.Shift), MaxSize}, {"Flip", a.Flip, 1},
		{"Ops", float64(a.Ops), 100}, {"Magnitude", a.Magnitude, 10}, {"OpsApplied", a.OpsApplied, 1}, {"Erase", a.Erase, 1},
	} {
		if !(f.value >= 0 && f.value <= f.limit) {
			return fmt.Errorf("%w: augmentation %s is %g, expected 0 to %g", ErrOptions, f.name, f.value, f.limit)
		}
	}
	return nil
}

// apply changes a square picture at random. It returns the picture or spare,
// which has the same size, and overwrites both. Outside is the colour of what
// comes in at the border when a picture is turned.
func (a *Augment) apply(picture, spare *image.RGBA, outside [4]byte, r *stream) *image.RGBA {
	if a.Shift > 0 {
		dx, dy := r.below(2*a.Shift+1)-a.Shift, r.below(2*a.Shift+1)-a.Shift
		if dx != 0 || dy != 0 {
			shift(spare, picture, dx, dy)
			picture, spare = spare, picture
		}
	}
	if a.Flip > 0 && r.float() < a.Flip {
		mirror(picture)
	}
	for range a.Ops {
		op, sign := operations[r.below(len(operations))], 1.0
		if r.float() < 0.5 {
			sign = -1
		}
		if r.float() < a.OpsApplied && op(spare, picture, a.Magnitude/10, sign, outside) {
			picture, spare = spare, picture
		}
	}
	return picture
}
