package explore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/model"
)

// LoadSamples reads an accuracy table by name or from a file, a BINAS .pkl or
// JSON lines, and finds which search space its networks are of: the profile's
// or another that the program knows. Lost says what was damaged and left out, and
// that the file is one shard of several.
func LoadSamples(profile, file string) (space *model.Space, samples []model.Sample, lost string, err error) {
	p, err := FindProfile(profile)
	if err != nil {
		return nil, nil, "", err
	}
	data, err := read("samples", file)
	if err != nil {
		return nil, nil, "", fmt.Errorf("accuracy table: %w", err)
	}
	var first error
	for _, name := range []string{p.Space, model.MobileNASNet, model.MobileNASNetLarge} {
		s, err := model.NewSpace(name, p.ImageSize)
		if err != nil {
			return nil, nil, "", err
		}
		samples, lost, err := model.DecodeSamples(s, data)
		if err == nil {
			var said []string
			if lost.Count > 0 {
				said = append(said, lost.String())
			}
			if shard := model.ShardOf(data); shard != nil {
				said = append(said, shard.Alone())
			}
			if said != nil {
				said[0] = file + ": " + said[0]
			}
			return s, samples, strings.Join(said, "; "), nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, nil, "", fmt.Errorf("accuracy table %s: %w: %w", file, ErrUnreadable, first)
}

// Fitting is a predictor to fit and the samples to do it with.
type Fitting struct {
	Settings      fit.Settings // Space and Progress are set by what uses it
	Samples, Test []model.Sample
	Bootstrap     uint64   // seed of the intervals
	Overlap       int      // networks of Test that are among Samples
	Lost          []string // what was damaged in the files and left out, or is in other shards
}

// LoadFitting reads the samples to fit on and, unless its name is "", the
// table to test on; both must be of one search space.
func LoadFitting(profile, samples, test string, s fit.Settings) (*Fitting, error) {
	f := &Fitting{Settings: s, Bootstrap: s.Seed}
	var (
		lost string
		err  error
	)
	if f.Settings.Space, f.Samples, lost, err = LoadSamples(profile, samples); err != nil {
		return nil, err
	}
	if lost != "" {
		f.Lost = append(f.Lost, lost)
	}
	if test == "" {
		return f, nil
	}
	space, held, lost, err := LoadSamples(profile, test)
	if err != nil {
		return nil, err
	}
	if lost != "" {
		f.Lost = append(f.Lost, lost)
	}
	if space.Name != f.Settings.Space.Name {
		return nil, fmt.Errorf("%s holds networks of %s, %s of %s: expected one search space: %w",
			test, space.Name, samples, f.Settings.Space.Name, ErrUnreadable)
	}
	f.Test, f.Overlap = held, fit.Overlap(space, f.Samples, held)
	return f, nil
}

// FitReport is a fitted predictor and how it did on networks it was not fitted on.
type FitReport struct {
	*fit.Report
	*fit.Evaluation
	Tested bool // on a table of its own; else on samples held out of the fit
}

// Run fits and tests.
func (f *Fitting) Run(ctx context.Context, progress func(fit.Progress)) (*FitReport, error) {
	s := f.Settings
	s.Progress = progress
	r, err := fit.Fit(ctx, s, f.Samples)
	if err != nil {
		return nil, err
	}
	out := &FitReport{Report: r, Tested: len(f.Test) > 0}
	if out.Tested {
		out.Evaluation, err = fit.Evaluate(ctx, s.Space, r, f.Test, f.Bootstrap)
	} else {
		out.Evaluation, err = fit.Compare(ctx, r.Held, r.Measured, f.Bootstrap)
	}
	return out, err
}

// Encode is the checkpoint of a fitted predictor.
func (f *FitReport) Encode(s *model.Space) ([]byte, error) {
	if !f.Tested {
		return f.Report.Encode(s, nil)
	}
	return f.Report.Encode(s, f.Evaluation)
}

// FittingStatus is how far a fit is, in words.
func FittingStatus(p fit.Progress) string {
	text := fmt.Sprintf("%s %d", p.Unit, p.Done)
	if p.Loss > 0 {
		text += fmt.Sprintf(", least held-out MSE %.4g", p.Loss)
	}
	return strings.TrimSpace(text)
}

// Uncertainty is what a predictor's checkpoint says about how far its
// predictions may be off; nil where it says nothing.
func Uncertainty(s *model.Space, info model.CheckpointInfo) (*fit.Uncertainty, error) {
	u, err := fit.ReadUncertainty(s, info.Kind, info.Extra)
	if errors.Is(err, fit.ErrNoUncertainty) {
		return nil, nil
	}
	return u, err
}
