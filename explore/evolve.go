package explore

import (
	"context"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
)

// liveGenerations keeps evolution with an MLP, whose predictions are slow,
// within about two seconds.
const liveGenerations = 60

// EvolveLive is the paper's evolution for somebody who waits: with an MLP it stops
// after LiveGenerations instead of the paper's 500. Equal seeds give equal answers.
// It may run beside Solve.
func (e *Engine) EvolveLive(ctx context.Context, limitMS float64, seed uint64) (s solver.Solution, err error) {
	m, err := solver.NewEvolution(e.problem, e.objective, solver.EvolutionSettings{Seed: seed, Generations: e.LiveGenerations()})
	if err != nil {
		return s, err
	}
	err = m.Solve(ctx, &s, limitMS)
	return s, err
}

// LiveGenerations is how many generations EvolveLive makes; 0 is the paper's.
func (e *Engine) LiveGenerations() int {
	if e.Predictor.Kind() == "mlp" {
		return liveGenerations
	}
	return 0
}

// newObjective is the predictor as search methods see it, for any number of
// goroutines.
func (e *Engine) newObjective() (solver.Objective, error) {
	if e.Bilinear() {
		return e.problem.Objective()
	}
	score := func(paths []model.Path, accuracy []float64) {
		size := e.Space.EncodingSize()
		batch := make([]float64, len(paths)*size)
		for i, p := range paths {
			e.Space.Encode(batch[i*size:(i+1)*size:(i+1)*size], p, e.Inactive)
		}
		model.PredictBatch(e.Predictor, batch, accuracy)
	}
	if e.quad != nil {
		score = func(paths []model.Path, accuracy []float64) {
			for i, p := range paths {
				accuracy[i] = e.quad.Accuracy(p)
			}
		}
	}
	return solver.Objective{
		Score:    score,
		Gradient: func(x, dst []float64) float64 { return model.Gradient(e.Predictor, x, dst) },
	}, nil
}
