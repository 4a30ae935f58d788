package fit

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/timetest"
	"github.com/binas-tui/binas-tui/model"
)

func mustFit(t testing.TB, s Settings, samples []model.Sample) *Report {
	t.Helper()
	r, err := Fit(context.Background(), s, samples)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustEvaluate(t testing.TB, s *model.Space, r *Report, test []model.Sample) *Evaluation {
	t.Helper()
	e, err := Evaluate(context.Background(), s, r, test, 1)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// The figures that the original's closed forms reach on the same samples, from
// its own report: predictors fitted here rank better.
func TestClosedFormsRankAtLeastAsTheOriginal(t *testing.T) {
	if testing.Short() {
		t.Skip("fits many times")
	}
	s := testSpace(t)
	fitted, test := fitSamples(t, s), heldSamples(t, s)
	for _, c := range []struct {
		kind     string
		inactive model.InactiveBlocks
		original float64
	}{
		{Bilinear, model.InactiveMean, 0.835}, {Bilinear, model.InactiveFree, 0.835},
		{Quadratic, model.InactiveMean, 0.753},
	} {
		r := mustFit(t, Settings{Space: s, Kind: c.kind, Inactive: c.inactive}, fitted)
		e := mustEvaluate(t, s, r, test)
		t.Logf("%s %v: Kendall %.4f, MSE %.4f, %.1f s", c.kind, c.inactive, e.Kendall, e.MSE, r.Elapsed.Seconds())
		if e.Kendall < c.original {
			t.Errorf("%s %v: Kendall %.4f: the original reaches %.3f", c.kind, c.inactive, e.Kendall, c.original)
		}
		if !(e.Kendall95.Low < e.Kendall && e.Kendall < e.Kendall95.High) {
			t.Errorf("%s: Kendall %v outside its interval %v", c.kind, e.Kendall, e.Kendall95)
		}
		inside := 0
		for i, p := range e.Points {
			if math.Abs(e.Predicted[i]-e.Measured[i]) < 1.96*p {
				inside++
			}
		}
		if share := float64(inside) / float64(len(test)); share < 0.9 {
			t.Errorf("%s %v: %.3f of the measurements are within 1.96 deviations, expected about 0.95", c.kind, c.inactive, share)
		}
	}
}

// Above dualLimit the fit works in weights: both ways are the same ridge.
func TestSparseAgreesWithDual(t *testing.T) {
	s := testSpace(t)
	r := rand.New(rand.NewPCG(2, 1))
	samples := drawn(r, s, truth(r, s), 400, model.InactiveMean, 0.1)
	paths, y := split(samples)
	for _, kind := range []string{Bilinear, Quadratic} {
		for _, inactive := range []model.InactiveBlocks{model.InactiveMean, model.InactiveFree} {
			p := Penalties{2, 20}
			f := newFeatures(kind, newDesign(s, paths, inactive))
			d, err := newDual(context.Background(), kind, f.d)
			if err != nil {
				t.Fatal(err)
			}
			exact, err := d.solve(context.Background(), y, p)
			if err != nil {
				t.Fatal(err)
			}
			solver := newSparse(f, y, 1)
			if err := solver.solve(context.Background(), p, 1e-11, columns); err != nil {
				t.Fatal(err)
			}
			fit, err := solver.fitted(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			a, b := d.weights(f, exact, p), solver.weights()
			for i := range a {
				if math.Abs(a[i]-b[i]) > 1e-8 {
					t.Fatalf("%s %v: weight %d is %v in samples, %v in weights", kind, inactive, i, a[i], b[i])
				}
			}
			if math.Abs(fit.effective-exact.effective) > 0.1*exact.effective {
				t.Errorf("%s %v: %v effective weights by the probe, %v exactly", kind, inactive, fit.effective, exact.effective)
			}
		}
	}
}

// With more samples than weights and no noise, the predictor is found.
func TestNoiselessBilinearIsRecovered(t *testing.T) {
	if testing.Short() {
		t.Skip("fits 4,000 samples to the last digit")
	}
	s := testSpace(t)
	r := rand.New(rand.NewPCG(4, 1))
	p := truth(r, s)
	report := mustFit(t, Settings{Space: s}, drawn(r, s, p, 4000, model.InactiveMean, 0))
	e := mustEvaluate(t, s, report, drawn(r, s, p, 100, model.InactiveMean, 0))
	for i := range e.Predicted {
		if d := math.Abs(e.Predicted[i] - e.Measured[i]); d > 1e-3 {
			t.Fatalf("network %d: %v predicted, %v true", i, e.Predicted[i], e.Measured[i])
		}
	}
}

func TestSwitchedOffOptionsDoNotMatter(t *testing.T) {
	s := testSpace(t)
	r := rand.New(rand.NewPCG(5, 1))
	samples := drawn(r, s, truth(r, s), 200, model.InactiveMean, 0.1)
	for _, kind := range []string{Bilinear, Quadratic} {
		settings := Settings{Space: s, Kind: kind, Penalties: Penalties{1, 10}}
		report := mustFit(t, settings, samples)
		redrawn := slices.Clone(samples)
		for i, sample := range samples {
			p := sample.Path.Clone()
			for b := range p.Option {
				if !s.Active(p, b) {
					p.Option[b] = r.IntN(s.NumOptions())
				}
			}
			redrawn[i].Path = p
			x, y := s.Encode(nil, sample.Path, model.InactiveMean), s.Encode(nil, p, model.InactiveMean)
			if report.Predictor.Accuracy(x) != report.Predictor.Accuracy(y) || report.Uncertainty.Points(p) != report.Uncertainty.Points(sample.Path) {
				t.Fatalf("%s: options of blocks that are off change the prediction", kind)
			}
		}
		sameWeights(t, kind+" with other options in blocks that are off", report.Predictor, mustFit(t, settings, redrawn).Predictor, 0)
	}
}

func sameWeights(t *testing.T, what string, a, b model.Predictor, within float64) {
	t.Helper()
	ta, tb := model.Tensors(a), model.Tensors(b)
	for i := range ta {
		for j, v := range ta[i].Values {
			if !(math.Abs(v-tb[i].Values[j]) <= within) {
				t.Fatalf("%s: %s[%d] is %v, then %v", what, ta[i].Name, j, v, tb[i].Values[j])
			}
		}
	}
}

// The order of samples does not matter, and a network sampled again changes
// nothing.
func TestOrderAndRepetitionDoNotMatter(t *testing.T) {
	s := testSpace(t)
	r := rand.New(rand.NewPCG(6, 1))
	samples := drawn(r, s, truth(r, s), 150, model.InactiveMean, 0.1)
	settings := Settings{Space: s}
	report := mustFit(t, settings, samples)
	shuffled := append(slices.Clone(samples), samples[3], samples[40])
	r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	again := mustFit(t, settings, shuffled)
	sameWeights(t, "shuffled", report.Predictor, again.Predictor, 1e-9)
	if d := again.Duplicates; again.Samples != 150 || d.Networks != 2 || d.Samples != 2 || d.Differing != 0 {
		t.Errorf("%d samples, duplicates %+v: expected 150 and 2", again.Samples, d)
	}
}

// Samples of one network that disagree count as their mean.
func TestContradictionsAreAveraged(t *testing.T) {
	s := testSpace(t)
	r := rand.New(rand.NewPCG(7, 1))
	samples := drawn(r, s, truth(r, s), 50, model.InactiveMean, 0.1)
	other := samples[0]
	other.Accuracy += 2
	kept, d, err := distinct(s, append(slices.Clone(samples), other))
	if err != nil {
		t.Fatal(err)
	}
	if len(kept) != 50 || math.Abs(kept[0].Accuracy-samples[0].Accuracy-1) > 1e-12 || d.Differing != 1 || math.Abs(d.WorstRange-2) > 1e-12 {
		t.Errorf("%d kept, the first moved by %v, %+v", len(kept), kept[0].Accuracy-samples[0].Accuracy, d)
	}
	if n := Overlap(s, samples, []model.Sample{other, drawn(r, s, truth(r, s), 1, model.InactiveMean, 0)[0]}); n != 1 {
		t.Errorf("%d of the networks overlap, expected 1", n)
	}
}

func TestFitRefuses(t *testing.T) {
	s := testSpace(t)
	r := rand.New(rand.NewPCG(8, 1))
	good := drawn(r, s, truth(r, s), 30, model.InactiveMean, 0.1)
	with := func(change func([]model.Sample)) []model.Sample {
		out := slices.Clone(good)
		change(out)
		return out
	}
	for name, c := range map[string]struct {
		settings Settings
		samples  []model.Sample
		want     string
	}{
		"few":          {Settings{Space: s}, good[:9], "9 networks: expected 10 to"},
		"nan":          {Settings{Space: s}, with(func(x []model.Sample) { x[4].Accuracy = math.NaN() }), "sample 4: accuracy NaN"},
		"infinite":     {Settings{Space: s}, with(func(x []model.Sample) { x[5].Accuracy = math.Inf(1) }), "sample 5: accuracy +Inf"},
		"another path": {Settings{Space: s}, with(func(x []model.Sample) { x[6].Path = model.Path{} }), "sample 6: path of 0 stages"},
		"constant": {Settings{Space: s}, with(func(x []model.Sample) {
			for i := range x {
				x[i].Accuracy = 71.2
			}
		}), "all 30 accuracies are 71.2"},
		"unused descent":      {Settings{Space: s, Descent: Descent{Epochs: 3}}, good, "found the closed form"},
		"penalties of an mlp": {Settings{Space: s, Kind: MLP, Penalties: Penalties{1, 1}}, good, "are of the closed form"},
		"kind":                {Settings{Space: s, Kind: "cubic"}, good, "cubic"},
		"penalty":             {Settings{Space: s, Penalties: Penalties{-1, 1}}, good, "penalties"},
		"space":               {Settings{}, good, "no search space"},
	} {
		if _, err := Fit(context.Background(), c.settings, c.samples); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, expected one with %q", name, err, c.want)
		}
	}
	if _, err := Fit(context.Background(), Settings{Space: s}, good[:3]); !errors.Is(err, ErrSamples) {
		t.Errorf("error %v does not wrap ErrSamples", err)
	}
}

// A cancelled fit ends within 200 ms, in whatever it was doing.
func TestFitIsCancelled(t *testing.T) {
	s := testSpace(t)
	r := rand.New(rand.NewPCG(9, 1))
	p := truth(r, s)
	for _, n := range []int{dualLimit, 4000} {
		samples := drawn(r, s, p, n, model.InactiveMean, 0.1)
		timetest.Within(t, 200*time.Millisecond, func(asked func()) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			_, err := Fit(ctx, Settings{Space: s, Progress: func(p Progress) {
				if p.Done == 2 {
					asked()
					cancel()
				}
			}}, samples)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%d samples: error %v, expected the context's", n, err)
			}
		})
	}
}
