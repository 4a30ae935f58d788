package steps

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// DigitsMissing reports a step on the digits data set where that has not been made.
func DigitsMissing(t Task) bool {
	v, ok := t.Values().Named("data")
	if !ok || v.String() != dataset.DigitsName {
		return false
	}
	_, err := os.Stat(explore.DataSetPath(dataset.DigitsName))
	return errors.Is(err, fs.ErrNotExist)
}

// MakeDigits makes the digits data set as a job, and returns its folder.
func MakeDigits(ctx context.Context, j *job.Job) (string, error) {
	j.Progress(0, 0, 0, "fetching MNIST")
	mnist, err := dataset.FetchMNIST(ctx)
	if err != nil {
		return "", err
	}
	out := filepath.Join(explore.DataDir(), "data", dataset.DigitsName)
	return out, dataset.MakeDigits(ctx, mnist, out, func(done, total int) { j.Progress(done, total, 0, "making the digits") })
}
