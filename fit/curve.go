package fit

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/binas-tui/binas-tui/model"
)

// CurvePoint is how well fits on so many samples predict the test.
type CurvePoint struct {
	Samples int
	Fits    int           // on different samples
	Mean    model.Metrics // over the fits
	Spread  model.Metrics // standard deviation over the fits
}

// curveSteps is how many sizes a learning curve has at most; each is twice the
// one before, the last is all samples.
const curveSteps = 6

// curveFits is how many fits are averaged where samples are left out.
const curveFits = 3

// LearningCurve fits ever more of the samples, drawn at random, and tests each
// fit: it says what more samples would be worth. done is told every point.
func LearningCurve(ctx context.Context, s Settings, samples, test []model.Sample, done func(CurvePoint)) ([]CurvePoint, error) {
	s, err := s.check()
	if err != nil {
		return nil, err
	}
	s.Progress = nil
	kept, _, err := distinct(s.Space, samples)
	if err != nil {
		return nil, err
	}
	var out []CurvePoint
	for _, n := range curveSizes(len(kept)) {
		fits := curveFits
		if n == len(kept) {
			fits = 1
		}
		var all []model.Metrics
		for i := range fits {
			part := make([]model.Sample, n)
			for j, k := range rand.New(rand.NewPCG(s.Seed, uint64(i))).Perm(len(kept))[:n] {
				part[j] = kept[k]
			}
			r, err := Fit(ctx, s, part)
			if err != nil {
				return nil, fmt.Errorf("learning curve at %d samples: %w", n, err)
			}
			predicted, measured, err := r.predict(s.Space, test)
			if err != nil {
				return nil, err
			}
			m, err := model.NewMetrics(predicted, measured)
			if err != nil {
				return nil, err
			}
			all = append(all, m)
		}
		p := newCurvePoint(n, all)
		out = append(out, p)
		if done != nil {
			done(p)
		}
	}
	return out, nil
}

func curveSizes(n int) []int {
	sizes := []int{n}
	for len(sizes) < curveSteps && sizes[0]/2 >= minSamples {
		sizes = append([]int{sizes[0] / 2}, sizes...)
	}
	return sizes
}

func newCurvePoint(n int, all []model.Metrics) CurvePoint {
	mean := func(value func(model.Metrics) float64) (mean, spread float64) {
		for _, m := range all {
			mean += value(m) / float64(len(all))
		}
		for _, m := range all {
			d := value(m) - mean
			spread += d * d / float64(max(len(all)-1, 1))
		}
		return mean, math.Sqrt(spread)
	}
	p := CurvePoint{Samples: n, Fits: len(all)}
	p.Mean.Kendall, p.Spread.Kendall = mean(func(m model.Metrics) float64 { return m.Kendall })
	p.Mean.Spearman, p.Spread.Spearman = mean(func(m model.Metrics) float64 { return m.Spearman })
	p.Mean.Pearson, p.Spread.Pearson = mean(func(m model.Metrics) float64 { return m.Pearson })
	p.Mean.MSE, p.Spread.MSE = mean(func(m model.Metrics) float64 { return m.MSE })
	return p
}
