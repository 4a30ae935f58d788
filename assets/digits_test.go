package assets_test

import (
	"context"
	"io/fs"
	"math"
	"testing"

	"github.com/binas-tui/binas-tui/assets"
	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/model"
)

func digitsSamples(t *testing.T, s *model.Space, name string) []model.Sample {
	t.Helper()
	data, err := fs.ReadFile(assets.FS, "samples/"+name)
	if err != nil {
		t.Fatal(err)
	}
	samples, _, err := model.DecodeSamples(s, data)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return samples
}

// The digits predictor is what fitting makes of the samples beside it, and says
// of itself how well it ranks the others.
func TestDigitsPredictorIsThatOfItsSamples(t *testing.T) {
	space, err := model.NewSpace(model.MobileNASNet, 32)
	if err != nil {
		t.Fatal(err)
	}
	data, err := fs.ReadFile(assets.FS, "predictors/digits.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	p, info, err := model.DecodePredictor(data)
	if err != nil {
		t.Fatal(err)
	}
	samples, test := digitsSamples(t, space, "digits-fit.jsonl"), digitsSamples(t, space, "digits-test.jsonl")
	if n := fit.Overlap(space, samples, test); n != 0 {
		t.Errorf("%d networks are in both tables", n)
	}
	again, err := fit.Fit(context.Background(), fit.Settings{Space: space, Kind: fit.Bilinear, Seed: 1}, samples)
	if err != nil {
		t.Fatal(err)
	}
	var predicted, measured []float64
	for _, s := range test {
		x := space.Encode(nil, s.Path, model.InactiveMean)
		if a, b := p.Accuracy(x), again.Predictor.Accuracy(x); math.Abs(a-b) > 1e-3 {
			t.Fatalf("predicted %.5f, fitted again %.5f", a, b)
		}
		predicted, measured = append(predicted, p.Accuracy(x)), append(measured, s.Accuracy)
	}
	if tau := model.KendallTau(predicted, measured); math.Abs(tau-info.Metrics["kendall"]) > 1e-6 || info.Samples != len(samples) {
		t.Errorf("Kendall %.4f on %d networks fitted on, the file says %.4f and %d", tau, len(samples), info.Metrics["kendall"], info.Samples)
	}
	ceiling, err := model.NoiseCeiling(test)
	if err != nil {
		t.Fatal(err)
	}
	if tau := info.Metrics["kendall"]; tau < 0.9*ceiling {
		t.Errorf("Kendall %.3f is below 90%% of what two halves of the images agree to, %.3f", tau, ceiling)
	}
}
