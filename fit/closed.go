package fit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/parallel"
	"github.com/binas-tui/binas-tui/model"
)

// dualLimit is up to how many samples the Gram matrix of samples is factored,
// which gives exact leave-one-out errors. A factor of 1,000 takes some 50 ms,
// which is also how long a cancelled fit goes on.
const dualLimit = 1000

// closedForm fits a ridge. Up to dualLimit samples it works in samples, above
// that in weights.
func closedForm(ctx context.Context, s Settings, samples []model.Sample) (*Report, error) {
	paths, y := split(samples)
	f := newFeatures(s.Kind, newDesign(s.Space, paths, s.Inactive))
	if len(samples) <= dualLimit {
		return closedDual(ctx, s, f, y)
	}
	return closedSparse(ctx, s, f, y)
}

// chosen returns the penalties that were given or have the least loss.
func chosen(ctx context.Context, s Settings, by string, loss func(Penalties) (float64, error)) (Penalties, string, error) {
	if s.Penalties != (Penalties{}) {
		return s.Penalties, Given, nil
	}
	done, start := 0, time.Now()
	p, _, err := choosePenalties(ctx, loss, func(_ Penalties, least float64) {
		done++
		total := max(searched, done+1)
		s.Progress(Progress{Done: done, Total: total, Unit: "penalties", Loss: least, Left: job.Left(time.Since(start), done, total-done)})
	})
	return p, by, err
}

func closedDual(ctx context.Context, s Settings, f *features, y []float64) (*Report, error) {
	d, err := newDual(ctx, s.Kind, f.d)
	if err != nil {
		return nil, err
	}
	p, by, err := chosen(ctx, s, ByLeaveOneOut, func(p Penalties) (float64, error) {
		fit, err := d.solve(ctx, y, p)
		if err != nil {
			return 0, err
		}
		return model.MSE(fit.leftOut, y), nil
	})
	if err != nil {
		return nil, err
	}
	fit, err := d.solve(ctx, y, p)
	if err != nil {
		return nil, err
	}
	w := d.weights(f, fit, p)
	r := &Report{Predictor: f.predictor(w), Penalties: p, ChosenBy: by, Held: fit.leftOut, Measured: y}
	r.Method = fmt.Sprintf("ridge in closed form, %.0f of %d weights decided by the samples", fit.effective, f.size)
	r.Uncertainty = newUncertainty(s, f.d, p, fit, 1, fit.variance)
	return r, nil
}

// Tolerances of conjugate gradients: while penalties are compared, and of the
// weights that are kept.
const (
	roughly = 1e-3
	exactly = 1e-10
)

func closedSparse(ctx context.Context, s Settings, f *features, y []float64) (*Report, error) {
	solver := newSparse(f, y, s.Seed)
	n := float64(len(y))
	p, by, err := chosen(ctx, s, ByCrossValidation, func(p Penalties) (float64, error) {
		if err := solver.solve(ctx, p, roughly, columns); err != nil {
			return 0, err
		}
		fit, err := solver.fitted(ctx)
		if err != nil {
			return 0, err
		}
		kept := 1 - fit.effective/n
		return squares(fit.errors) / n / (kept * kept), nil
	})
	if err != nil {
		return nil, err
	}
	if err := solver.solve(ctx, p, roughly, columns); err != nil {
		return nil, err
	}
	if err := solver.solve(ctx, p, exactly, 1); err != nil {
		return nil, err
	}
	fit, err := solver.fitted(ctx)
	if err != nil {
		return nil, err
	}
	r := &Report{Predictor: f.predictor(solver.weights()), Penalties: p, ChosenBy: by, Measured: y}
	for i, e := range fit.errors {
		r.Held = append(r.Held, y[i]-e/(1-fit.effective/n))
	}
	r.Method = fmt.Sprintf("ridge in closed form, %.0f of %d weights decided by the samples", fit.effective, f.size)
	r.Uncertainty, err = sparseUncertainty(ctx, s, f, y, p, fit)
	return r, err
}

// sparseUncertainty is what some of the samples leave open, scaled so that it
// is on average what all of them leave open.
func sparseUncertainty(ctx context.Context, s Settings, f *features, y []float64, p Penalties, fit *sparseFit) (*Uncertainty, error) {
	n := float64(len(y))
	rows := rand.New(rand.NewPCG(s.Seed, 0x737562736574)).Perm(len(y))
	some := f.d.subset(rows[:uncertaintyRows])
	d, err := newDual(ctx, s.Kind, some)
	if err != nil {
		return nil, err
	}
	part, err := d.solve(ctx, make([]float64, some.rows), p)
	if err != nil {
		return nil, err
	}
	variance := squares(fit.errors) / (n - fit.effective)
	u := newUncertainty(s, some, p, part, 1, variance)
	others := rows[uncertaintyRows:]
	others = others[:min(len(others), 200)]
	left := make([]float64, len(others))
	if err := parallel.For(ctx, len(others), func(i int) { left[i] = u.posteriorVariance(f.d.row(others[i])) }); err != nil {
		return nil, err
	}
	open := sum(left) / float64(len(left))
	// A sample that was fitted on keeps fit.effective/n of its own noise; a new
	// one has that over 1 less it.
	mean := fit.effective / n
	u.scale = mean / (1 - mean) / open
	return u, nil
}

func squares(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x * x
	}
	return s
}
