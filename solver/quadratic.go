package solver

import (
	"fmt"
	"math"

	"github.com/binas-tui/binas-tui/model"
)

// Quadratic is a Problem whose accuracy is quadratic in options and depths
// (bias + linear·x + xᵀ W x). It is immutable and may be shared.
//
// With one-hot x that is a value for every decision and one for every pair of
// decisions. What a switched-off block adds is a further label of the block:
// the mean of its options, or with model.InactiveFree a choice without latency.
type Quadratic struct {
	t     *tables // of the latencies alone
	bias  float64
	vars  int       // blocks, then stages
	width int       // labels of all variables
	first []int     // per variable: its first label
	unary []float64 // [label]
	pair  []float64 // [label*width+label], symmetric, 0 within a variable
}

// off is the label of a switched-off block that counts its mean.
func (q *Quadratic) off(block int) int { return q.first[block] + q.t.options }

// PrepareQuadratic makes a quadratic problem ready for search. The space,
// latencies and pins are those of p, whose accuracy terms are not used and may
// be nil. Neither may change afterwards.
func PrepareQuadratic(p *Problem, predictor *model.Quadratic) (*Quadratic, error) {
	alphas, betas := p.NumBlocks()*p.Options, p.Stages*p.NumDepths()
	if predictor.Inputs != alphas+betas || len(predictor.Linear) != predictor.Inputs || len(predictor.W) != predictor.Inputs*predictor.Inputs {
		return nil, fmt.Errorf("solver: quadratic predictor of %d inputs: expected %d alphas and %d betas", predictor.Inputs, alphas, betas)
	}
	for _, v := range append(append([]float64{predictor.Bias}, predictor.Linear...), predictor.W...) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("solver: quadratic predictor has a weight of %v: expected finite numbers", v)
		}
	}
	t, err := newTables(p.latencyAlone())
	if err != nil {
		return nil, err
	}
	q := &Quadratic{t: t, bias: predictor.Bias, vars: t.blocks + p.Stages}
	for v := range q.vars {
		q.first = append(q.first, q.width)
		if v < t.blocks {
			q.width += t.options + 1
		} else {
			q.width += p.NumDepths()
		}
	}
	q.first = append(q.first, q.width)
	q.fill(predictor)
	return q, nil
}

func (p *Problem) latencyAlone() *Problem {
	out := *p
	out.Alpha, out.Q = make([]float64, p.NumBlocks()*p.Options), nil
	out.Beta, out.Bias = make([]float64, p.Stages*p.NumDepths()), 0
	return &out
}

// inputs lists the inputs of the predictor that a label sets, and their weight.
func (q *Quadratic) inputs(v, label int) (first, count int, weight float64) {
	t := q.t
	switch {
	case v >= t.blocks:
		return t.blocks*t.options + (v-t.blocks)*t.p.NumDepths() + label, 1, 1
	case label == t.options:
		return v * t.options, t.options, 1 / float64(t.options)
	}
	return v*t.options + label, 1, 1
}

// fill computes the values of labels and of pairs of labels.
func (q *Quadratic) fill(p *model.Quadratic) {
	n := p.Inputs
	q.unary, q.pair = make([]float64, q.width), make([]float64, q.width*q.width)
	half := make([]float64, q.width*n) // W + Wᵀ applied to every label
	each := func(visit func(v, label, x int)) {
		for v := range q.vars {
			for x := q.first[v]; x < q.first[v+1]; x++ {
				visit(v, x-q.first[v], x)
			}
		}
	}
	each(func(v, label, x int) {
		first, count, weight := q.inputs(v, label)
		row := half[x*n : (x+1)*n]
		for i := first; i < first+count; i++ {
			q.unary[x] += weight * p.Linear[i]
			for j := range n {
				row[j] += weight * (p.W[i*n+j] + p.W[j*n+i])
			}
		}
		for i := first; i < first+count; i++ {
			q.unary[x] += weight * row[i] / 2 // its own square
		}
	})
	each(func(v, label, x int) {
		each(func(u, other, y int) {
			if u == v {
				return
			}
			first, count, weight := q.inputs(u, other)
			for i := first; i < first+count; i++ {
				q.pair[x*q.width+y] += weight * half[x*n+i]
			}
		})
	})
}

// row is what a label adds to every label of other variables.
func (q *Quadratic) row(label int) []float64 { return q.pair[label*q.width : (label+1)*q.width] }

// Problem returns the space, latencies and pins.
func (q *Quadratic) Problem() *Problem { return q.t.p }

// Accuracy is the predicted accuracy of a path in percent.
func (q *Quadratic) Accuracy(path model.Path) float64 {
	p, labels := q.t.p, make([]int, 0, 64)
	for b, o := range path.Option {
		active := b%p.MaxDepth < path.Depth[b/p.MaxDepth]
		if o == model.Off || !active && p.Inactive == model.InactiveMean {
			labels = append(labels, q.off(b))
		} else {
			labels = append(labels, q.first[b]+o)
		}
	}
	for s, d := range path.Depth {
		labels = append(labels, q.first[q.t.blocks+s]+d-p.MinDepth)
	}
	return q.total(labels)
}

// total is the accuracy of a label for every variable.
func (q *Quadratic) total(labels []int) float64 {
	sum := q.bias
	for i, x := range labels {
		sum += q.unary[x]
		row := q.row(x)
		for _, y := range labels[:i] {
			sum += row[y]
		}
	}
	return sum
}
