package explore

import (
	"context"
	"errors"

	"github.com/binas-tui/binas-tui/solver"
)

func (e *Engine) Evolve(ctx context.Context, limitMS float64, seed uint64) (solver.Solution, error) {
	return solver.Solution{}, errors.New("not there yet")
}
