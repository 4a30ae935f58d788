package method

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/job"
	"github.com/binas-tui/binas-tui/pipeline"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// testFile holds other networks to judge predictors with, where a pipeline has
// sampled them.
const testFile = "test.jsonl"

// Fitted is a predictor that was fitted and how it did on networks that it was
// not fitted on.
type Fitted struct {
	Kind string
	File string // of the predictor
	*explore.Fitted
}

// FittedFile is the predictor that Fit writes.
func (r Request) FittedFile() string { return filepath.Join(r.Run, r.kind()+".safetensors") }

func (r Request) kind() string {
	if r.Kind == "" {
		return fit.Bilinear
	}
	return r.Kind
}

func (r Request) fit(ctx context.Context, j *job.Job) (any, error) {
	samples, test := filepath.Join(r.Run, samplesFile), filepath.Join(r.Run, testFile)
	settings := fit.Settings{Kind: r.kind(), Closed: r.kind() != fit.MLP, Inactive: r.Inactive, Seed: 1}
	if _, err := os.Stat(samples); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s %w: there are no samples in %s yet: start with %s", r.Step, ErrRequest, r.Run, Sample)
	}
	if _, err := os.Stat(test); errors.Is(err, fs.ErrNotExist) {
		test = ""
	}
	f, err := explore.LoadFitting("", samples, test, settings)
	if err != nil {
		return nil, err
	}
	fitted, err := f.Run(ctx, func(p fit.Progress) { j.Progress(p.Done, p.Total, p.Left, explore.FittingStatus(p)) })
	if err != nil {
		return nil, err
	}
	data, err := fitted.Encode(f.Settings.Space)
	if err != nil {
		return nil, err
	}
	out := Fitted{r.kind(), r.FittedFile(), fitted}
	return out, explore.WriteFile(out.File, data)
}

// Finished is what a pipeline has left.
type Finished struct {
	Report     string   // its file
	Predictors []string // files, the one it searched with first
}

// pipeline does all steps, with the settings the folder was begun with.
func (r Request) pipeline(ctx context.Context, j *job.Job) (any, error) {
	s, err := pipeline.ReadSettings(r.Run)
	if errors.Is(err, fs.ErrNotExist) {
		s, err = pipeline.Digits(), nil
		if s.Data = r.Data; s.Data == "" {
			s.Data = dataset.DigitsName
		}
		if r.Preset != "" {
			s.Preset = r.Preset
		}
		if r.Kind != "" {
			s.Predictor = r.Kind
		}
	}
	if err != nil {
		return nil, err
	}
	report, err := pipeline.Run(ctx, s, pipeline.Options{Folder: r.Run, Library: r.Library}, j)
	if err != nil {
		return nil, err
	}
	return Finished{report, []string{filepath.Join(r.Run, s.Predictor+".safetensors")}}, nil
}
