package evaluation

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"

	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// Images are labelled images that networks are evaluated on, in an order that
// mixes the classes. They are kept in memory where they are small enough, else
// read again for every network.
type Images struct {
	Name    string // of the data set and the part of it
	Size    int    // side of an image in pixels
	Classes int
	// Part says which images of the data set they are, and Fingerprint which data
	// that is, wherever it lies and whatever its name; empty where it is not known.
	Part, Fingerprint string
	Run               string // folder of the run whose images they are, which keeps those that cannot be read; may be empty

	labels    []int
	x         []float32    // [len(labels), 3, Size, Size]; nil where set is read
	positions []int        // of these in set
	set       *dataset.Set // of the images in order
}

// ErrImages is wrapped by errors about images that a network cannot be evaluated on.
var ErrImages = errors.New("unsuitable images")

// keptValues bounds the images kept in memory: 256 MB of float32. Tests lower it.
var keptValues = 64 << 20

// shuffleSeed fixes the order of [Load]; that images are mixed is all that matters.
const shuffleSeed = 0x5eed

// Load takes n images of a set, or all where n is 0 or there are fewer, mixed so
// that any run of them is of all classes: the same ones each time. Images that
// cannot be read are left out, as package dataset says; where n are kept in memory,
// as many others take their place, so that Load of [Images.Len] gives the same again.
func Load(ctx context.Context, set *dataset.Set, n int) (*Images, error) {
	if set.Len() == 0 {
		return nil, fmt.Errorf("%w: %s: the set is empty", ErrImages, set.Name)
	}
	order := rand.New(rand.NewPCG(shuffleSeed, 0)).Perm(set.Len())
	if n = min(n, len(order)); n <= 0 {
		n = len(order)
	}
	part, err := set.Subset(order[:n])
	if err != nil {
		return nil, err
	}
	im := &Images{Name: set.Name + " " + set.Part, Size: set.Size, Classes: set.Classes, labels: part.Labels(), set: part}
	per := 3 * im.Size * im.Size
	if per*n > keptValues {
		return im, nil
	}
	x, labels, positions := make([]float32, 0, per*n), make([]int, 0, n), make([]int, 0, n)
	for from, to := 0, n; from < to; from, to = to, min(to+n-len(labels), len(order)) {
		if im.set, err = set.Subset(order[:to]); err != nil {
			return nil, err
		}
		for b, err := range im.read(ctx, from, to, loadBatch) {
			if err != nil {
				return nil, err
			}
			x, labels, positions = append(x, b.x...), append(labels, b.labels...), append(positions, b.positions...)
		}
	}
	if len(labels) == 0 {
		return nil, fmt.Errorf("%w: %s: none of %d could be read", ErrImages, im.Name, im.set.Len())
	}
	im.x, im.labels, im.positions = x, labels, positions
	return im, nil
}

// Set is the images in the data set, in their order.
func (im *Images) Set() *dataset.Set { return im.set }

// Len is the number of images.
func (im *Images) Len() int { return len(im.labels) }

// chunk is some images of a run.
type chunk struct {
	x         []float32
	labels    []int
	positions []int // in the set of the images
	first     int   // position of the first in the run, counted from 0
}

// loadBatch is the number of images read at once into memory.
const loadBatch = 128

// chunks are n images from position first on, size at a time; after the last
// image comes the first again. Chunks are shorter at the end of the images, and
// where images that are read from disk cannot be.
func (im *Images) chunks(ctx context.Context, first, n, size int) iter.Seq2[chunk, error] {
	return func(yield func(chunk, error) bool) {
		if im.Len() == 0 {
			yield(chunk{}, fmt.Errorf("%w: %s: there are none", ErrImages, im.Name))
			return
		}
		per := 3 * im.Size * im.Size
		for done := 0; done < n; {
			from := (first + done) % im.Len()
			to := min(from+n-done, im.Len())
			if im.x == nil {
				for c, err := range im.read(ctx, from, to, size) {
					c.first += done
					if !yield(c, err) || err != nil {
						return
					}
				}
				done += to - from
				continue
			}
			to = min(to, from+size)
			if !yield(chunk{im.x[from*per : to*per], im.labels[from:to], im.positions[from:to], done}, nil) {
				return
			}
			done += to - from
		}
	}
}

// read reads the images from one position to another from the set, size at a time.
func (im *Images) read(ctx context.Context, from, to, size int) iter.Seq2[chunk, error] {
	return func(yield func(chunk, error) bool) {
		positions := make([]int, to-from)
		for i := range positions {
			positions[i] = from + i
		}
		part, err := im.set.Subset(positions)
		var loader *dataset.Loader
		if err == nil {
			loader, err = dataset.NewLoader(part, dataset.LoaderOptions{Batch: size, Evaluate: true})
		}
		if err != nil {
			yield(chunk{}, err)
			return
		}
		first := 0
		for b, err := range loader.Epoch(ctx, 0, 0) {
			if err != nil {
				yield(chunk{}, err)
				return
			}
			for i := range b.Images {
				b.Images[i] += from
			}
			if !yield(chunk{b.X, b.Labels, b.Images, first}, nil) {
				return
			}
			first += len(b.Labels)
		}
	}
}
