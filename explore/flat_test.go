package explore

import (
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/model"
)

// A predictor that says the same of every network is told wherever accuracies are
// explained; the built-in ones are none.
func TestFlatPredictorIsTold(t *testing.T) {
	setup, err := Load("", "", "")
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(t.Context(), setup)
	if err != nil || e.Flat() != "" || strings.Contains(e.AccuracySource(), "apart") {
		t.Errorf("%q, %v", e.Flat(), err)
	}
	s := setup.Space
	setup.Predictor = &model.Bilinear{Alphas: s.NumAlphas(), Betas: s.EncodingSize() - s.NumAlphas(), Bias: 30.37,
		Linear: make([]float64, s.EncodingSize()), Q: make([]float64, s.NumAlphas()*(s.EncodingSize()-s.NumAlphas()))}
	setup.PredictorInfo.Metrics = map[string]float64{model.MetricLeast: 30.1, model.MetricMost: 30.6}
	if e, err = New(t.Context(), setup); err != nil {
		t.Fatal(err)
	}
	want := "cannot tell networks apart: every network is predicted 30.37 %; it was fitted on 30.10 to 30.60 %"
	if !strings.HasPrefix(e.Flat(), want) || !strings.HasPrefix(e.AccuracySource(), want) {
		t.Errorf("%q, %q", e.Flat(), e.AccuracySource())
	}
}
