package fit

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/binas-tui/binas-tui/model"
)

// A checkpoint gives back the predictor and its uncertainty; the file is small.
func TestCheckpointKeepsTheUncertainty(t *testing.T) {
	s := testSpace(t)
	r := rand.New(rand.NewPCG(1, 7))
	for _, kind := range []string{Bilinear, Quadratic} {
		report := mustFit(t, Settings{Space: s, Kind: kind, Penalties: Penalties{1, 100}},
			drawn(r, s, truth(r, s), 100, model.InactiveMean, 0.1))
		data, err := report.Encode(s, nil)
		if err != nil {
			t.Fatal(err)
		}
		p, info, err := model.DecodePredictor(data)
		if err != nil {
			t.Fatal(err)
		}
		sameWeights(t, kind, report.Predictor, p, 0)
		if info.Space != s.Name || info.Samples != 100 || info.Inactive != "mean" || info.Metrics[MetricLambda] != 1 || info.LeaveOneOut != report.HeldError() {
			t.Errorf("%s: info %+v", kind, info)
		}
		u, err := ReadUncertainty(s, info.Kind, info.Extra)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			path := randomPath(r, s)
			if a, b := report.Uncertainty.Points(path), u.Points(path); a != b || !(a > u.Noise()) {
				t.Errorf("%s: ± %v points, read back %v, noise %v", kind, a, b, u.Noise())
			}
		}
	}
	if _, err := ReadUncertainty(s, Bilinear, nil); !errors.Is(err, ErrNoUncertainty) {
		t.Errorf("error %v, expected ErrNoUncertainty", err)
	}
}

// The more samples, the less is left open; and as often as it says, a
// measurement is within the deviations that are promised, in samples and in
// weights alike.
func TestUncertaintyIsHonest(t *testing.T) {
	s := testSpace(t)
	r := rand.New(rand.NewPCG(2, 7))
	p := truth(r, s)
	last := math.Inf(1)
	for _, n := range []int{100, 300, 1500} {
		report := mustFit(t, Settings{Space: s, Seed: 3}, drawn(r, s, p, n, model.InactiveMean, 0.1))
		e := mustEvaluate(t, s, report, drawn(r, s, p, 400, model.InactiveMean, 0.1))
		inside, mean := 0, 0.0
		for i, points := range e.Points {
			mean += points / float64(len(e.Points))
			if math.Abs(e.Predicted[i]-e.Measured[i]) < 1.96*points {
				inside++
			}
		}
		t.Logf("%d samples: ± %.3f points, %.3f inside, RMSE %.3f", n, mean, float64(inside)/400, math.Sqrt(e.MSE))
		if share := float64(inside) / 400; share < 0.9 || share > 0.99 {
			t.Errorf("%d samples: %.3f of the measurements are within 1.96 deviations, expected about 0.95", n, share)
		}
		if mean >= last {
			t.Errorf("%d samples: ± %v points, with fewer samples %v", n, mean, last)
		}
		last = mean
	}
}

func FuzzReadUncertainty(f *testing.F) {
	s := testSpace(f)
	r := rand.New(rand.NewPCG(3, 7))
	report := mustFit(f, Settings{Space: s, Penalties: Penalties{1, 100}}, drawn(r, s, truth(r, s), 12, model.InactiveMean, 0.1))
	path := randomPath(r, s)
	f.Add(2, 3, 1.0)
	f.Fuzz(func(t *testing.T, tensor, at int, value float64) {
		extra := report.Uncertainty.Tensors()
		for i := range extra {
			extra[i].Values = append([]float64(nil), extra[i].Values...)
		}
		values := extra[uint(tensor)%3].Values
		values[uint(at)%uint(len(values))] = value
		u, err := ReadUncertainty(s, Bilinear, extra)
		if err != nil {
			return
		}
		u.Points(path)
	})
}
