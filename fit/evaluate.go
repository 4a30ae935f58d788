package fit

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/binas-tui/binas-tui/internal/parallel"
	"github.com/binas-tui/binas-tui/model"
)

// resamples is how many times a bootstrap draws the test samples anew.
const resamples = 1000

// Interval is a 95 % confidence interval.
type Interval struct{ Low, High float64 }

// Evaluation is how well predictions agree with measurements, and how sure
// that is given how few were measured.
type Evaluation struct {
	model.Metrics
	Kendall95, Spearman95, Pearson95, MSE95 Interval

	Predicted, Measured []float64 // percent, in the order of the samples
	Points              []float64 // ± of each, one standard deviation; nil where it is not known
}

// Evaluate predicts samples and compares. The seed is that of the bootstrap.
func Evaluate(ctx context.Context, s *model.Space, r *Report, samples []model.Sample, seed uint64) (*Evaluation, error) {
	e := &Evaluation{}
	var err error
	if e.Predicted, e.Measured, err = r.predict(s, samples); err != nil {
		return nil, err
	}
	if r.Uncertainty != nil {
		e.Points = make([]float64, len(samples))
		if err := parallel.For(ctx, len(samples), func(i int) { e.Points[i] = r.Uncertainty.Points(samples[i].Path) }); err != nil {
			return nil, err
		}
	}
	return e, e.compare(ctx, seed)
}

func (r *Report) predict(s *model.Space, samples []model.Sample) (predicted, measured []float64, err error) {
	if len(samples) < 2 {
		return nil, nil, fmt.Errorf("%w: %d networks to test on: expected at least 2", ErrSamples, len(samples))
	}
	x := make([]float64, 0, len(samples)*s.EncodingSize())
	var one []float64
	for i, sample := range samples {
		if err := checkSample(s, sample); err != nil {
			return nil, nil, fmt.Errorf("%w: test sample %d: %w", ErrSamples, i, err)
		}
		one = s.Encode(one, sample.Path, r.Inactive)
		x, measured = append(x, one...), append(measured, sample.Accuracy)
	}
	predicted = make([]float64, len(samples))
	model.PredictBatch(r.Predictor, x, predicted)
	return predicted, measured, nil
}

// Compare is an Evaluation of predictions that were made already.
func Compare(ctx context.Context, predicted, measured []float64, seed uint64) (*Evaluation, error) {
	e := &Evaluation{Predicted: predicted, Measured: measured}
	return e, e.compare(ctx, seed)
}

// compare computes the metrics and, by the percentile bootstrap (Efron 1979),
// their intervals.
func (e *Evaluation) compare(ctx context.Context, seed uint64) error {
	var err error
	if e.Metrics, err = model.NewMetrics(e.Predicted, e.Measured); err != nil {
		return err
	}
	n := len(e.Measured)
	drawn := make([]model.Metrics, resamples)
	err = parallel.For(ctx, resamples, func(i int) {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		p, m := make([]float64, n), make([]float64, n)
		for j := range p {
			k := rng.IntN(n)
			p[j], m[j] = e.Predicted[k], e.Measured[k]
		}
		drawn[i], _ = model.NewMetrics(p, m)
	})
	if err != nil {
		return err
	}
	interval := func(value func(model.Metrics) float64) Interval {
		values := make([]float64, len(drawn))
		for i, m := range drawn {
			values[i] = value(m)
		}
		slices.Sort(values)
		at := func(q float64) float64 { return values[int(math.Round(q*float64(len(values)-1)))] }
		return Interval{at(0.025), at(0.975)}
	}
	e.Kendall95 = interval(func(m model.Metrics) float64 { return m.Kendall })
	e.Spearman95 = interval(func(m model.Metrics) float64 { return m.Spearman })
	e.Pearson95 = interval(func(m model.Metrics) float64 { return m.Pearson })
	e.MSE95 = interval(func(m model.Metrics) float64 { return m.MSE })
	return nil
}
