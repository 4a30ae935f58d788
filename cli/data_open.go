package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// addClassOrder adds the flag that says in which order folders are classes.
func addClassOrder(cmd *cobra.Command, o *dataset.ClassOrder) {
	cmd.Flags().StringVar((*string)(o), "class-order", string(dataset.NaturalOrder),
		"how folders of images are numbered as classes, by `KIND`: natural (2 before 10, a before B), as BINAS and timm do, or bytes, as torchvision does")
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
