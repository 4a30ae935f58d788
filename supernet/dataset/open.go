package dataset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/binas-tui/binas-tui/internal/safefile"
)

// Options say how [Open] reads a data set. The zero value works.
type Options struct {
	Size          int        // side of the images of batches; 0: that of the files, for ImageFolder 224
	Classes       int        // number of classes expected; 0: as many as there are
	MaxUnreadable float64    // share of images that may be unreadable and are then skipped; 0: 0.01, negative: none
	ClassOrder    ClassOrder // of the folders of an ImageFolder; "": NaturalOrder
	ValAlone      bool       // a validation part without images to train on will do; train may then be nil
}

// MaxSize is the greatest Size of [Options].
const MaxSize = 2048

// unreadableShare is Options.MaxUnreadable where it is 0.
const unreadableShare = 0.01

// Mean and deviation of the channels of well-known sets.
var (
	imageNetMean, imageNetStd = [3]float64{0.485, 0.456, 0.406}, [3]float64{0.229, 0.224, 0.225}
	cifarMean, cifarStd       = [3]float64{0.4914, 0.4822, 0.4465}, [3]float64{0.2470, 0.2435, 0.2616}
)

// Open reads the data set in a folder: ImageFolder, CIFAR-10 binary, IDX or
// digits, see the package comment. Both sets have the same classes. Sets of
// IDX files are normalised by what dataset.json beside them says, or else by
// the mean and deviation of the training images.
//
// Errors wrap ErrFormat where the folder holds nothing known or a broken file,
// ErrClasses where the classes are not those expected, and ErrOptions where an
// option is out of its range.
func Open(ctx context.Context, dir string, o Options) (train, val *Set, err error) {
	if o.Size < 0 || o.Size > MaxSize {
		return nil, nil, fmt.Errorf("%w: image size %d: expected 1 to %d, or 0 for that of the files", ErrOptions, o.Size, MaxSize)
	}
	if !(o.MaxUnreadable <= 1) {
		return nil, nil, fmt.Errorf("%w: share of unreadable images %g: expected 0 to 1", ErrOptions, o.MaxUnreadable)
	}
	if err := o.ClassOrder.check(); err != nil {
		return nil, nil, err
	}
	o.ClassOrder = cmp.Or(o.ClassOrder, NaturalOrder)
	info, err := os.Stat(dir)
	if err != nil {
		return nil, nil, unreadableSet(dir, err)
	}
	if !info.IsDir() {
		return nil, nil, fmt.Errorf("data set %s: %w: it is a file, expected a folder", dir, ErrFormat)
	}
	for _, open := range []func(context.Context, string, Options) (*Set, *Set, error){openFolder, openCIFAR, openIDXSet, openClasses} {
		train, val, err = open(ctx, dir, o)
		if errors.Is(err, errOther) {
			continue
		}
		if err == nil {
			err = checkClasses(val.ClassNames, o.Classes)
		}
		if ctx.Err() != nil && err != nil {
			return nil, nil, ctx.Err() // a file that was left in the middle is not broken
		}
		if err != nil {
			return nil, nil, unreadableSet(dir, err)
		}
		for _, s := range []*Set{train, val} {
			if s != nil {
				s.Root = absolute(dir)
			}
		}
		return train, val, nil
	}
	return nil, nil, fmt.Errorf("data set %s: %w: it has no folder train or val, no folders of images, no data_batch_1.bin (CIFAR-10) and no IDX files of images and labels", dir, ErrFormat)
}

// errOther says that a folder does not hold what it was tried as.
var errOther = errors.New("another format")

// checkClasses refuses another number of classes than is expected, and fewer
// than can be told apart.
func checkClasses(names []string, want int) error {
	switch {
	case want > 0 && len(names) != want:
		return fmt.Errorf("%w: it has %d, expected %d", ErrClasses, len(names), want)
	case len(names) < 2:
		return fmt.Errorf("%w: it has %d (%.40q), expected at least 2", ErrClasses, len(names), strings.Join(names, ""))
	}
	return nil
}

// newSet is the set of all images of a source.
func newSet(about Set, part string, images source, o Options) *Set {
	about.Part, about.Channels, about.images = part, 3, images
	if o.Size > 0 {
		about.Size = o.Size
	}
	about.index = make([]int, images.len())
	for i := range about.index {
		about.index[i] = i
	}
	return &about
}

// folderName is the last name of a path, however it was written.
func folderName(dir string) string {
	return filepath.Base(absolute(dir))
}

// exists says whether there is a file; that it cannot be asked is an error.
func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// unreadableSet is an error of opening a data set. What the system says wraps
// [safefile.ErrUnreadable].
func unreadableSet(dir string, err error) error {
	var pathErr *fs.PathError
	switch {
	case errors.As(err, &pathErr) && pathErr.Path == dir:
		err = fmt.Errorf("%w: %w", safefile.ErrUnreadable, pathErr.Err)
	case errors.As(err, &pathErr):
		err = fmt.Errorf("%s: %w: %w", pathErr.Path, safefile.ErrUnreadable, pathErr.Err)
	}
	return fmt.Errorf("data set %s: %w", dir, err)
}
