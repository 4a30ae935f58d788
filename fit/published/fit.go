package published

import (
	"errors"
	"fmt"

	"github.com/binas-tui/binas-tui/model"
)

// ErrImageSize is wrapped by the error of [Fit] about a space at another image
// size than the published networks.
var ErrImageSize = errors.New("published accuracies are at 224 pixels")

// Encoded is the predictor that [Fit] fits, as the bytes of a checkpoint.
func Encoded(space *model.Space) (data []byte, report Report, err error) {
	p, report, err := Fit(space)
	if err == nil {
		data, err = model.EncodePredictor(p, report.CheckpointInfo())
	}
	return data, report, err
}

// Fit fits the model of the package comment on [Networks] and returns it as a
// bilinear predictor of percent top-1 accuracy for space, which has either
// width at 224 pixels; any other image size is [ErrImageSize]. Accuracies of
// the wider space are extrapolation. The same space always gives the same result.
func Fit(space *model.Space) (*model.Bilinear, Report, error) {
	if space.ImageSize != ImageSize {
		return nil, Report{}, fmt.Errorf("%w: %s is at %d", ErrImageSize, space.Name, space.ImageSize)
	}
	base, err := model.NewSpace(model.MobileNASNet, ImageSize)
	if err != nil {
		return nil, Report{}, err
	}
	f, err := newFeatures(base)
	if err != nil {
		return nil, Report{}, err
	}
	all := Networks()
	x, y := make([][]float64, len(all)), make([]float64, len(all))
	for i, n := range all {
		x[i], y[i] = f.sum(n.Path), n.Top1
	}
	weights, lambda, err := tuned(x, y, priorMeans())
	if err != nil {
		return nil, Report{}, err
	}
	report, err := newReport(all, x, y, weights, lambda)
	if err != nil {
		return nil, Report{}, err
	}
	if f, err = newFeatures(space); err != nil {
		return nil, Report{}, err
	}
	p := f.expand(weights)
	report.Space = space.Name
	report.Lowest, report.Highest = f.extremes(weights)
	return p, report, nil
}

// expand writes the model out as the weights of a bilinear predictor: linear
// for always-on blocks, Q of the own stage's depths for the others.
func (f features) expand(w line) *model.Bilinear {
	s := f.space
	p := &model.Bilinear{
		Alphas: s.NumAlphas(), Betas: s.NumBetas(), Bias: w.bias,
		Linear: make([]float64, s.EncodingSize()),
		Q:      make([]float64, s.NumAlphas()*s.NumBetas()),
	}
	for b := range s.NumBlocks() {
		stage, k := b/s.MaxDepth, b%s.MaxDepth
		for o := range s.Options {
			alpha, value := b*s.NumOptions()+o, f.value(w, b, o)
			if !f.optional(b) {
				p.Linear[alpha] = value
				continue
			}
			for depth := k + 1; depth <= s.MaxDepth; depth++ {
				p.Q[alpha*p.Betas+stage*s.NumDepths()+depth-s.MinDepth] = value
			}
		}
	}
	return p
}

// value is c(b, o): what an active block adds, in points.
func (f features) value(w line, block, option int) float64 {
	c, v := f.of(block, option), 0.0
	for i, weight := range w.weights {
		v += weight * c[i]
	}
	return v
}

// extremes are the lowest and highest accuracy that any network of the space
// is given: no contribution is negative.
func (f features) extremes(w line) (lowest, highest float64) {
	lowest, highest = w.bias, w.bias
	for b := range f.space.NumBlocks() {
		least, most := f.value(w, b, 0), f.value(w, b, 0)
		for o := range f.space.Options {
			least, most = min(least, f.value(w, b, o)), max(most, f.value(w, b, o))
		}
		highest += most
		if !f.optional(b) {
			lowest += least
		}
	}
	return lowest, highest
}
