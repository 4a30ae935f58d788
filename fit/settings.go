package fit

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/binas-tui/binas-tui/model"
)

// Kinds of predictors, as in model.Predictor.
const (
	Bilinear  = "bilinear"
	Quadratic = "quadratic"
	MLP       = "mlp"
)

// How a predictor is fitted.
const (
	ClosedForm      = "closed-form"
	GradientDescent = "gradient-descent"
)

// FittedBy is ClosedForm wherever there is one and nothing else is asked for, else
// GradientDescent.
func (s Settings) FittedBy() string {
	if s.Descend || s.Kind == MLP {
		return GradientDescent
	}
	return ClosedForm
}

// Settings say what to fit. Space is needed; zero values of the rest work.
type Settings struct {
	Space    *model.Space
	Kind     string               // Bilinear (""), Quadratic or MLP
	Descend  bool                 // gradient descent instead of the closed form, which an MLP has not
	Inactive model.InactiveBlocks // what switched-off blocks add

	// Penalties of the closed form; zero: those of least leave-one-out error.
	Penalties Penalties
	Descent   Descent // settings of gradient descent
	Seed      uint64  // same seed, same result

	// Progress is told how far the fit is, from the goroutine of Fit. Nil: nobody is.
	Progress func(Progress)
}

// Progress is how far a fit is.
type Progress struct {
	Done, Total int     // of Unit; Total is an estimate where the end is not known
	Unit        string  // "penalties", "epochs"
	Loss        float64 // the best so far, mean squared error in squared points
	Left        time.Duration
}

// ErrSettings is wrapped by errors about settings that make no sense.
var ErrSettings = errors.New("settings of the fit")

func (s Settings) check() (Settings, error) {
	if s.Space == nil {
		return s, fmt.Errorf("%w: no search space", ErrSettings)
	}
	s.Kind = cmp.Or(s.Kind, Bilinear)
	if s.Kind != Bilinear && s.Kind != Quadratic && s.Kind != MLP {
		return s, fmt.Errorf("%w: predictor type %q: expected %s, %s or %s", ErrSettings, s.Kind, Bilinear, Quadratic, MLP)
	}
	p := s.Penalties
	if s.FittedBy() != GradientDescent && s.Descent != (Descent{}) {
		return s, fmt.Errorf("%w: settings of gradient descent: found the closed form", ErrSettings)
	}
	if s.FittedBy() != ClosedForm && p != (Penalties{}) {
		return s, fmt.Errorf("%w: penalties %v and %v are of the closed form: found %s", ErrSettings, p.Linear, p.Products, s.FittedBy())
	}
	if p != (Penalties{}) && !(p.Linear >= leastPenalty && p.Linear <= mostPenalty && p.Products >= leastPenalty && p.Products <= mostPenalty) {
		return s, fmt.Errorf("%w: penalties %v and %v: expected %v to %v", ErrSettings, p.Linear, p.Products, leastPenalty, mostPenalty)
	}
	if s.Progress == nil {
		s.Progress = func(Progress) {}
	}
	return s, nil
}
