package explore

import (
	"context"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
)

// Evolve searches one limit with the paper's evolution. Equal seeds give equal answers. It may run
// beside Solve.
func (e *Engine) Evolve(ctx context.Context, limitMS float64, seed uint64) (solver.Solution, error) {
	return solver.Evolve(ctx, e.problem, e.scorer(), limitMS, solver.EvolutionSettings{Seed: seed})
}

// liveGenerations keeps evolution with an MLP, whose predictions are slow,
// within about two seconds.
const liveGenerations = 60

// EvolveLive is Evolve for somebody who waits: with an MLP it stops after
// LiveGenerations instead of the paper's 500.
func (e *Engine) EvolveLive(ctx context.Context, limitMS float64, seed uint64) (solver.Solution, error) {
	return solver.Evolve(ctx, e.problem, e.scorer(), limitMS, solver.EvolutionSettings{Seed: seed, Generations: e.LiveGenerations()})
}

// LiveGenerations is how many generations EvolveLive makes; 0 is the paper's.
func (e *Engine) LiveGenerations() int {
	if e.Predictor.Kind() == "mlp" {
		return liveGenerations
	}
	return 0
}

// scorer predicts many paths at once; nil leaves it to the Problem.
func (e *Engine) scorer() solver.Scorer {
	if e.Bilinear() {
		return nil
	}
	if e.quad != nil {
		return func(paths []model.Path, accuracy []float64) {
			for i, p := range paths {
				accuracy[i] = e.quad.Accuracy(p)
			}
		}
	}
	size := e.Space.EncodingSize()
	var batch []float64
	return func(paths []model.Path, accuracy []float64) {
		if cap(batch) < len(paths)*size {
			batch = make([]float64, len(paths)*size)
		}
		batch = batch[:len(paths)*size]
		for i, p := range paths {
			e.Space.Encode(batch[i*size:(i+1)*size:(i+1)*size], p, e.Inactive)
		}
		model.PredictBatch(e.Predictor, batch, accuracy)
	}
}
