package cli

import (
	"context"
	"errors"
	"image/png"
	"io"
	"path/filepath"
	"strings"

	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// contactSheet is what the figure of data show depends on.
type contactSheet struct{ file, augment string }

type contactSheetReport struct {
	File    string `json:"file"`
	Images  int    `json:"images"`
	Epochs  int    `json:"epochs"`
	Augment string `json:"augment"`
}

// A contact sheet: its size, in images, and the seed of what is random in it, that
// of trainings where none is given.
const (
	sheetImages = 8
	sheetEpochs = 7
	sheetSeed   = 42
)

// write draws images of a set to the file.
func (c contactSheet) write(ctx context.Context, s *dataset.Set) (*contactSheetReport, error) {
	if !strings.EqualFold(filepath.Ext(c.file), ".png") {
		return nil, usagef("--figure %q: expected a name that ends in .png", c.file)
	}
	if err := checkFigure("figure", c.file); err != nil {
		return nil, err
	}
	if c.augment == "" {
		c.augment, _ = s.Suits()
	}
	augment, err := dataset.NewAugment(c.augment)
	if err != nil {
		return nil, usageError{err}
	}
	sheet, drawn, err := dataset.ContactSheet(ctx, s, dataset.LoaderOptions{Seed: sheetSeed, Augment: augment, Packed: true}, sheetImages, sheetEpochs)
	if err != nil {
		if errors.Is(err, dataset.ErrUnreadable) {
			return nil, usageError{err}
		}
		return nil, err
	}
	r := &contactSheetReport{c.file, drawn, sheetEpochs, c.augment}
	return r, safefile.Replace(c.file, false, func(w io.Writer) error { return png.Encode(w, sheet) })
}
