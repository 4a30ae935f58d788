package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
)

// addClassOrder adds the flag that says in which order folders are classes.
func addClassOrder(cmd *cobra.Command, o *dataset.ClassOrder) {
	cmd.Flags().StringVar((*string)(o), "class-order", string(dataset.NaturalOrder),
		"order of the classes of image folders, by `KIND`: natural (2 before 10, a before B) as in BINAS and timm, or bytes as in torchvision")
}

// openData opens a data set by name or folder, for every command that has
// --data.
func openData(ctx context.Context, nameOrFolder string, o dataset.Options) (train, val *dataset.Set, err error) {
	train, val, err = dataset.Open(ctx, explore.DataSetPath(nameOrFolder), o)
	if errors.Is(err, fs.ErrNotExist) {
		err = missingData(nameOrFolder, err)
	}
	return train, val, err
}

// missingData says how to come by a data set that is not there.
func missingData(nameOrFolder string, err error) error {
	if nameOrFolder == dataset.DigitsName {
		return usageError{fmt.Errorf("%w; `binas-tui data digits` makes it", err)}
	}
	return usageError{fmt.Errorf("%w; expected a folder, or the name of one in %s", err, filepath.Join(explore.DataDir(), "data"))}
}

// imagesReport is what reports say of the images that networks were evaluated on.
type imagesReport struct {
	ClassOrder   dataset.ClassOrder `json:"class_order,omitempty"` // of folders of images
	OrderMatters bool               `json:"class_orders_differ"`   // the other order numbers classes otherwise
	LeftOut      []dataset.LeftOut  `json:"left_out,omitempty"`
	// Absent where images are in memory.
	Unreadable *dataset.Unreadable `json:"unreadable,omitempty"`
}

func newImagesReport(images *evaluation.Images) imagesReport {
	s := images.Set()
	return imagesReport{s.ClassOrder, s.OrderMatters(), s.LeftOut(), unreadableOf(s)}
}

// unreadableOf are the images that could not be read so far, nil where they are
// in memory.
func unreadableOf(s *dataset.Set) *dataset.Unreadable {
	if s == nil || s.InMemory() {
		return nil
	}
	u := s.Unreadable()
	return &u
}

// writeUnreadable says how many images could not be read; which, the log has.
func (r imagesReport) writeUnreadable(w io.Writer) {
	if r.Unreadable != nil && r.Unreadable.Count > 0 {
		fmt.Fprintf(w, "%d of %d images could not be read and are not counted\n", r.Unreadable.Count, r.Unreadable.Of)
	}
}
