package explore

import (
	"context"

	"github.com/binas-tui/binas-tui/solver"
)

// Optimum writes the exact optimum at a limit to dst, without the paper's
// method beside it. It is for bilinear predictors.
func (e *Engine) Optimum(dst *solver.Solution, limitMS float64) {
	_ = e.exact.Solve(context.Background(), dst, limitMS)
}

// WhatIf returns the exact optimum at a limit, with the limits of the Setup
// kept, under other pins. It is for bilinear predictors and may run beside the
// Engine's other methods.
func (e *Engine) WhatIf(ctx context.Context, pins solver.Pins, limitMS float64) (s solver.Solution, err error) {
	problem := *e.problem
	problem.Pins = pins
	if len(e.Limits) > 0 {
		l, err := e.prepareLimits(ctx, &problem)
		if err != nil {
			return s, err
		}
		r, err := l.Solve(ctx, e.caps(limitMS), 1)
		if err != nil {
			return s, err
		}
		return limitedSolution(r, limitMS), nil
	}
	exact, err := solver.Prepare(ctx, &problem)
	if err != nil {
		return s, err
	}
	err = exact.Solve(ctx, &s, limitMS)
	return s, err
}
