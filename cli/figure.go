package cli

import (
	"image/color"
	"io"
	"path/filepath"
	"strings"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/figure"
	"github.com/binas-tui/binas-tui/internal/safefile"
)

// figureFormat is the format that a file name asks for.
func figureFormat(name string) (string, error) {
	switch ext := strings.ToLower(filepath.Ext(name)); ext {
	case ".svg", ".png":
		return ext[1:], nil
	}
	return "", usagef("--figure %q: expected a name that ends in .svg or .png", name)
}

// Colours of figures; they differ in lightness too.
var (
	frontierColour  = figure.FrontierColour
	publishedColour = figure.PublishedColour
	barColour       = color.RGBA{R: 0xa8, G: 0xc4, B: 0xe4, A: 0xff}
)

// saveFigure draws the frontier to a file.
func saveFigure(name string, e *explore.Engine, points []explore.ParetoPoint) error {
	format, err := figureFormat(name)
	if err != nil {
		return err
	}
	w, err := figure.Frontier(e, points, nil, format)
	if err != nil {
		return err
	}
	return safefile.Replace(name, true, func(f io.Writer) error {
		_, err := w.WriteTo(f)
		return err
	})
}
