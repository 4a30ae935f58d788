package dataset

import (
	"context"
	"errors"
)

// Options say how [Open] reads a data set. The zero value works.
type Options struct {
	Size          int     // side of the images of batches; 0: that of the files, for ImageFolder 224
	Classes       int     // number of classes expected; 0: as many as there are
	MaxUnreadable float64 // share of images that may be unreadable and are then skipped; 0: 0.01, negative: none
}

// Open reads the data set in a folder: ImageFolder, CIFAR-10 binary, IDX or
// digits, see the package comment. Both sets have the same classes.
//
// Errors wrap ErrFormat where the folder holds nothing known or a broken file,
// and ErrClasses where the classes are not those expected.
func Open(ctx context.Context, dir string, o Options) (train, val *Set, err error) {
	return nil, nil, errors.ErrUnsupported
}
