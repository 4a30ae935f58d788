package solver

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"github.com/binas-tui/binas-tui/model"
)

// Point is a network that no other beats: none is as fast and more accurate,
// or as accurate and faster.
type Point struct {
	LatencyMS float64
	Accuracy  float64
}

// Frontier is the set of all such networks of a Problem, by strictly rising
// latency and accuracy. The zero value is empty.
type Frontier struct {
	Points []Point

	stages, blocks int
	decisions      []uint8 // [point][stages+blocks]: depths, then options
}

// offByte stands for model.Off in a frontier's decisions.
const offByte = 255

// Path writes the network of point i to dst, reusing its slices.
func (f *Frontier) Path(dst *model.Path, i int) {
	row := f.decisions[i*(f.stages+f.blocks):][:f.stages+f.blocks]
	dst.Depth, dst.Option = resize(dst.Depth, f.stages), resize(dst.Option, f.blocks)
	for s := range dst.Depth {
		dst.Depth[s] = int(row[s])
	}
	for b, o := range row[f.stages:] {
		dst.Option[b] = int(o)
		if o == offByte {
			dst.Option[b] = model.Off
		}
	}
}

// At returns the index of the best point at or below a limit, -1 where there
// is none.
func (f *Frontier) At(limitMS float64) int {
	return sort.Search(len(f.Points), func(i int) bool { return !(f.Points[i].LatencyMS <= limitMS) }) - 1
}

func (f *Frontier) append(s *Solution) {
	f.Points = append(f.Points, Point{s.LatencyMS, s.Accuracy})
	for _, d := range s.Path.Depth {
		f.decisions = append(f.decisions, uint8(d))
	}
	for _, o := range s.Path.Option {
		if o == model.Off {
			o = offByte
		}
		f.decisions = append(f.decisions, uint8(o))
	}
}

// reverse turns the order of points round.
func (f *Frontier) reverse() {
	slices.Reverse(f.Points)
	size := f.stages + f.blocks
	for i, j := 0, len(f.Points)-1; i < j; i, j = i+1, j-1 {
		a, b := f.decisions[i*size:(i+1)*size], f.decisions[j*size:(j+1)*size]
		for k := range a {
			a[k], b[k] = b[k], a[k]
		}
	}
}

// Frontier returns the whole exact frontier, proved: it walks down from the
// most accurate network, solving each time for a limit one picosecond below
// the last answer. On cancellation it returns the part already walked, the
// most accurate networks, with the context's error; likewise where a point
// cannot be proved, with an error that wraps ErrTooLarge.
func (e *Exact) Frontier(ctx context.Context) (f Frontier, err error) {
	f = Frontier{stages: e.t.p.Stages, blocks: e.t.blocks}
	defer func() { f.reverse() }()
	var s Solution
	for picoseconds := networkPicoseconds(e.most + e.t.fixed); ; picoseconds = networkPicoseconds(e.search.best.latency+e.t.fixed) - 1 {
		if ctx.Err() != nil {
			return f, ctx.Err()
		}
		s.Status = Infeasible
		if e.solve(&s, picoseconds); s.Status == Infeasible {
			return f, nil
		}
		if s.Status != Optimal {
			return f, fmt.Errorf("solver: %w: no proof at %g ms within %d states", ErrTooLarge, picosecondsMS(picoseconds), maxSearchStates)
		}
		f.append(&s)
	}
}
