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
	MeasuredMS   float64 // the median of Measurement
	Measurement  Measurement
}

// Error is the relative error of the prediction: 0.1 is 10% too slow.
func (c NetworkCheck) Error() float64 { return c.PredictedMS/c.MeasuredMS - 1 }

// Verification says how well a table predicts whole networks.
type Verification struct {
	Networks []NetworkCheck
	MAPE     float64 // mean of |Error|, as a fraction
	Kendall  float64 // rank correlation of predicted and measured
	Worst    int     // index of the network with the greatest |Error|
	// Measured ≈ Slope·predicted + InterceptMS, by least squares on relative
	// errors. NaN for fewer than two networks.
	Slope       float64
	InterceptMS float64
}

// ErrNoNetworks is returned where there is nothing to verify or fit on.
var ErrNoNetworks = errors.New("no networks to measure")

// Verify measures whole networks on this machine and compares them with what
// the table, with its calibration, predicts. Threads, Batch and Target of o
// that are zero are those the table was measured with. Networks are measured
// in common rounds, twelve at a time, which takes half a gigabyte. With a Folder
// it goes on where it was, as [Measure] does; [RemoveRun] ends that. Errors are
// those of [Measure], ErrLUTMismatch and ErrNoNetworks.
func Verify(ctx context.Context, lut *LUT, s *model.Space, networks []model.Path, o MeasureOptions) (*Verification, error) {
	checks, err := checkNetworks(ctx, lut, s, networks, o)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	return summarise(checks), nil
}

// Calibrate measures two separate sets of networks, fits a calibration of the
// table on the first and verifies it on the second. The calibration the table
// has is ignored; lut is not changed. The Verification is that of the second
// set, predicted with the new calibration. At least two networks are fitted on
// and one checked; [RandomNetworks] draws them.
func Calibrate(ctx context.Context, lut *LUT, s *model.Space, fit, check []model.Path, o MeasureOptions) (Calibration, *Verification, error) {
	if len(fit) < 2 || len(check) < 1 {
		return Calibration{}, nil, fmt.Errorf("calibrate: %w: %d to fit on and %d to check: expected at least 2 and 1", ErrNoNetworks, len(fit), len(check))
	}
	plain := *lut
	plain.Calibration = Calibration{}
	checks, err := checkNetworks(ctx, &plain, s, slices.Concat(fit, check), o)
	if err != nil {
		return Calibration{}, nil, fmt.Errorf("calibrate: %w", err)
	}
	return calibration(checks, len(fit), plain.Fixed.MedianMS)
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
func checkNetworks(ctx context.Context, lut *LUT, s *model.Space, networks []model.Path, o MeasureOptions) ([]NetworkCheck, error) {
	if len(networks) == 0 {
		return nil, ErrNoNetworks
	}
	table, err := lut.Table(s)
	if err != nil {
		return nil, err
	}
	if o, err = o.as(lut.Provenance); err != nil {
		return nil, err
	}
	checks := make([]NetworkCheck, len(networks))
	archs := make([]model.Architecture, len(networks))
	for i, p := range networks {
		if err := s.CheckPath(p); err != nil {
			return nil, fmt.Errorf("network %d: %w", i, err)
		}
		archs[i] = s.Architecture(p)
		checks[i] = NetworkCheck{Path: p, Architecture: archs[i], PredictedMS: table.LatencyMS(s, p)}
	}
	measured, err := measureNetworks(ctx, archs, s.ImageSize, o)
	if err != nil {
		return nil, err
	}
	for i, m := range measured {
		checks[i].Measurement, checks[i].MeasuredMS = m, m.MedianMS
	}
	return checks, nil
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
	return v
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
// be of one call, which makes them different from one another: use the two
// results of [SplitNetworks].
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

// SplitNetworks deals networks out to fit on and to check with, in turn, so
// that both sets have small and large ones.
func SplitNetworks(networks []model.Path) (fit, check []model.Path) {
	for i, p := range networks {
		if i%2 == 0 {
			fit = append(fit, p)
		} else {
			check = append(check, p)
		}
	}
	return fit, check
}
