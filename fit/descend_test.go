package fit

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/timetest"
	"github.com/binas-tui/binas-tui/model"
)

// The original's mlp is undertrained; one of the same shape ranks far better.
// The default takes more epochs than this.
func TestMLPRanksBetterThanTheOriginal(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for long")
	}
	s := testSpace(t)
	r := mustFit(t, Settings{Space: s, Kind: MLP, Descent: Descent{Epochs: 10}, Seed: 1}, fitSamples(t, s))
	e := mustEvaluate(t, s, r, heldSamples(t, s))
	t.Logf("Kendall %.4f, MSE %.4f, %s, %.1f s", e.Kendall, e.MSE, r.Method, r.Elapsed.Seconds())
	if e.Kendall < 0.8 {
		t.Errorf("Kendall %.4f: the original reaches 0.530, expected at least 0.8", e.Kendall)
	}
}

func TestDescentRanksAtLeastAsTheOriginal(t *testing.T) {
	s := testSpace(t)
	fitted, test := fitSamples(t, s), heldSamples(t, s)
	for kind, original := range map[string]float64{Bilinear: 0.835, Quadratic: 0.753} {
		r := mustFit(t, Settings{Space: s, Kind: kind, Descend: true, Descent: Descent{Epochs: 60}, Seed: 1}, fitted)
		e := mustEvaluate(t, s, r, test)
		t.Logf("%s: Kendall %.4f, MSE %.4f, %s, %.1f s", kind, e.Kendall, e.MSE, r.Method, r.Elapsed.Seconds())
		if e.Kendall < original {
			t.Errorf("%s: Kendall %.4f: the original's closed form reaches %.3f", kind, e.Kendall, original)
		}
	}
}

var kinds = []string{Bilinear, Quadratic, MLP}

// learners are one of every kind, for a few samples, with weights that are not
// those they start with.
func learners(r *rand.Rand, s *model.Space, paths []model.Path) map[string]learner {
	d := newDesign(s, paths, model.InactiveMean)
	rows := make([]int, len(paths))
	for i := range rows {
		rows[i] = i
	}
	out := map[string]learner{
		Bilinear:  newLinearLearner(newFeatures(Bilinear, d)),
		Quadratic: newLinearLearner(newFeatures(Quadratic, d)),
		MLP:       newMLPLearner(d, Descent{Hidden: 16, Layers: 2, Dropout: 0.2}, rows, r),
	}
	for _, kind := range kinds {
		l := out[kind]
		for _, w := range l.weights() {
			for i := range w.value {
				w.value[i] += 0.05 * float32(r.NormFloat64())
			}
		}
		l.project()
	}
	return out
}

// Gradients agree with finite differences. Dropout draws the same units in
// every pass here.
func TestGradientsAreFiniteDifferences(t *testing.T) {
	s := testSpace(t)
	r := rand.New(rand.NewPCG(1, 8))
	var paths []model.Path
	var rows []int
	for i := range 6 {
		paths, rows = append(paths, randomPath(r, s)), append(rows, i)
	}
	// The loss is a fixed sum of the outputs.
	parts := []float32{0.3, -1, 0.7, 1.2, -0.4, 0.9}
	all := learners(r, s, paths)
	for _, kind := range kinds {
		l := all[kind]
		loss := func() float64 {
			total := 0.0
			for i, v := range l.forward(rows, rand.New(rand.NewPCG(5, 5))) {
				total += float64(parts[i]) * float64(v)
			}
			return total
		}
		loss()
		for _, w := range l.weights() {
			clear(w.gradient)
		}
		l.backward(rows, append([]float32(nil), parts...))
		checked := 0
		for k, w := range l.weights() {
			for range 30 {
				i := r.IntN(len(w.value))
				const h = 1.0 / 256
				was, gradient := w.value[i], float64(w.gradient[i])
				w.value[i] = was + h
				up := loss()
				w.value[i] = was - h
				down := loss()
				w.value[i] = was
				middle := loss()
				if math.Abs(up+down-2*middle) > 1e-5 {
					continue // a ReLU turned on or off in between
				}
				checked++
				if got := (up - down) / (2 * h); math.Abs(got-gradient) > 1e-2*math.Abs(gradient)+2e-3 {
					t.Errorf("%s: weights %d[%d]: gradient %v, by differences %v", kind, k, i, gradient, got)
				}
			}
		}
		if checked < 60 {
			t.Errorf("%s: only %d gradients were checked", kind, checked)
		}
	}
}

// What is learned on centred inputs is what the predictor says of a network.
func TestPredictorSaysWhatWasLearned(t *testing.T) {
	s := testSpace(t)
	r := rand.New(rand.NewPCG(2, 8))
	var paths []model.Path
	var rows []int
	for i := range 20 {
		paths, rows = append(paths, randomPath(r, s)), append(rows, i)
	}
	all := learners(r, s, paths)
	for _, kind := range kinds {
		l := all[kind]
		p := l.predictor(70, 1.5)
		if err := s.CheckPredictor(p); err != nil || p.Kind() != kind {
			t.Fatalf("%s: %v", kind, err)
		}
		for i, v := range l.forward(rows, nil) {
			want := 70 + 1.5*float64(v)
			if got := p.Accuracy(s.Encode(nil, paths[i], model.InactiveMean)); math.Abs(got-want) > 1e-4 {
				t.Errorf("%s: network %d: predicted %v, learned %v", kind, i, got, want)
			}
		}
	}
}

// Same seed, same weights.
func TestDescentIsRepeatable(t *testing.T) {
	s := testSpace(t)
	r := rand.New(rand.NewPCG(3, 8))
	samples := drawn(r, s, truth(r, s), 80, model.InactiveMean, 0.1)
	for _, kind := range []string{Bilinear, MLP} {
		settings := Settings{Space: s, Kind: kind, Descend: true, Descent: Descent{Epochs: 2, Hidden: 40}, Seed: 5}
		a, b := mustFit(t, settings, samples), mustFit(t, settings, samples)
		sameWeights(t, kind, a.Predictor, b.Predictor, 0)
		settings.Seed = 6
		if c := mustFit(t, settings, samples); c.Held[0] == a.Held[0] {
			t.Errorf("%s: another seed gives the same fit", kind)
		}
	}
}

func TestDescentIsCancelled(t *testing.T) {
	s := testSpace(t)
	r := rand.New(rand.NewPCG(4, 8))
	samples := drawn(r, s, truth(r, s), 2000, model.InactiveMean, 0.1)
	timetest.Within(t, 200*time.Millisecond, func(asked func()) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		_, err := Fit(ctx, Settings{Space: s, Kind: MLP, Descent: Descent{Batch: AllSamples}, Progress: func(p Progress) {
			if p.Done == 1 { // in the middle of the next step over all samples
				time.AfterFunc(20*time.Millisecond, func() { asked(); cancel() })
			}
		}}, samples)
		if ctx.Err() != nil && !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v, expected the context's", err)
		}
	})
}

func TestDescentRefuses(t *testing.T) {
	s := testSpace(t)
	r := rand.New(rand.NewPCG(5, 8))
	samples := drawn(r, s, truth(r, s), 40, model.InactiveMean, 0.1)
	for want, d := range map[string]Descent{
		"-1 epochs":                  {Epochs: -1},
		"batches of -2 samples":      {Batch: -2},
		"learning rate NaN":          {LearningRate: math.NaN()},
		"validation share 1":         {Validation: 1},
		"1 to 32 of 1 to 4096":       {Hidden: 5000},
		"loss of epoch 1 is not a n": {LearningRate: 1e30, Hidden: 10},
	} {
		if _, err := Fit(context.Background(), Settings{Space: s, Kind: MLP, Descent: d}, samples); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected one with %q", err, want)
		}
	}
}
