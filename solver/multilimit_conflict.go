package solver

import (
	"context"
	"errors"
	"math"
	"math/bits"
	"slices"
	"sort"

	"gonum.org/v1/gonum/floats"
)

// Conflict returns the smallest set of limits that no network keeps together,
// as indices of resources; of several such sets the one that names the
// earliest resources. It is nil where networks keep all caps.
func (l *MultiLimit) Conflict(ctx context.Context, caps []float64) ([]int, error) {
	var capped []int
	for i, c := range caps {
		if !math.IsInf(c, 1) {
			capped = append(capped, i)
		}
	}
	subsets := make([]uint, 0, 1<<len(capped))
	for set := uint(1); set < 1<<len(capped); set++ {
		subsets = append(subsets, set)
	}
	slices.SortStableFunc(subsets, func(a, b uint) int {
		if d := bits.OnesCount(a) - bits.OnesCount(b); d != 0 {
			return d
		}
		return int(bits.Reverse(b)>>1) - int(bits.Reverse(a)>>1)
	})
	if fits, err := l.fits(ctx, caps); fits || err != nil {
		return nil, err
	}
	for _, set := range subsets {
		some := slices.Repeat([]float64{math.Inf(1)}, len(caps))
		var members []int
		for k, i := range capped {
			if set>>k&1 == 1 {
				some[i] = caps[i]
				members = append(members, i)
			}
		}
		if fits, err := l.fits(ctx, some); err != nil {
			return nil, err
		} else if !fits {
			return members, nil
		}
	}
	return capped, nil
}

// fits reports whether a network keeps the caps.
func (l *MultiLimit) fits(ctx context.Context, caps []float64) (bool, error) {
	r, err := l.Solve(ctx, caps, 1)
	if errors.Is(err, ErrTooLarge) {
		return true, nil // nothing is excluded
	}
	return r.Status != Infeasible, err
}

// Least is the least that a network within the caps uses of a resource, +Inf
// where none keeps them.
func (l *MultiLimit) Least(ctx context.Context, resource int, caps []float64) (float64, error) {
	r := &l.resources[resource]
	if r.Kind == Peak {
		return l.leastPeak(ctx, resource, caps)
	}
	// The most accurate network of a problem in which use is a loss. What is
	// off is worth its mean there, which the depths take back.
	p := *l.t.p
	scale := maxTotalPoints / 4 / (r.Fixed + floats.Sum(r.Block) + 1)
	p.Bias, p.Q, p.Alpha, p.Beta = 0, nil, make([]float64, len(p.Alpha)), make([]float64, len(p.Beta))
	p.Inactive = 0
	for a, v := range r.Block {
		p.Alpha[a] = -v * scale
	}
	for j := range p.Beta {
		s, d := j/p.NumDepths(), p.MinDepth+j%p.NumDepths()
		p.Beta[j] = -floats.Sum(p.Alpha[(s*p.MaxDepth+d)*p.Options:(s+1)*p.MaxDepth*p.Options]) / float64(p.Options)
	}
	least, err := PrepareMultiLimit(ctx, &p, l.resources)
	if err != nil {
		return 0, err
	}
	found, err := least.Solve(ctx, caps, 1)
	if err != nil || found.Status == Infeasible {
		return math.Inf(1), err
	}
	return found.Best[0].Used[resource], nil
}

// leastPeak tries the peaks that options have.
func (l *MultiLimit) leastPeak(ctx context.Context, resource int, caps []float64) (float64, error) {
	r := &l.resources[resource]
	peaks := []float64{r.Fixed}
	for _, v := range r.Block {
		peaks = append(peaks, max(v, r.Fixed))
	}
	slices.Sort(peaks)
	peaks = slices.Compact(peaks)
	caps = slices.Clone(caps)
	var failed error
	at := sort.Search(len(peaks), func(i int) bool {
		caps[resource] = peaks[i]
		fits, err := l.fits(ctx, caps)
		failed = errors.Join(failed, err)
		return fits
	})
	if at == len(peaks) || failed != nil {
		return math.Inf(1), failed
	}
	return peaks[at], nil
}
