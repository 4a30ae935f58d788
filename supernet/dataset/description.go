package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"unicode/utf8"

	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/sanitize"
)

// descriptionFile may lie beside IDX files, and in an ImageFolder, and says what
// these cannot.
const descriptionFile = "dataset.json"

// description is what is in descriptionFile. All fields are optional.
type description struct {
	Name       string    `json:"name,omitempty"`
	ClassNames []string  `json:"class_names,omitempty"`
	Mean       []float64 `json:"mean,omitempty"` // per channel, of values in 0 to 1
	Std        []float64 `json:"std,omitempty"`
	// Together says that images of one folder below that of their class, as those of
	// one subject, are all trained on or all held out.
	Together bool   `json:"together,omitempty"`
	From     string `json:"from,omitempty"` // for people
}

// readDescription reads the description in a folder; there may be none.
func readDescription(dir string) (description, error) {
	path := filepath.Join(dir, descriptionFile)
	data, err := readText(path)
	if errors.Is(err, fs.ErrNotExist) {
		return description{}, nil
	}
	if err != nil {
		return description{}, err
	}
	d, err := decodeDescription(data)
	if err != nil {
		return d, fmt.Errorf("%s: %w: %w", path, ErrFormat, err)
	}
	return d, nil
}

// maxText bounds files of text, in bytes.
const maxText = 1 << 20

// readText reads a file of text, without a byte order mark.
func readText(path string) ([]byte, error) {
	data, err := safefile.Read(path, maxText)
	return sanitize.TrimBOM(data), err
}

func decodeDescription(data []byte) (description, error) {
	var d description
	if err := json.Unmarshal(data, &d); err != nil {
		return description{}, err
	}
	if len(d.Mean) != len(d.Std) || len(d.Mean) != 0 && len(d.Mean) != 3 {
		return d, fmt.Errorf("%d values of mean and %d of std, expected 3 of each or none", len(d.Mean), len(d.Std))
	}
	if err := checkMoments(d.Mean, d.Std); err != nil {
		return d, err
	}
	if utf8.RuneCountInString(d.Name) > 100 {
		return d, fmt.Errorf("the name has more than 100 characters")
	}
	return d, nil
}

// checkMoments refuses a mean and a deviation that are not of values in 0 to 1.
func checkMoments(mean, std []float64) error {
	for c := range mean {
		if !(math.Abs(mean[c]) <= 10 && std[c] >= 1e-3 && std[c] <= 10) {
			return fmt.Errorf("channel %d has mean %g and std %g, expected those of values in 0 to 1", c, mean[c], std[c])
		}
	}
	return nil
}
