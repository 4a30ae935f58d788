package dataset

import (
	"errors"
	"fmt"
	"path/filepath"
)

// Errors of the package; what is returned wraps them.
var (
	ErrFormat     = errors.New("not a data set that can be read")
	ErrClasses    = errors.New("wrong number of classes")
	ErrOptions    = errors.New("options out of their range")
	ErrUnreadable = errors.New("too many unreadable images")
)

// Set is a list of labelled images: the training or the validation part of a
// data set, or a part of one. It is a view: images stay where they are, on
// disk or in memory, until a [Loader] asks. Its methods may be called from
// many goroutines; its fields must not be changed while they are.
type Set struct {
	Name       string     // "digits", "cifar-10", or that of the folder
	Root       string     // absolute folder; empty for images made in memory
	Part       string     // "train" or "val"
	Classes    int        // labels are 0 to Classes-1
	ClassNames []string   // one per class
	ClassOrder ClassOrder // of the folders of an ImageFolder; "" where the files hold the labels
	Channels   int        // of batches: 3, grey is copied
	Size       int        // side of the square images of batches, in pixels
	Mean, Std  [3]float64 // per channel, of values in 0 to 1

	images     source
	index      []int // into images
	trim       bool  // evaluation leaves the border of images out
	otherOrder bool  // the other class order numbers the classes otherwise
}

// OrderMatters says whether the other [ClassOrder] would number the classes
// otherwise.
func (s *Set) OrderMatters() bool { return s.otherOrder }

// InMemory says whether the images are in memory, and none of them unreadable.
func (s *Set) InMemory() bool { return s.images.unreadable() == nil }

// Crop is the share of an image's shorter side that evaluation sees, in its middle:
// 0.875 of photographs at more than 96 pixels, else 1.
func (s *Set) Crop() float64 {
	if s.trim {
		return trimmedShare
	}
	return 1
}

// SetCrop makes evaluation see what it sees of a set whose Crop is the given one.
func (s *Set) SetCrop(share float64) { s.trim = share < 1 }

// PrepareAs makes evaluation see images as a network does that was trained on id's
// data and evaluated with the given crop; nil and 0 are not known, and change nothing.
func (s *Set) PrepareAs(id *Identity, crop float64) {
	if id != nil {
		s.Mean, s.Std = id.Mean, id.Std
	}
	if crop > 0 {
		s.SetCrop(crop)
	}
}

// trimmedShare is the usual crop of 224 after a resize to 256.
const trimmedShare = 224.0 / 256

// Len is the number of images.
func (s *Set) Len() int { return len(s.index) }

// Label is the class of image i, 0 ≤ i < Len.
func (s *Set) Label(i int) int { return s.images.label(s.index[i]) }

// Labels are the classes of all images, in order; the slice is the caller's.
func (s *Set) Labels() []int {
	out := make([]int, s.Len())
	for i := range out {
		out[i] = s.Label(i)
	}
	return out
}

// Path is the file of image i, below Root and with slashes; of images in memory
// it is their number.
func (s *Set) Path(i int) string {
	f, is := s.images.(*folder)
	if !is {
		return s.images.name(s.index[i])
	}
	path, err := filepath.Rel(s.Root, filepath.Join(absolute(f.root), f.names[s.index[i]]))
	if err != nil {
		path = f.name(s.index[i])
	}
	return filepath.ToSlash(path)
}

// Subset is the part of the set with the images at the given positions, in
// that order. The error names a position that does not exist.
func (s *Set) Subset(positions []int) (*Set, error) {
	index := make([]int, len(positions))
	for i, p := range positions {
		if p < 0 || p >= s.Len() {
			return nil, fmt.Errorf("data set %s: there is no image %d: it has %d", s.Name, p, s.Len())
		}
		index[i] = s.index[p]
	}
	part := *s
	part.index = index
	return &part, nil
}

// Spread is n images of the set at equal distances, as it may be sorted by class,
// or all where there are fewer.
func (s *Set) Spread(n int) *Set {
	if n >= s.Len() {
		return s
	}
	part := *s
	part.index = make([]int, max(n, 0))
	for i := range part.index {
		part.index[i] = s.index[i*s.Len()/n]
	}
	return &part
}
