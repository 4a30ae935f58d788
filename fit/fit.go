package fit

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/binas-tui/binas-tui/model"
)

// Report is a fitted predictor and how it was fitted.
type Report struct {
	Predictor   model.Predictor
	Kind        string
	FittedBy    string // ClosedForm or GradientDescent
	Inactive    model.InactiveBlocks
	Samples     int // distinct networks it was fitted on
	Weights     int // of the predictor, as BINAS counts them
	Duplicates  Duplicates
	Elapsed     time.Duration
	Least, Most float64 // accuracies fitted on, percent

	// Method says how it was fitted, in one phrase, and Source on what.
	Method, Source string
	// Penalties are those of the ridge; zero for gradient descent.
	Penalties Penalties
	// ChosenBy says what the penalties, or the epoch of gradient descent, were
	// chosen by: ByLeaveOneOut, ByCrossValidation, ByValidation or Given.
	ChosenBy string
	// Held are predictions of samples that were not fitted on, and Measured
	// their accuracies: every sample left out once (closed form), or the
	// validation share (gradient descent).
	Held, Measured []float64
	// Uncertainty of predictions; nil where the method gives none.
	Uncertainty *Uncertainty
	// Epochs of gradient descent, and the one whose weights were kept.
	Epochs, Epoch int
}

// What [Report.ChosenBy] says.
const (
	ByLeaveOneOut     = "leave-one-out error"
	ByCrossValidation = "generalised cross-validation"
	ByValidation      = "error on a validation share"
	Given             = "given"
)

// Fit fits a predictor. Samples of one network are averaged; see
// [Report.Duplicates]. It stops within 200 ms of the end of the context.
// Errors about samples wrap [ErrSamples].
func Fit(ctx context.Context, s Settings, samples []model.Sample) (*Report, error) {
	start := time.Now()
	s, err := s.check()
	if err != nil {
		return nil, err
	}
	kept, duplicates, err := distinct(s.Space, samples)
	if err != nil {
		return nil, err
	}
	var r *Report
	if s.FittedBy() == ClosedForm {
		r, err = closedForm(ctx, s, kept)
	} else {
		r, err = descend(ctx, s, kept)
	}
	if err != nil {
		return nil, err
	}
	r.Kind, r.FittedBy, r.Inactive, r.Samples, r.Duplicates = s.Kind, s.FittedBy(), s.Inactive, len(kept), duplicates
	r.Source = fmt.Sprintf("fitted on %d sampled networks", r.Samples)
	r.Least, r.Most = math.Inf(1), math.Inf(-1)
	for _, sample := range kept {
		r.Least, r.Most = min(r.Least, sample.Accuracy), max(r.Most, sample.Accuracy)
	}
	for _, t := range model.Tensors(r.Predictor) {
		r.Weights += len(t.Values)
	}
	r.Elapsed = time.Since(start)
	return r, nil
}

// HeldError is the mean absolute error on samples that were not fitted on, in
// points.
func (r *Report) HeldError() float64 {
	total := 0.0
	for i, p := range r.Held {
		total += math.Abs(p - r.Measured[i])
	}
	return total / float64(max(len(r.Held), 1))
}
