package fit

import (
	"context"
	"math"
)

// Bounds of the penalties that are tried, and where the search starts. They do
// not depend on the number of samples: a penalty is the variance of the noise
// over that of a weight.
const (
	leastPenalty = 1e-4
	mostPenalty  = 1e6
)

var startPenalties = Penalties{Linear: 1, Products: 100}

// factors are the steps of the search over penalties, coarse to fine.
// Around the best the loss is flat: finer ones change it by parts in a thousand.
var factors = []float64{10, math.Sqrt(10)}

// searched is how many penalties a search tries, about: for progress.
const searched = 14

// choosePenalties finds the penalties of least loss: from the start it goes to
// the best of four neighbours until none is better, then takes smaller steps.
// tried is called with the best so far after every loss.
func choosePenalties(ctx context.Context, loss func(Penalties) (float64, error), tried func(Penalties, float64)) (Penalties, float64, error) {
	type point struct{ linear, products int } // in steps of the finest factor
	unit := math.Log(factors[len(factors)-1])
	at := func(q point) Penalties {
		clamp := func(v float64) float64 { return min(max(v, leastPenalty), mostPenalty) }
		return Penalties{
			clamp(startPenalties.Linear * math.Exp(unit*float64(q.linear))),
			clamp(startPenalties.Products * math.Exp(unit*float64(q.products))),
		}
	}
	known := map[Penalties]bool{}
	var best point
	least := math.Inf(1)
	try := func(q point) error {
		p := at(q)
		if known[p] {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		v, err := loss(p)
		if err != nil {
			return err
		}
		known[p] = true
		if v < least {
			least, best = v, q
		}
		tried(at(best), least)
		return nil
	}
	if err := try(best); err != nil {
		return Penalties{}, 0, err
	}
	for _, factor := range factors {
		step := int(math.Round(math.Log(factor) / unit))
		for {
			from := best
			for _, q := range []point{
				{from.linear, from.products + step}, {from.linear, from.products - step},
				{from.linear + step, from.products}, {from.linear - step, from.products},
			} {
				if err := try(q); err != nil {
					return Penalties{}, 0, err
				}
			}
			if best == from {
				break
			}
		}
	}
	return at(best), least, nil
}
