package solver

import (
	"context"

	"github.com/binas-tui/binas-tui/model"
)

// Exact finds proved optima of one Problem at any limit, and its frontier.
// One goroutine at a time may use it; [Exact.Clone] gives another goroutine
// its own.
type Exact struct {
	*prepared
	search     knapsackSearch
	candidates []candidate
	above      int64 // bound of what could not be proved to be no better; none
}

// maxSearchStates bounds the dynamic programme of one knapsack, some 25 MB
// with its buffers. The BINAS space takes hundreds of states.
const maxSearchStates = 1 << 19

func newExact(pr *prepared) *Exact {
	return &Exact{prepared: pr, search: knapsackSearch{maxStates: maxSearchStates}}
}

// candidate is a knapsack that may hold something better than the incumbent.
type candidate struct {
	bound     int64
	knapsack  int32
	breakStep int32
}

// Clone returns an Exact for another goroutine. It shares the preparation.
func (e *Exact) Clone() *Exact { return newExact(e.prepared) }

// Problem returns what was prepared.
func (e *Exact) Problem() *Problem { return e.t.p }

// MinLatencyMS is the least latency of any network that the pins allow.
func (e *Exact) MinLatencyMS() float64 { return networkMS(e.least + e.t.fixed) }

// MaxLatencyMS is the latency of the most accurate network, the fastest if
// there are several: a limit above it changes nothing.
func (e *Exact) MaxLatencyMS() float64 { return networkMS(e.most + e.t.fixed) }

// Solve writes the most accurate network within limitMS to dst, reusing its
// slices. Among equally accurate ones (to 1e-12 points per decision) it is the
// fastest. Status is Optimal, or Infeasible where nothing fits or the limit is
// not a number. It takes microseconds and never fails, so ctx is not looked at.
//
// Where accuracy is nearly a multiple of latency over all options, proof can
// take more memory than there is; Status is then Feasible, and Bound says how
// much better anything else could be.
func (e *Exact) Solve(_ context.Context, dst *Solution, limitMS float64) error {
	*dst = Solution{Path: dst.Path, Optimizer: IQCP, LimitMS: limitMS}
	e.solve(dst, limitPicoseconds(limitMS))
	return nil
}

func (e *Exact) solve(dst *Solution, picoseconds int64) {
	if picoseconds < 0 || !e.optimize(picosecondsLimit(picoseconds)-e.t.fixed) {
		return
	}
	best := &e.search.best
	dst.Status = Optimal
	dst.LatencyMS = networkMS(best.latency + e.t.fixed)
	dst.Accuracy = e.t.points(best.value)
	dst.Bound = dst.Accuracy
	if e.above > best.value {
		dst.Status = Feasible
		dst.Bound = e.t.points(e.above)
	}
	dst.ShadowPrice = best.price / float64(e.t.options)
	e.path(&dst.Path)
}

// optimize makes e.search.best the optimum at a limit in units without the fixed
// part, and reports whether there is one.
func (e *Exact) optimize(limit int64) bool {
	if limit < e.least {
		return false
	}
	limit = min(limit, e.most)
	c := &e.search
	c.reserve(e.t.blocks)
	c.best.found, e.above = false, none
	e.candidates = e.candidates[:0]
	for _, x := range e.bounds.at(limit) {
		if c.best.found && x.bound < c.best.value {
			break
		}
		e.consider(int(x.knapsack), limit)
	}
	for i := 1; i < len(e.candidates); i++ {
		x, j := e.candidates[i], i
		for ; j > 0 && (e.candidates[j-1].bound < x.bound || e.candidates[j-1].bound == x.bound && e.candidates[j-1].knapsack > x.knapsack); j-- {
			e.candidates[j] = e.candidates[j-1]
		}
		e.candidates[j] = x
	}
	for _, x := range e.candidates {
		if x.bound < c.best.value {
			break
		}
		if !c.solve(&e.knapsacks[x.knapsack], int(x.knapsack), limit, x.bound, int(x.breakStep)) {
			e.above = max(e.above, x.bound)
		}
	}
	return c.best.found
}

// consider rounds the LP solution of a knapsack, and notes the knapsack where
// that is not yet its optimum.
func (e *Exact) consider(index int, limit int64) {
	k := &e.knapsacks[index]
	bound, breakStep, exact := k.bound(limit)
	if bound == none || e.search.best.found && bound < e.search.best.value {
		return
	}
	e.search.round(k, index, limit, breakStep)
	if !exact && bound >= e.search.best.value {
		e.candidates = append(e.candidates, candidate{bound, int32(index), int32(breakStep)})
	}
}

// path writes the network of the incumbent.
func (e *Exact) path(dst *model.Path) {
	t, p, best := e.t, e.t.p, &e.search.best
	dst.Depth = resize(dst.Depth, p.Stages)
	dst.Option = resize(dst.Option, t.blocks)
	items, g := e.store.items, 0
	for s := range dst.Depth {
		if e.stages != nil {
			set, point := &e.stages[s], int(items[best.chosen[s]].id)
			dst.Depth[s] = int(set.depth[point])
			for b := range dst.Depth[s] {
				dst.Option[s*p.MaxDepth+b] = int(set.option[point*p.MaxDepth+b])
			}
			continue
		}
		dst.Depth[s] = int(e.depths[best.knapsack*p.Stages+s])
		for b := range dst.Depth[s] {
			dst.Option[s*p.MaxDepth+b] = int(items[best.chosen[g]].id)
			g++
		}
	}
	t.fillInactive(dst)
}

// fillInactive sets the options of switched-off blocks of a path whose depths
// are set.
func (t *tables) fillInactive(dst *model.Path) {
	p := t.p
	for s, d := range dst.Depth {
		for b := s*p.MaxDepth + d; b < (s+1)*p.MaxDepth; b++ {
			dst.Option[b] = model.Off
			if p.Inactive == model.InactiveFree {
				dst.Option[b] = t.freeOption(b, dst.Depth)
			}
		}
	}
}

// freeOption is the option that a switched-off block takes at the given depths.
func (t *tables) freeOption(block int, depth []int) int {
	best, option := int64(none), model.Off
	for _, o := range t.order[block] {
		if v := t.value(block*t.stride+int(o), depth); v > best {
			best, option = v, int(o)
		}
	}
	return option
}

func (t *tables) value(entry int, depth []int) int64 {
	v := t.linear[entry]
	for s, d := range depth {
		if q := t.q[s*t.p.NumDepths()+d-t.p.MinDepth]; q != nil {
			v += q[entry]
		}
	}
	return v
}

func resize(s []int, n int) []int {
	if cap(s) < n {
		return make([]int, n)
	}
	return s[:n]
}
