package dataset

import (
	"context"
	"image"
	"path/filepath"

	"github.com/binas-tui/binas-tui/internal/safefile"
)

// One is a set of one image file, whose label is 0, for a network that was trained
// on other data: evaluation sees a share of it, crop, at a size.
func One(file string, classes, size int, trained Identity, crop float64) *Set {
	f := &folder{root: filepath.Dir(file), names: []string{filepath.Base(file)}, labels: []int{0}}
	s := newSet(Set{Name: filepath.Base(file), Root: absolute(f.root), Classes: classes, Mean: trained.Mean, Std: trained.Std}, "val", f, Options{Size: size})
	s.SetCrop(crop)
	return s
}

// Pixels decodes an image file to *image.RGBA or *image.Gray, without transparency.
func Pixels(ctx context.Context, file string) (image.Image, error) {
	data, err := safefile.Read(file, maxImageBytes)
	if err != nil {
		return nil, err
	}
	return decodeImage(ctx, data, &image.RGBA{}, nil)
}
