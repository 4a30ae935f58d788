package solver

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
)

// coarsePoints is how many latencies a frontier begins with.
const coarsePoints = 48

// Frontier returns the whole exact frontier of accuracy over the first resource,
// which has to be a Latency, among the networks that keep all caps, proved. It
// solves first at a few latencies spread over the range, then walks down between
// them, each time to one picosecond below the last answer. Progress, if set, is
// called after every point; known copies those found so far. On cancellation it
// returns the points found with the context's error; likewise where one cannot
// be proved, with an error that wraps ErrTooLarge.
func (l *MultiLimit) Frontier(ctx context.Context, caps []float64, progress func(known func() Frontier)) (Frontier, error) {
	w := &frontierWalk{l: l, caps: slices.Clone(caps), ctx: ctx}
	if progress != nil {
		w.progress = func() { progress(w.frontier) }
	}
	err := w.walk()
	return w.frontier(), err
}

type frontierWalk struct {
	l      *MultiLimit
	ctx    context.Context
	caps   []float64
	points []frontierPoint // by falling latency

	progress func() // nil is none
}

// frontierPoint is the best network of every limit from its latency to limit.
type frontierPoint struct {
	latency, limit int64 // picoseconds
	MultiLimitNetwork
}

func (w *frontierWalk) frontier() Frontier {
	f := Frontier{stages: w.l.t.p.Stages, blocks: w.l.t.blocks}
	for _, p := range slices.Backward(w.points) {
		f.append(&Solution{Path: p.Path, LatencyMS: p.Used[0], Accuracy: p.Accuracy})
	}
	return f
}

func (w *frontierWalk) walk() error {
	l := w.l
	if l.resources[0].Kind != Latency {
		return fmt.Errorf("solver: frontier over %s: expected a latency", l.resources[0].Name)
	}
	picoseconds, _ := Latency.capUnits(w.caps[0])
	picoseconds = networkPicoseconds(min(picoseconds, int64(2*maxTotalMS*unitsPerMS)))
	top, ok, err := w.at(picoseconds)
	if !ok || err != nil {
		return err
	}
	w.found(top)
	// Some latencies down from the top.
	coarse := []frontierPoint{top}
	least := networkPicoseconds(l.least())
	for i := coarsePoints - 1; i >= 0; i-- {
		limit := least + (top.latency-least)*int64(i)/coarsePoints
		if limit >= coarse[len(coarse)-1].latency {
			continue
		}
		p, ok, err := w.at(limit)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		w.found(p)
		coarse = append(coarse, p)
	}
	// And all between them.
	for i, p := range coarse {
		next := int64(-1)
		if i+1 < len(coarse) {
			next = coarse[i+1].limit
		}
		for p.latency-1 > next {
			if p, ok, err = w.at(p.latency - 1); err != nil {
				return err
			}
			if !ok || p.latency <= next {
				break
			}
			w.found(p)
		}
	}
	return nil
}

func (w *frontierWalk) found(p frontierPoint) {
	at, _ := slices.BinarySearchFunc(w.points, p, func(a, b frontierPoint) int { return cmp.Compare(b.latency, a.latency) })
	w.points = slices.Insert(w.points, at, p)
	if w.progress != nil {
		w.progress()
	}
}

// at is the best network within a latency; ok is false where there is none.
func (w *frontierWalk) at(picoseconds int64) (p frontierPoint, ok bool, err error) {
	w.caps[0] = picosecondsMS(picoseconds)
	r, err := w.l.Solve(w.ctx, w.caps, 1)
	switch {
	case err != nil:
		return p, false, err
	case r.Status == Infeasible:
		return p, false, w.ctx.Err()
	case r.Status != Optimal:
		if err := w.ctx.Err(); err != nil {
			return p, false, err
		}
		return p, false, fmt.Errorf("solver: %w: no proof at %g ms", ErrTooLarge, w.caps[0])
	}
	best := r.Best[0]
	return frontierPoint{limitPicoseconds(best.Used[0]), picoseconds, best}, true, nil
}

// least is a latency that every network takes, in units.
func (l *MultiLimit) least() int64 {
	t, units := l.t, l.fixed[0]
	for b := range t.blocks {
		if b%t.p.MaxDepth < t.p.MinDepth {
			least := int64(math.MaxInt64)
			for o := range t.options {
				least = min(least, l.cost[0][b*t.stride+o])
			}
			units += least
		}
	}
	return units
}
