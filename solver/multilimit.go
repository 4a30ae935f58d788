package solver

import (
	"container/heap"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/binas-tui/binas-tui/model"
)

// MultiLimit searches one bilinear Problem under several limits at once, and for
// the several best networks, exactly. It is immutable and may be shared.
//
// At given depths the problem is a multiple-choice knapsack with as many
// constraints as there are limits. Its LP relaxation bounds it; at most as many
// blocks as there are constraints are fractional. Vectors of depths are visited
// best bound first. One is searched by listing the selections whose losses
// against the LP multipliers sum to no more than the gap, and by branching on
// a fractional block where these are too many.
type MultiLimit struct {
	t         *tables
	resources []Resource
	cost      [][]int64 // per resource: an amount for every entry of a row, in units
	fixed     []int64
	depths    []uint8 // [vector*Stages+stage]
	base      []int64 // per vector: constants and switched-off blocks
	rows      []int64 // [vector*len(row)+entry]
	points    []float64
}

// PrepareMultiLimit makes a Problem ready for search under limits on the given
// resources; latency is one only if it is among them. Neither may change
// afterwards. It enumerates vectors of depths as [Prepare] does for a dense Q,
// and returns an error that wraps ErrTooLarge where there are too many.
func PrepareMultiLimit(ctx context.Context, p *Problem, resources []Resource) (*MultiLimit, error) {
	t, err := newTables(p)
	if err != nil {
		return nil, err
	}
	l := &MultiLimit{t: t, resources: resources}
	for i := range resources {
		r := &resources[i]
		if err := r.validate(p); err != nil {
			return nil, err
		}
		cost := make([]int64, t.blocks*t.stride)
		for a, v := range r.Block {
			cost[a/t.options*t.stride+a%t.options] = r.Kind.units(v)
		}
		l.cost = append(l.cost, cost)
		l.fixed = append(l.fixed, r.Kind.units(r.Fixed))
	}
	return l, l.prepareRows(ctx)
}

// prepareRows makes the row of every vector of depths that the pins allow.
func (l *MultiLimit) prepareRows(ctx context.Context) error {
	t, p := l.t, l.t.p
	err := t.eachVector(ctx, func(_ int, depth []int, row []int64, value int64) {
		for b := range t.blocks {
			if b%p.MaxDepth >= depth[b/p.MaxDepth] {
				value += t.inactive(row, b)
			}
		}
		for _, d := range depth {
			l.depths = append(l.depths, uint8(d))
		}
		l.base = append(l.base, value)
		l.rows = append(l.rows, row...)
	})
	l.points = make([]float64, len(l.rows))
	for i, v := range l.rows {
		l.points[i] = t.points(v)
	}
	return err
}

// MultiLimitNetwork is the answer under several limits: one network of the best.
type MultiLimitNetwork struct {
	Path     model.Path
	Accuracy float64   // predicted, percent
	Used     []float64 // per resource
}

// MultiLimitResult is what one search under limits found.
type MultiLimitResult struct {
	// Best are the best networks, best first, distinct as networks: what a
	// switched-off block would be does not count. Fewer than asked for where
	// no more fit.
	Best []MultiLimitNetwork
	// Status is Optimal where Best are proved to be the best there are, to
	// 1e-9 points, and Infeasible where no network keeps all limits.
	Status Status
	// Bound is what no network that is not among Best can exceed, or with
	// Status Optimal the accuracy of the best, percent.
	Bound float64
	// Prices are the LP multipliers of the limits at the best network: accuracy
	// points for one more unit of the resource. 0 of a limit that does not
	// bind; not a number of a Peak, which has none.
	Prices []float64
}

// MaxLimits is how many limits with a finite cap one search takes.
const MaxLimits = 8

// Settings of a search under limits.
const (
	listNodes   = 30000 // nodes of one listing, above which a block is branched on
	tieMargin   = 1e-9  // points that rounding of bounds may take
	maxTopNodes = 1 << 26
)

// Solve finds the k best networks that keep every cap, in the unit of its
// resource; +Inf is no limit. The caps are as many as the resources. Among
// equally accurate networks the one that uses less of the first resource is
// better. On cancellation it returns the best networks so far with a Bound
// that holds, and no error unless there is no network yet.
func (l *MultiLimit) Solve(ctx context.Context, caps []float64, k int) (MultiLimitResult, error) {
	if len(caps) != len(l.resources) {
		return MultiLimitResult{}, fmt.Errorf("solver: %d caps: expected %d", len(caps), len(l.resources))
	}
	s, err := l.newSearch(ctx, caps, max(k, 1))
	if err != nil || s == nil {
		return MultiLimitResult{Status: Infeasible, Bound: math.Inf(-1)}, err
	}
	above := s.run()
	if len(s.best) == 0 {
		if err := ctx.Err(); err != nil {
			return MultiLimitResult{}, err
		}
		if !math.IsInf(above, -1) {
			return MultiLimitResult{}, fmt.Errorf("solver: %w: no network found, none excluded", ErrTooLarge)
		}
		return MultiLimitResult{Status: Infeasible, Bound: above}, nil
	}
	return s.result(above), nil
}

// multiLimitSearch is one call of Solve.
type multiLimitSearch struct {
	*MultiLimit
	ctx     context.Context
	k       int
	active  []int       // resources with a finite cap that add up
	room    []int64     // per active: what the searched blocks may use, in units
	share   [][]float64 // per active: cost of every entry over room
	allowed [][]uint8   // per block: options that pins and peaks allow
	best    []selection // best first
	relax   relaxation
	list    listing
	nodes   int
	groups  []multiLimitGroup
}

// selection is one network found: the option of every block that is on.
type selection struct {
	value  int64
	first  int64 // of the first resource, for ties
	vector int32
	option []uint8 // per group
}

// multiLimitGroup is a block that is on and the options left for it.
type multiLimitGroup struct {
	block int
	items []uint8
}

// newSearch returns nil where the fixed part of every network is above a cap.
func (l *MultiLimit) newSearch(ctx context.Context, caps []float64, k int) (*multiLimitSearch, error) {
	t := l.t
	s := &multiLimitSearch{MultiLimit: l, ctx: ctx, k: k}
	forbidden := l.forbidden(caps)
	for i, r := range l.resources {
		limit, unlimited := r.Kind.capUnits(caps[i])
		if unlimited {
			continue
		}
		room := limit - l.fixed[i]
		if room < 0 {
			return nil, nil
		}
		if r.Kind == Peak {
			continue
		}
		s.active, s.room = append(s.active, i), append(s.room, room)
		share := make([]float64, len(l.cost[i]))
		for e, c := range l.cost[i] {
			share[e] = float64(c) / math.Max(float64(room), 1)
		}
		s.share = append(s.share, share)
	}
	if len(s.active) > MaxLimits {
		return nil, fmt.Errorf("solver: %d limits: expected at most %d", len(s.active), MaxLimits)
	}
	for b := range t.blocks {
		var items []uint8
		for _, o := range t.order[b] {
			if forbidden[b]>>o&1 == 0 {
				items = append(items, o)
			}
		}
		s.allowed = append(s.allowed, items)
	}
	s.relax.init(len(s.active), t.blocks)
	return s, nil
}

// forbidden are the options, a bit for each of a block, that are above the cap
// of a peak.
func (l *MultiLimit) forbidden(caps []float64) []uint64 {
	t := l.t
	out := make([]uint64, t.blocks)
	for i, r := range l.resources {
		limit, unlimited := r.Kind.capUnits(caps[i])
		if r.Kind != Peak || unlimited {
			continue
		}
		for b := range t.blocks {
			for o := range t.options {
				if l.cost[i][b*t.stride+o] > limit {
					out[b] |= 1 << o
				}
			}
		}
	}
	return out
}

// vectorGroups writes the blocks of a vector that are on to s.groups, and
// reports whether each has an option.
func (s *multiLimitSearch) vectorGroups(vector int) bool {
	p := s.t.p
	s.groups = s.groups[:0]
	for st := range p.Stages {
		for k := range int(s.depths[vector*p.Stages+st]) {
			b := st*p.MaxDepth + k
			if len(s.allowed[b]) == 0 {
				return false
			}
			s.groups = append(s.groups, multiLimitGroup{b, s.allowed[b]})
		}
	}
	return true
}

// row is the values of a vector in points.
func (s *multiLimitSearch) row(vector int) []float64 {
	n := len(s.t.linear)
	return s.points[vector*n : (vector+1)*n]
}

// vectorBound is a vector of depths in the queue.
type vectorBound struct {
	vector  int
	bound   float64
	relaxed bool
}

func (v vectorBound) Before(w vectorBound) bool {
	return v.bound > w.bound || v.bound == w.bound && v.vector < w.vector
}

// globalRounds is how often the multipliers of the best vector bound all.
const globalRounds = 4

// run searches vectors best bound first and returns the greatest bound of what
// was left out, -Inf for nothing.
func (s *multiLimitSearch) run() float64 {
	var queue boundQueue[vectorBound]
	for v := range s.base {
		if s.vectorGroups(v) {
			queue = append(queue, vectorBound{v, math.Inf(1), false})
		}
	}
	s.boundAll(queue)
	heap.Init(&queue)
	above := math.Inf(-1)
	for len(queue) > 0 && queue[0].bound >= s.floor() {
		if s.ctx.Err() != nil || s.nodes > maxTopNodes {
			return max(above, queue[0].bound)
		}
		top := heap.Pop(&queue).(vectorBound)
		s.vectorGroups(top.vector)
		bound := s.relaxNode(top.vector, s.groups)
		if !top.relaxed {
			top.relaxed, top.bound = true, min(top.bound, bound)
			if top.bound >= s.floor() {
				heap.Push(&queue, top)
			}
			continue
		}
		above = max(above, s.branch(top.vector, slices.Clone(s.groups)))
	}
	return above
}

// boundAll lowers the bounds of all vectors by the multipliers of the best.
func (s *multiLimitSearch) boundAll(queue boundQueue[vectorBound]) {
	price := make([]float64, len(s.active))
	penalty := make([]float64, len(s.t.linear))
	for range globalRounds {
		clear(penalty)
		limit := 0.0
		for r, y := range price {
			limit += y
			for e, c := range s.share[r] {
				penalty[e] += y * c
			}
		}
		top := -1
		for i := range queue {
			q := &queue[i]
			s.vectorGroups(q.vector)
			row, bound := s.row(q.vector), s.t.points(s.base[q.vector])+limit
			for _, g := range s.groups {
				most := math.Inf(-1)
				for _, o := range g.items {
					e := g.block*s.t.stride + int(o)
					most = max(most, row[e]-penalty[e])
				}
				bound += most
			}
			q.bound = min(q.bound, bound)
			if top < 0 || q.bound > queue[top].bound {
				top = i
			}
		}
		if top < 0 || len(s.active) == 0 {
			return
		}
		s.vectorGroups(queue[top].vector)
		queue[top].bound = min(queue[top].bound, s.relaxNode(queue[top].vector, s.groups))
		copy(price, s.relax.price)
	}
}

// floor is the bound below which nothing can join the best.
func (s *multiLimitSearch) floor() float64 {
	if len(s.best) < s.k {
		return -math.MaxFloat64
	}
	return s.t.points(s.best[len(s.best)-1].value) - tieMargin
}

func (s *multiLimitSearch) result(above float64) MultiLimitResult {
	r := MultiLimitResult{Status: Optimal, Prices: make([]float64, len(s.resources))}
	for _, b := range s.best {
		r.Best = append(r.Best, s.solution(&b))
	}
	r.Bound = r.Best[0].Accuracy
	if above > s.floor()+2*tieMargin {
		r.Status, r.Bound = Feasible, max(above, r.Bound)
	}
	for i, res := range s.resources {
		if res.Kind == Peak {
			r.Prices[i] = math.NaN()
		}
	}
	best := &s.best[0]
	s.vectorGroups(int(best.vector))
	s.relaxNode(int(best.vector), s.groups)
	for a, i := range s.active {
		if y := s.relax.price[a]; y > 1e-9 {
			r.Prices[i] = y / math.Max(float64(s.room[a]), 1) * s.resources[i].Kind.unit()
		}
	}
	return r
}

func (s *multiLimitSearch) solution(b *selection) MultiLimitNetwork {
	t, p := s.t, s.t.p
	out := MultiLimitNetwork{Path: model.Path{Depth: make([]int, p.Stages), Option: make([]int, t.blocks)},
		Accuracy: t.points(b.value), Used: make([]float64, len(s.resources))}
	used := slices.Clone(s.fixed)
	g := 0
	for st := range p.Stages {
		out.Path.Depth[st] = int(s.depths[int(b.vector)*p.Stages+st])
		for k := range out.Path.Depth[st] {
			block := st*p.MaxDepth + k
			o := int(b.option[g])
			out.Path.Option[block] = o
			for i, r := range s.resources {
				c := s.cost[i][block*t.stride+o]
				if r.Kind == Peak {
					used[i] = max(used[i], c)
				} else {
					used[i] += c
				}
			}
			g++
		}
	}
	for i, r := range s.resources {
		out.Used[i] = r.Kind.amount(used[i])
	}
	t.fillInactive(&out.Path)
	return out
}
