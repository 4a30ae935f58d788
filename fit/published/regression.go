package published

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"
)

// penalties are the candidates for λ, in squared points: from about the
// residual variance of the twelve networks to ten times that. Beyond, the
// ablations would overrule the networks; below, they would say nothing.
var penalties = []float64{0.02, 0.05, 0.1, 0.2}

// line is a fitted model: bias + weights·features.
type line struct {
	bias    float64
	weights []float64
}

func (l line) at(x []float64) float64 {
	y := l.bias
	for i, v := range x {
		y += l.weights[i] * v
	}
	return y
}

// nonNegative minimises Σ (y - bias - w·x)² + λ Σ ((w_j - prior_j)/prior_j)²
// over bias and w ≥ 0; a prior of 0 is no penalty. It solves the least-squares
// problem of every subset of weights that are not held at 0, by QR, and keeps
// the best that is feasible, which is the optimum since the problem is convex.
func nonNegative(x [][]float64, y, prior []float64, lambda float64) (line, error) {
	n := len(prior)
	best, least := line{}, math.Inf(1)
	for free := range 1 << n {
		w, err := ridge(x, y, prior, lambda, free)
		if err != nil {
			continue // features that coincide on these networks: not this subset
		}
		feasible := true
		for _, v := range w.weights {
			feasible = feasible && v >= 0
		}
		if loss := penalised(w, x, y, prior, lambda); feasible && loss < least {
			best, least = w, loss
		}
	}
	if math.IsInf(least, 1) {
		return line{}, errors.New("published: the regression has no solution: features are not finite")
	}
	return best, nil
}

// ridge solves the problem of nonNegative without the sign constraint, for the
// weights whose bit is set in free; the others are 0.
func ridge(x [][]float64, y, prior []float64, lambda float64, free int) (line, error) {
	var columns []int
	for j := range prior {
		if free>>j&1 == 1 {
			columns = append(columns, j)
		}
	}
	a := mat.NewDense(len(x)+len(columns), 1+len(columns), nil)
	b := mat.NewVecDense(len(x)+len(columns), nil)
	for i, row := range x {
		a.Set(i, 0, 1)
		b.SetVec(i, y[i])
		for c, j := range columns {
			a.Set(i, 1+c, row[j])
		}
	}
	for c, j := range columns {
		if prior[j] != 0 {
			a.Set(len(x)+c, 1+c, math.Sqrt(lambda)/prior[j])
			b.SetVec(len(x)+c, math.Sqrt(lambda))
		}
	}
	var solution mat.VecDense
	if err := solution.SolveVec(a, b); err != nil {
		return line{}, err
	}
	w := line{bias: solution.AtVec(0), weights: make([]float64, len(prior))}
	for c, j := range columns {
		w.weights[j] = solution.AtVec(1 + c)
	}
	return w, nil
}

func penalised(w line, x [][]float64, y, prior []float64, lambda float64) float64 {
	loss := 0.0
	for i, row := range x {
		d := y[i] - w.at(row)
		loss += d * d
	}
	for j, p := range prior {
		if p != 0 {
			d := (w.weights[j] - p) / p
			loss += lambda * d * d
		}
	}
	return loss
}

// tuned fits with the λ that has the least squared leave-one-out error on the
// networks given.
func tuned(x [][]float64, y, prior []float64) (line, float64, error) {
	chosen, least := 0.0, math.Inf(1)
	for _, lambda := range penalties {
		predicted, err := leaveOneOut(x, y, func(x [][]float64, y []float64) (line, error) {
			return nonNegative(x, y, prior, lambda)
		})
		if err != nil {
			return line{}, 0, err
		}
		loss := 0.0
		for i, p := range predicted {
			loss += (p - y[i]) * (p - y[i])
		}
		if loss < least {
			chosen, least = lambda, loss
		}
	}
	w, err := nonNegative(x, y, prior, chosen)
	return w, chosen, err
}

// leaveOneOut predicts every row from a fit on all the others.
func leaveOneOut(x [][]float64, y []float64, fit func([][]float64, []float64) (line, error)) ([]float64, error) {
	predicted := make([]float64, len(x))
	for i := range x {
		var restX [][]float64
		var restY []float64
		for j := range x {
			if j != i {
				restX, restY = append(restX, x[j]), append(restY, y[j])
			}
		}
		w, err := fit(restX, restY)
		if err != nil {
			return nil, err
		}
		predicted[i] = w.at(x[i])
	}
	return predicted, nil
}
