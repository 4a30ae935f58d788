package latency

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/binas-tui/binas-tui/model"
	"gonum.org/v1/gonum/stat"
)

// NetworkCheck is one network as the table predicts it and as it was measured.
type NetworkCheck struct {
	Path         model.Path
	Architecture model.Architecture
	PredictedMS  float64
	// PredictedErrorMS is the standard error of PredictedMS by the table's, its
	// level aside; 0 where the table has none.
	PredictedErrorMS float64
	MeasuredMS       float64 // the median of Measurement
	Measurement      Measurement
}

// Error is the relative error of the prediction: 0.1 is 10% too slow.
func (c NetworkCheck) Error() float64 { return c.PredictedMS/c.MeasuredMS - 1 }

// Verification says how well a table predicts whole networks: how far its level
// is off, which is one factor for all of them and drifts with the device, and how
// far their proportions are, beside how far two halves of the measurement are
// apart in these. Errors are fractions of what was measured.
type Verification struct {
	Networks []NetworkCheck
	MAPE     float64 // mean of |Error|
	Worst    int     // index of the network with the greatest |Error|
	// Level is what networks take over what is predicted of them, the median.
	Level      float64
	ShapeMAPE  float64 // mean of |Error|, Level taken out
	ShapeWorst float64 // the greatest of these
	Within5    float64 // the share of networks of which it is below 5%
	Kendall    float64 // rank correlation of predicted and measured
	// CeilingMAPE and CeilingKendall are ShapeMAPE and Kendall of one half of the
	// rounds against the other: a perfect table does little better. NaN where
	// there is one round.
	CeilingMAPE    float64
	CeilingKendall float64
	// Measured ≈ Slope·predicted + InterceptMS, by least squares on relative
	// errors. NaN for fewer than two networks.
	Slope       float64
	InterceptMS float64
}

// ErrNoNetworks is returned where there is nothing to verify or fit on.
var ErrNoNetworks = errors.New("no networks to measure")

// Verify measures whole networks and compares them with what the table, with its
// calibration, predicts. Threads, Batch and Target of o that are zero are those
// the table was measured with. Every network is opened anew in each of o.Rounds
// rounds and run in bursts between the others, so that what the device loses to
// others is taken out (fitNetworks); at most twelve are open at once. With a
// Folder it goes on where it was, as [Measure] does; [RemoveRun] ends that.
// Errors are those of [Measure], ErrLUTMismatch and ErrNoNetworks.
func Verify(ctx context.Context, lut *LUT, s *model.Space, networks []model.Path, o MeasureOptions) (*Verification, error) {
	checks, looks, err := checkNetworks(ctx, lut, s, networks, o)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	v := summarise(checks)
	v.ceiling(looks, func(int) bool { return true })
	return v, nil
}

// Calibrate measures two separate sets of networks, fits a calibration of the
// table on the first and verifies it on the second. The calibration the table
// has and what was learnt of it are ignored; lut is not changed. The Verification is that of the second
// set, predicted with the new calibration. At least two networks are fitted on
// and one checked; [RandomNetworks] draws them.
func Calibrate(ctx context.Context, lut *LUT, s *model.Space, fit, check []model.Path, o MeasureOptions) (Calibration, *Verification, error) {
	if len(fit) < 2 || len(check) < 1 {
		return Calibration{}, nil, fmt.Errorf("calibrate: %w: %d to fit on and %d to check: expected at least 2 and 1", ErrNoNetworks, len(fit), len(check))
	}
	plain := *lut
	plain.Calibration, plain.Learnt = Calibration{}, Learnt{}
	checks, looks, err := checkNetworks(ctx, &plain, s, slices.Concat(fit, check), o)
	if err != nil {
		return Calibration{}, nil, fmt.Errorf("calibrate: %w", err)
	}
	c, v, err := calibration(checks, len(fit), plain.Fixed.MedianMS)
	if err == nil {
		v.ceiling(looks, func(network int) bool { return network >= len(fit) })
	}
	return c, v, err
}

// calibration fits on the first networks and verifies on the others. Of the
// lines that do not make the fixed part, of fixedMS, negative, it takes the best:
// where that is not the best of all, one that leaves nothing of the fixed part.
func calibration(checks []NetworkCheck, fit int, fixedMS float64) (Calibration, *Verification, error) {
	slope, intercept := fitLine(checks[:fit])
	if !(slope > 0) || math.IsInf(slope, 0) {
		return Calibration{}, nil, fmt.Errorf("calibrate: %w: measured latency does not rise with the table's sum (slope %.3g)", ErrInconclusive, slope)
	}
	if slope*fixedMS+intercept < 0 {
		slope = fitProportion(checks[:fit], fixedMS)
		intercept = -slope * fixedMS
	}
	held := slices.Clone(checks[fit:])
	for i := range held {
		held[i].PredictedMS = slope*held[i].PredictedMS + intercept
	}
	v := summarise(held)
	return Calibration{Slope: slope, InterceptMS: intercept, Networks: fit, MAPE: v.MAPE, Kendall: v.Kendall}, v, nil
}

// checkNetworks measures the networks and predicts each.
func checkNetworks(ctx context.Context, lut *LUT, s *model.Space, networks []model.Path, o MeasureOptions) ([]NetworkCheck, looks, error) {
	if len(networks) == 0 {
		return nil, looks{}, ErrNoNetworks
	}
	table, err := lut.Table(s)
	if err != nil {
		return nil, looks{}, err
	}
	if o, err = o.as(lut.Provenance); err != nil {
		return nil, looks{}, err
	}
	checks := make([]NetworkCheck, len(networks))
	archs := make([]model.Architecture, len(networks))
	for i, p := range networks {
		if err := s.CheckPath(p); err != nil {
			return nil, looks{}, fmt.Errorf("network %d: %w", i, err)
		}
		archs[i] = s.Architecture(p)
		checks[i] = NetworkCheck{Path: p, Architecture: archs[i], PredictedMS: table.LatencyMS(s, p), PredictedErrorMS: lut.StandardErrorMS(s, p)}
	}
	found, err := lookAt(ctx, archs, s.ImageSize, o)
	if err != nil {
		return nil, looks{}, err
	}
	for i, m := range found.measurements() {
		checks[i].Measurement, checks[i].MeasuredMS = m, m.MedianMS
	}
	return checks, found, nil
}

// summarise computes the figures of a verification.
func summarise(checks []NetworkCheck) *Verification {
	v := &Verification{Networks: checks}
	predicted, measured := make([]float64, len(checks)), make([]float64, len(checks))
	for i, c := range checks {
		predicted[i], measured[i] = c.PredictedMS, c.MeasuredMS
		v.MAPE += math.Abs(c.Error()) / float64(len(checks))
		if math.Abs(c.Error()) > math.Abs(checks[v.Worst].Error()) {
			v.Worst = i
		}
	}
	v.Kendall = model.KendallTau(predicted, measured)
	v.Slope, v.InterceptMS = fitLine(checks)
	v.Level, v.ShapeMAPE, v.ShapeWorst, v.Within5 = shape(predicted, measured)
	v.CeilingMAPE, v.CeilingKendall = math.NaN(), math.NaN()
	return v
}

// shape takes out of predictions the factor that they have in common against
// what was measured, and says how far they are off then: in the mean, at most,
// and in how many cases by less than 5%.
func shape(predicted, measured []float64) (level, mape, worst, within5 float64) {
	ratios := make([]float64, len(predicted))
	for i := range ratios {
		ratios[i] = measured[i] / predicted[i]
	}
	level = Quantile(ratios, 0.5)
	for i := range predicted {
		off := math.Abs(predicted[i]*level/measured[i] - 1)
		mape, worst = mape+off/float64(len(predicted)), max(worst, off)
		if off < 0.05 {
			within5++
		}
	}
	return level, mape, worst, within5 / float64(len(predicted))
}

// ceiling compares the halves of a measurement, the rounds in turn, over the
// networks that are checked.
func (v *Verification) ceiling(l looks, checked func(network int) bool) {
	if l.rounds < 2 {
		return
	}
	var halves [2][]float64
	for h := range halves {
		for n, ms := range l.fit(func(round int) bool { return round%2 == h }).ms {
			if checked(n) {
				halves[h] = append(halves[h], ms)
			}
		}
	}
	_, v.CeilingMAPE, _, _ = shape(halves[0], halves[1])
	v.CeilingKendall = model.KendallTau(halves[0], halves[1])
}

// StandardErrorMS is the standard error of what the table predicts of a path by
// those of its blocks, which are independent; 0 where it has none. The level of
// the table is not in it, and its calibration's slope is.
func (l *LUT) StandardErrorMS(s *model.Space, p model.Path) float64 {
	_, deviation, _ := l.sum(s, p)
	if l.Calibration.Set() {
		deviation *= l.Calibration.Slope
	}
	return deviation
}

// fitLine is the line from predicted to measured with the least sum of squared
// relative errors.
func fitLine(checks []NetworkCheck) (slope, intercept float64) {
	if len(checks) < 2 {
		return math.NaN(), math.NaN()
	}
	var x, y, weights []float64
	for _, c := range checks {
		x, y, weights = append(x, c.PredictedMS), append(y, c.MeasuredMS), append(weights, 1/(c.MeasuredMS*c.MeasuredMS))
	}
	intercept, slope = stat.LinearRegression(x, y, weights, false)
	return slope, intercept
}

// fitProportion is the factor from predicted less fixedMS to measured with the
// least sum of squared relative errors.
func fitProportion(checks []NetworkCheck, fixedMS float64) float64 {
	num, den := 0.0, 0.0
	for _, c := range checks {
		ratio := (c.PredictedMS - fixedMS) / c.MeasuredMS
		num, den = num+ratio, den+ratio*ratio
	}
	return num / den
}

// RandomNetworks draws n different networks of a space, from small to large:
// the i-th prefers deep stages and late options with a probability that rises
// with i, so that a line fitted on them is held at both ends. One seed gives
// the same networks always; networks to calibrate on and to verify with must
// be of one call, which makes them different from one another.
func RandomNetworks(s *model.Space, n int, seed uint64) []model.Path {
	rng := rand.New(rand.NewPCG(seed, 0x6e6574))
	// pick returns a number below n, the greater the likelier it is large.
	pick := func(n int, size float64) int {
		v := rng.IntN(n)
		if rng.Float64() < math.Abs(2*size-1) {
			if w := rng.IntN(n); (w > v) == (size > 0.5) {
				v = w
			}
		}
		return v
	}
	seen := map[string]bool{}
	var out []model.Path
	for tries := 0; len(out) < n && tries < 100*n; tries++ {
		size := (float64(len(out)) + 0.5) / float64(n)
		p := model.Path{Depth: make([]int, len(s.Stages)), Option: make([]int, s.NumBlocks())}
		for i := range p.Depth {
			p.Depth[i] = s.MinDepth + pick(s.NumDepths(), size)
		}
		for i := range p.Option {
			p.Option[i] = model.Off
			if o := pick(s.NumOptions(), size); s.Active(p, i) {
				p.Option[i] = o
			}
		}
		if key := fmt.Sprint(p); !seen[key] {
			seen[key] = true
			out = append(out, p)
		}
	}
	return out
}
