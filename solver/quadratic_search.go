package solver

import (
	"cmp"
	"container/heap"
	"context"
	"math"
)

// QuadraticSettings tune the search of a Quadratic. The zero value works.
type QuadraticSettings struct {
	Seed  uint64
	Kicks int // of the local search before bounding begins; 0 is 150, below 0 none
	Nodes int // bounded at most; 0 is 200,000
	// Progress, if set, is called with every better network and every lower
	// bound, from the goroutine that solves. The solution is not to be kept or
	// changed.
	Progress func(*Solution)
}

// maxOpenNodes bounds memory: a node of the BINAS space holds up to 40 kB.
const maxOpenNodes = 12_000

// proofMargin is what rounding may take of a bound, in points.
const proofMargin = 1e-9

// QuadraticSolver is a search of a Quadratic: an iterated local search finds
// networks, branch and bound over depths and options, best bound first, proves the
// best of them or improves it.
type QuadraticSolver struct {
	q        *Quadratic
	settings QuadraticSettings
}

// Solver is a search with the given settings.
func (q *Quadratic) Solver(settings QuadraticSettings) *QuadraticSolver {
	return &QuadraticSolver{q, settings}
}

// Solve writes a network within limitMS to dst. Status is Optimal where nothing
// within the limit is better, otherwise Bound says how much better anything could
// be. On cancellation it is the best network so far with a Bound that holds, and no
// error: Solve can be stopped at any moment. Where it runs to the end, equal input
// gives equal answers.
func (r *QuadraticSolver) Solve(ctx context.Context, dst *Solution, limitMS float64) error {
	s := &quadraticSearch{q: r.q, settings: r.settings, sol: Solution{Optimizer: IQCP, LimitMS: limitMS, Bound: math.Inf(1)}}
	s.run(ctx)
	*dst = s.sol
	return nil
}

func (s *quadraticSearch) run(ctx context.Context) {
	limit := limitPicoseconds(s.sol.LimitMS)
	if limit < 0 {
		return
	}
	s.local = s.q.newLocalSearch(picosecondsLimit(limit)-s.q.t.fixed, s.settings.Seed)
	s.local.better = s.incumbent
	if !s.local.begin() {
		return
	}
	for i := 0; i < cmp.Or(s.settings.Kicks, 150) && ctx.Err() == nil; i++ {
		s.local.kick()
	}
	s.prove(ctx)
}

type quadraticSearch struct {
	q        *Quadratic
	settings QuadraticSettings
	local    *localSearch
	sol      Solution
	queue    boundQueue[*pairNode]
}

// incumbent takes over the best network of the local search.
func (s *quadraticSearch) incumbent() {
	best := s.local.best
	s.sol.Status, s.sol.Path = Feasible, best.path()
	s.sol.Accuracy = s.q.total(best.label)
	s.sol.LatencyMS = networkMS(best.latency + s.q.t.fixed)
	s.sol.ShadowPrice = s.local.shadowPrice(best)
	s.sol.Bound = max(s.sol.Bound, s.sol.Accuracy)
	s.report()
}

func (s *quadraticSearch) report() {
	if s.settings.Progress != nil {
		s.settings.Progress(&s.sol)
	}
}

// prove runs branch and bound until nothing can be better than the incumbent.
func (s *quadraticSearch) prove(ctx context.Context) {
	b := &bounder{q: s.q, limit: s.local.limit}
	if !s.roots(ctx, b) {
		return
	}
	limit := cmp.Or(s.settings.Nodes, 200_000)
	for nodes := 0; len(s.queue) > 0; nodes++ {
		floor := s.sol.Accuracy + proofMargin
		if top := s.queue[0].bound; top < s.sol.Bound {
			drop := s.sol.Bound - top
			s.sol.Bound = max(top, s.sol.Accuracy)
			if drop > 1e-3 {
				s.report()
			}
		}
		if s.queue[0].bound <= floor {
			break
		}
		if ctx.Err() != nil || nodes > limit || len(s.queue) > maxOpenNodes {
			return
		}
		n := heap.Pop(&s.queue).(*pairNode)
		again := b.tighten(n, 10, floor)
		if n.bound <= floor {
			continue
		}
		if again {
			heap.Push(&s.queue, n)
			continue
		}
		children := b.children(n)
		if children == nil {
			s.leaf(n)
			continue
		}
		for _, c := range children {
			if c.bound > floor {
				heap.Push(&s.queue, c)
			}
		}
	}
	s.sol.Bound, s.sol.Status = s.sol.Accuracy, Optimal
	s.report()
}

// roots fills the queue with a node for every vector of depths.
func (s *quadraticSearch) roots(ctx context.Context, b *bounder) bool {
	err := s.q.t.eachVector(ctx, func(_ int, depth []int, _ []int64, _ int64) {
		n := b.newNode(depth, s.local.price)
		b.believe()
		if !b.prune(math.Inf(1), math.Inf(-1)) {
			return
		}
		b.reprice()
		bound, _ := b.dual(n.price)
		n.bound = bound + b.edges()
		s.queue = append(s.queue, n)
	})
	heap.Init(&s.queue)
	return err == nil
}

// leaf is a node with one label everywhere: a network.
func (s *quadraticSearch) leaf(n *pairNode) {
	t, p := s.q.t, s.q.t.p
	l := s.local.now
	for v := range t.blocks {
		l.label[v] = s.q.off(v)
	}
	for i, v := range n.vars {
		l.label[v] = s.q.first[v] + int(n.domain[i][0])
	}
	for st, d := range n.depths {
		l.label[t.blocks+st] = s.q.first[t.blocks+st] + d - p.MinDepth
	}
	l.reset()
	if s.local.keep(l) {
		s.incumbent()
	}
}
