package fit

import (
	"context"
	"math/rand/v2"

	"github.com/binas-tui/binas-tui/internal/parallel"
)

// columns is how many targets [sparse] fits at once: the accuracies, and random
// signs, the probe, from which the trace of the fit is estimated: within 4%,
// the same for all penalties, so that it hardly changes which are chosen.
const columns = 2

// chunks is into how many parts the samples are divided, whatever the number
// of processors, so that sums are always added in the same order.
const chunks = 4

// sparse solves a ridge over many samples without ever forming a matrix:
// preconditioned conjugate gradients (Hestenes and Stiefel 1952) on the normal
// equations, where every product with the features adds up the weights that a
// sample touches. The levels of random networks are nearly independent, so some
// tens of steps give the exact solution to many digits.
type sparse struct {
	f       *features
	active  activeRows
	targets []float64 // [samples][columns]: accuracies less their mean, and the probe
	mean    float64
	count   []float64 // per weight: how often it is active, averaged over its table

	w        []float64         // [weights][columns]: the last solution, where the next starts
	partial  [chunks][]float64 // of the size of w
	residual []float64         // [samples][columns]
}

func newSparse(f *features, y []float64, seed uint64) *sparse {
	s := &sparse{f: f, active: f.activeRows(), mean: sum(y) / float64(len(y)), count: make([]float64, f.size)}
	rng := rand.New(rand.NewPCG(seed, 0x70726f6265))
	for i, v := range y {
		for _, k := range s.active.row(i) {
			s.count[k]++
		}
		s.targets = append(s.targets, v-s.mean, float64(2*rng.IntN(2)-1))
	}
	f.tables(func(start, rows, cols int, _ bool) {
		table := s.count[start : start+rows*cols]
		mean := sum(table) / float64(len(table))
		for i := range table {
			table[i] = mean
		}
	})
	s.w = make([]float64, f.size*columns)
	s.residual = make([]float64, len(y)*columns)
	for c := range chunks {
		s.partial[c] = make([]float64, f.size*columns)
	}
	return s
}

func (s *sparse) rows() int { return s.f.d.rows }

// chunk is the samples of part c.
func (s *sparse) chunk(c int) (from, to int) {
	return c * s.rows() / chunks, (c + 1) * s.rows() / chunks
}

// predict adds up the active weights of every sample.
func (s *sparse) predict(ctx context.Context, w, out []float64) error {
	return parallel.For(ctx, chunks, func(c int) {
		for i, to := s.chunk(c); i < to; i++ {
			first, second := 0.0, 0.0
			for _, k := range s.active.row(i) {
				v := (*[columns]float64)(w[int(k)*columns:])
				first += v[0]
				second += v[1]
			}
			out[i*columns], out[i*columns+1] = first, second
		}
	})
}

// collect is the transpose of predict: it adds every sample's values to the
// weights it touches, centred.
func (s *sparse) collect(ctx context.Context, values, out []float64) error {
	err := parallel.For(ctx, chunks, func(c int) {
		partial := s.partial[c]
		clear(partial)
		for i, to := s.chunk(c); i < to; i++ {
			first, second := values[i*columns], values[i*columns+1]
			for _, k := range s.active.row(i) {
				v := (*[columns]float64)(partial[int(k)*columns:])
				v[0] += first
				v[1] += second
			}
		}
	})
	if err != nil {
		return err
	}
	for i := range out {
		out[i] = s.partial[0][i] + s.partial[1][i] + s.partial[2][i] + s.partial[3][i]
	}
	s.f.center(out, columns)
	return nil
}

func (s *sparse) penalty(p Penalties) []float64 {
	out := make([]float64, s.f.size)
	for i := range out[1:] {
		out[1+i] = 1
	}
	s.f.scale(out, p)
	return out
}

// solve brings s.w to the solution for the penalties, until the residual of
// the normal equations of the first lead columns is below tolerance times that
// of weights 0.
func (s *sparse) solve(ctx context.Context, p Penalties, tolerance float64, lead int) error {
	penalty := s.penalty(p)
	r, z := make([]float64, len(s.w)), make([]float64, len(s.w))
	a, direction := make([]float64, len(s.w)), make([]float64, len(s.w))
	if err := s.collect(ctx, s.targets, r); err != nil {
		return err
	}
	initial := s.precondition(r, z, penalty)
	if err := s.normal(ctx, s.w, a, penalty); err != nil {
		return err
	}
	for i := range r {
		r[i] -= a[i]
	}
	size := s.precondition(r, z, penalty)
	copy(direction, z)
	for range maxSteps {
		done := true
		for c := range lead {
			done = done && size[c] <= tolerance*tolerance*initial[c]
		}
		if done {
			return nil
		}
		if err := s.normal(ctx, direction, a, penalty); err != nil {
			return err
		}
		step := dots(direction, a)
		for c := range step {
			step[c] = ratio(size[c], step[c])
		}
		for i := 0; i < len(r); i += columns {
			for c := range step {
				s.w[i+c] += step[c] * direction[i+c]
				r[i+c] -= step[c] * a[i+c]
			}
		}
		next := s.precondition(r, z, penalty)
		for i := 0; i < len(r); i += columns {
			for c := range next {
				direction[i+c] = z[i+c] + ratio(next[c], size[c])*direction[i+c]
			}
		}
		size = next
	}
	return nil // as good as it gets: the loss is within rounding of its least
}

// maxSteps bounds the steps of conjugate gradients.
const maxSteps = 1000

// normal computes (features' Gram matrix + penalty) v.
func (s *sparse) normal(ctx context.Context, v, out, penalty []float64) error {
	if err := s.predict(ctx, v, s.residual); err != nil {
		return err
	}
	if err := s.collect(ctx, s.residual, out); err != nil {
		return err
	}
	for k, p := range penalty {
		for i := k * columns; i < (k+1)*columns; i++ {
			out[i] += p * v[i]
		}
	}
	return nil
}

// precondition divides r by the diagonal of the normal equations, averaged over
// tables so that sums stay 0, and returns the products of r and the result.
func (s *sparse) precondition(r, z, penalty []float64) [columns]float64 {
	for k, p := range penalty {
		d := max(s.count[k]+p, 1e-300)
		for i := k * columns; i < (k+1)*columns; i++ {
			z[i] = r[i] / d
		}
	}
	return dots(r, z)
}

func dots(a, b []float64) [columns]float64 {
	var out [columns]float64
	for i := 0; i < len(a); i += columns {
		for c := range out {
			out[c] += a[i+c] * b[i+c]
		}
	}
	return out
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// sparseFit says how well the present solution fits.
type sparseFit struct {
	errors    []float64 // measured less fitted, per sample
	effective float64   // trace of the map from accuracies to fitted accuracies
}

func (s *sparse) fitted(ctx context.Context) (*sparseFit, error) {
	if err := s.predict(ctx, s.w, s.residual); err != nil {
		return nil, err
	}
	out := &sparseFit{errors: make([]float64, s.rows())}
	for i := range out.errors {
		at := i * columns
		out.errors[i] = s.targets[at] - s.residual[at]
		out.effective += s.targets[at+1] * s.residual[at+1]
	}
	out.effective = min(max(out.effective, 1), float64(s.rows())-1)
	return out, nil
}

// weights are the weights of the accuracies' solution.
func (s *sparse) weights() []float64 {
	w := make([]float64, s.f.size)
	for k := range w {
		w[k] = s.w[k*columns]
	}
	w[0] += s.mean
	return w
}
