package steps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/safefile"
)

// Fitted is a predictor that was fitted and how it did on networks that it was
// not fitted on.
type Fitted struct {
	Kind string
	File string // of the predictor
	LUT  string // latency table of the run, a file; "" where there is none
	*explore.FitReport
}

// FittedBy lists the predictors of a pipeline, the one it searches with last.
func FittedBy(p Ranked) (out []Fitted) {
	add := func(r Ranking) {
		out = append(out, Fitted{r.Predictor, p.File(r.Predictor), p.LUT(), &explore.FitReport{
			Report:     &fit.Report{Kind: r.Predictor, Method: r.Method, Samples: r.Samples},
			Evaluation: &fit.Evaluation{Metrics: r.Metrics, Kendall95: r.Kendall95, Predicted: r.Predicted, Measured: p.Measured},
			Tested:     true,
		}})
	}
	var chosen []Ranking
	for _, r := range p.Rankings {
		if r.Predictor == p.Chosen {
			chosen = append(chosen, r)
		} else {
			add(r)
		}
	}
	for _, r := range chosen {
		add(r)
	}
	return out
}

// tableFile is the latency table of a pipeline in the run folder, if any.
func (r Request) tableFile() string {
	if file := filepath.Join(r.Run, TableFile); exists(file) {
		return file
	}
	return ""
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
	samples, test := r.samplesFile(), filepath.Join(r.Run, testFile)
	settings := fit.Settings{Kind: r.kind(), Inactive: r.Inactive, Seed: 1}
	if _, err := os.Stat(samples); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s %w: there are no samples in %s yet: start with %s", r.Step, ErrRequest, samples, Sample)
	}
	if _, err := os.Stat(test); errors.Is(err, fs.ErrNotExist) {
		test = ""
	}
	f, err := explore.LoadFitting("", samples, test, settings)
	if err != nil {
		return nil, err
	}
	for _, lost := range f.Lost {
		j.Log(lost)
	}
	fitted, err := f.Run(ctx, func(p fit.Progress) { j.Progress(p.Done, p.Total, p.Left, explore.FittingStatus(p)) })
	if err != nil {
		return nil, err
	}
	data, err := fitted.Encode(f.Settings.Space)
	if err != nil {
		return nil, err
	}
	out := Fitted{r.kind(), r.FittedFile(), r.tableFile(), fitted}
	return out, safefile.Write(out.File, data)
}

// Finished is what a pipeline has left.
type Finished struct {
	Report string // its file
}

// pipeline does all steps, with the settings the folder was begun with.
func (r Request) pipeline(ctx context.Context, j *job.Job) (any, error) {
	s, begun, err := r.pipelineSettings()
	if err != nil {
		return nil, err
	}
	if begun && r.Data != "" {
		s.Data = r.absoluteData() // it may have been moved; other data is refused
	}
	r.Data = s.Data
	if _, err := r.dataFolder(); err != nil {
		return nil, err
	}
	if !begun {
		s = s.Unfilled()
	}
	report, err := RunPipeline(ctx, s, PipelineOptions{Folder: r.Run, Library: r.Library, Threads: r.Threads}, j)
	if err != nil {
		return nil, err
	}
	return Finished{report}, nil
}
