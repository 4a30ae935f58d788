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

// Examples are the data sets that this program makes.
func Examples() []dataset.Example { return dataset.Examples }

// ExampleNamed is the one of a name, if there is one.
func ExampleNamed(name string) (dataset.Example, bool) { return dataset.ExampleNamed(name) }

// MissingExample is the name of the data set that a step is to work on where that is
// one that this program makes and has not made; else "".
func MissingExample(t Task) string {
	v, ok := t.Values().Named("data")
	if !ok {
		return ""
	}
	if _, ok := ExampleNamed(v.String()); !ok {
		return ""
	}
	if _, err := os.Stat(explore.DataSetPath(v.String())); !errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return v.String()
}

// ExampleFolder is where an example is found by its name.
func ExampleFolder(name string) string { return filepath.Join(explore.DataDir(), "data", name) }

// MakeExample makes a data set as a job, by its name, and returns its folder.
func MakeExample(ctx context.Context, name string, j *job.Job) (string, error) {
	e, ok := ExampleNamed(name)
	if !ok {
		return "", requestf("%s is no data set that this program makes", name)
	}
	out := ExampleFolder(name)
	return out, e.Make(ctx, out, func(doing string, done, total int) { j.Progress(done, total, 0, doing) })
}
