package steps

import (
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// A ceiling that chance alone may give is none, and a difference that chance may give
// is said to be one.
func TestReportSaysWhatIsNotTold(t *testing.T) {
	res := Results{
		Settings: PipelineSettings{Budgets: 1, Random: 1}, Data: "drawings", Classes: 5,
		Test:     sampleStatistics{networks: 20, ceiling: 0.1, noiseCeilingIsKnown: true},
		Rankings: []Ranking{{Predictor: fit.Bilinear, Metrics: model.Metrics{Kendall: 0.3}}},
		Networks: []Network{{Budget: 1, Kind: Searched, FineTuned: 30, Images: 70}, {Budget: 1, Kind: Random, FineTuned: 25, Images: 70}},
		Table:    &latency.Quality{Networks: 24, StandardError: 0.071, LevelError: 0.02, Halves: 0.85, Disturbed: "the speed varied by 1.9"},
	}
	for _, want := range []string{"± 7.1% (standard error, median), the level of all to ± 2.0%", "less certain than it should be: the speed varied by 1.9.", "a guess is right in 20.0%", "chance alone gives up to 0.32", "0.000 to 0.000 | – |", "| +5.00 | 7.54 |", "0 of 1 differences are more than twice that"} {
		if text := res.Markdown(); !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// What the estimate took is not of what it estimated.
func TestReportComparesTimes(t *testing.T) {
	res := Results{Seconds: map[string]float64{estimateStep: 600, "heaviest": 60}, Estimate: &Estimate{Cost: training.Cost{Seconds: 70}}}
	if text := res.Markdown(); !strings.Contains(text, "| all but the estimate | "+seconds(60)+" | "+seconds(70)+" |") {
		t.Error(text)
	}
}

// A report of a run of which nothing is known says so, and prints no figure that
// is none.
func TestReportOfNothingKnown(t *testing.T) {
	nan := math.NaN()
	flat := []float64{30.37, 30.37, 30.37}
	res := Results{
		Settings: DigitsPipeline(), Data: "noise",
		Trained:  []training.Metric{{Stage: training.OneShot, Validation: []training.Score{{Network: "heaviest", Loss: math.Inf(1)}}}},
		Sampled:  sampleStatistics{networks: 1, mean: 30.37, spread: nan, least: 30, most: 31},
		Test:     sampleStatistics{networks: 3, mean: 30.4, spread: nan, ceiling: 0, noiseCeilingIsKnown: true},
		Rankings: []Ranking{{Predictor: fit.Bilinear, Samples: 3, Predicted: flat, Metrics: model.Metrics{Kendall: 0.1, MSE: nan}, Kendall95: fit.Interval{Low: nan, High: nan}}},
		Networks: []Network{{Name: "searched 1", Budget: 1, Kind: Searched, Predicted: nan, MeasuredMS: nan}},
	}
	res.Latencies.MAPE, res.Latencies.Kendall = nan, math.Inf(-1)
	text := res.Markdown()
	if bad := regexp.MustCompile(`(?i)\b[+-]?(nan|inf)\b|%!`).FindString(text); bad != "" {
		t.Errorf("the report has %q:\n%s", bad, text)
	}
	for _, want := range []string{
		"nothing is known about how well a predictor ranks",
		"The bilinear predictor cannot tell networks apart: every network is predicted 30.37 %; it was fitted on 30.00 to 31.00 %",
		"| bilinear | 3 | 0.100 | – to – | – |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
