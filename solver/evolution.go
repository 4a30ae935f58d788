package solver

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/binas-tui/binas-tui/model"
)

// EvolutionSettings tune evolution. Zero values stand for the paper's.
type EvolutionSettings struct {
	Population  int     // 0 is 100
	Generations int     // 0 is 500
	Parents     float64 // share of the population that has children; 0 is 0.25
	Mutation    float64 // chance of every gene to change in a mutated child; 0 is 0.1
	Seed        uint64

	// Progress, if set, is called with every better network. The solution is not
	// to be kept or changed.
	Progress func(*Solution)
}

func (s EvolutionSettings) withDefaults() (EvolutionSettings, error) {
	s.Population = cmp.Or(s.Population, 100)
	s.Generations = cmp.Or(s.Generations, 500)
	s.Parents = cmp.Or(s.Parents, 0.25)
	s.Mutation = cmp.Or(s.Mutation, 0.1)
	if s.Population < 2 || s.Generations < 0 || !(s.Parents > 0 && s.Parents <= 1) || !(s.Mutation > 0 && s.Mutation <= 1) {
		return s, fmt.Errorf("solver: evolution of %d networks over %d generations, parents %v, mutation %v: expected at least 2 networks and shares above 0 and at most 1",
			s.Population, s.Generations, s.Parents, s.Mutation)
	}
	return s, nil
}

// EvolutionSolver is a genetic algorithm for any predictor (the paper's
// baseline).
//
// The best quarter of a population has children: half are copies of a parent
// with mutated genes, half cross two parents. A child above the limit is drawn
// again a few times and then repaired, gene by gene towards the cheapest, so
// that every network scored keeps the limit and the search ends even where
// only one network does.
type EvolutionSolver struct {
	t        *tables // of the latencies alone
	score    Scorer
	settings EvolutionSettings
}

// NewEvolution makes a search of the space, latencies and pins of p with any
// objective, of which Score alone is used. The accuracy terms of p are not used
// and may be nil; p must not change afterwards.
func NewEvolution(p *Problem, f Objective, settings EvolutionSettings) (*EvolutionSolver, error) {
	settings, err := settings.withDefaults()
	if err != nil {
		return nil, err
	}
	t, err := newTables(p.latencyAlone())
	return &EvolutionSolver{t, f.Score, settings}, err
}

// Solve writes a network within limitMS to dst. Status is Feasible, or
// Infeasible where nothing fits. On cancellation it is the best network so far,
// with the context's error.
func (s *EvolutionSolver) Solve(ctx context.Context, dst *Solution, limitMS float64) error {
	*dst = Solution{Path: dst.Path, Optimizer: Evolution, LimitMS: limitMS, Bound: math.Inf(1)}
	e := newEvolver(s.t, s.settings)
	limit := limitPicoseconds(limitMS)
	e.limit = picosecondsLimit(limit) - s.t.fixed
	if limit < 0 || e.least > e.limit {
		return nil
	}
	for range s.settings.Population {
		e.children = append(e.children, e.fit(e.randomGenes))
	}
	for g := 0; ; g++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		e.score(s.score)
		e.survive()
		better := dst.Status == Infeasible || e.parents[0].accuracy > dst.Accuracy
		e.solution(dst)
		if better && s.settings.Progress != nil {
			s.settings.Progress(dst)
		}
		if g == s.settings.Generations {
			return nil
		}
		e.breed()
	}
}

// individual is a network of a population. Its genes are a depth for every
// stage, then an option for every block, on or off.
type individual struct {
	genes    []int
	latency  int64
	accuracy float64
	born     int // counts all, so that ties have an order
}

type evolver struct {
	t        *tables
	settings EvolutionSettings
	random   *rand.Rand
	choices  [][]int // allowed values of every gene, cheapest first
	limit    int64
	least    int64
	parents  []individual // best first
	children []individual
	paths    []model.Path
	accuracy []float64
	open     []int        // genes that can still get cheaper
	all      []individual // parents and children
	spare    [][]int      // genes to use again
	seen     map[string]bool
	key      []byte
	born     int
}

func newEvolver(t *tables, settings EvolutionSettings) *evolver {
	p := t.p
	e := &evolver{t: t, settings: settings, seen: map[string]bool{}, random: rand.New(rand.NewPCG(settings.Seed, 0xda3e39cb94b95bdb))}
	cheapest := make([]int, p.Stages+t.blocks)
	for s := range p.Stages {
		e.choices = append(e.choices, p.AllowedDepths(s))
	}
	for b := range t.blocks {
		var options []int
		for _, o := range t.order[b] {
			options = append(options, int(o))
		}
		e.choices = append(e.choices, options)
	}
	for i, c := range e.choices {
		cheapest[i] = c[0]
	}
	e.least = e.latency(cheapest)
	return e
}

func (e *evolver) latency(genes []int) int64 {
	p, sum := e.t.p, int64(0)
	for s, d := range genes[:p.Stages] {
		for b := s * p.MaxDepth; b < s*p.MaxDepth+d; b++ {
			sum += e.t.latency[b*e.t.stride+genes[p.Stages+b]]
		}
	}
	return sum
}

// maxDraws is how often a child above the limit is drawn again.
const maxDraws = 20

// fit draws genes until they keep the limit, and repairs the last draw.
func (e *evolver) fit(draw func(genes []int)) individual {
	var genes []int
	if n := len(e.spare); n > 0 {
		genes, e.spare = e.spare[n-1], e.spare[:n-1]
	} else {
		genes = make([]int, len(e.choices))
	}
	e.born++
	for range maxDraws {
		draw(genes)
		if l := e.latency(genes); l <= e.limit {
			return individual{genes: genes, latency: l, born: e.born}
		}
	}
	return individual{genes: genes, latency: e.repair(genes), born: e.born}
}

// repair moves random genes to cheaper values until the limit is kept. Every
// move makes one gene cheaper, and the cheapest network fits, so it ends.
func (e *evolver) repair(genes []int) int64 {
	p := e.t.p
	e.open = e.open[:0]
	for i := range genes {
		e.open = append(e.open, i)
	}
	for len(e.open) > 0 {
		if l := e.latency(genes); l <= e.limit {
			return l
		}
		k := e.random.IntN(len(e.open))
		i := e.open[k]
		at := slices.Index(e.choices[i], genes[i])
		b := i - p.Stages
		if at == 0 || b >= 0 && b%p.MaxDepth >= genes[b/p.MaxDepth] { // cheapest, or off for good
			e.open[k] = e.open[len(e.open)-1]
			e.open = e.open[:len(e.open)-1]
			continue
		}
		genes[i] = e.choices[i][e.random.IntN(at)]
	}
	return e.latency(genes)
}

func (e *evolver) randomGenes(genes []int) {
	for i, c := range e.choices {
		genes[i] = c[e.random.IntN(len(c))]
	}
}

// breed makes as many children as the population has: half mutated, half crossed.
func (e *evolver) breed() {
	parent := func() []int { return e.parents[e.random.IntN(len(e.parents))].genes }
	for i := range e.settings.Population {
		if i < e.settings.Population/2 {
			from := parent()
			e.children = append(e.children, e.fit(func(genes []int) {
				copy(genes, from)
				for g, c := range e.choices {
					if e.random.Float64() < e.settings.Mutation {
						genes[g] = c[e.random.IntN(len(c))]
					}
				}
			}))
			continue
		}
		a, b := parent(), parent()
		e.children = append(e.children, e.fit(func(genes []int) {
			var coins uint64
			for g := range genes {
				if g&63 == 0 {
					coins = e.random.Uint64()
				}
				genes[g] = a[g]
				if coins>>(g&63)&1 == 0 {
					genes[g] = b[g]
				}
			}
		}))
	}
}

// score predicts the accuracy of the children in one batch.
func (e *evolver) score(score Scorer) {
	for len(e.paths) < len(e.children) {
		e.paths = append(e.paths, model.Path{})
	}
	if len(e.accuracy) < len(e.children) {
		e.accuracy = make([]float64, len(e.children))
	}
	for i, c := range e.children {
		e.path(&e.paths[i], c.genes)
	}
	score(e.paths[:len(e.children)], e.accuracy[:len(e.children)])
	for i := range e.children {
		e.children[i].accuracy = e.accuracy[i]
		if math.IsNaN(e.accuracy[i]) {
			e.children[i].accuracy = math.Inf(-1)
		}
	}
}

func (e *evolver) path(dst *model.Path, genes []int) {
	p := e.t.p
	dst.Depth = append(dst.Depth[:0], genes[:p.Stages]...)
	dst.Option = append(dst.Option[:0], genes[p.Stages:]...)
	if p.Inactive == model.InactiveMean {
		e.t.fillInactive(dst)
	}
}

// survive keeps the best of parents and children, each network once, as the
// next parents. Genes of blocks that are off are not part of a network: where
// they are scored (model.InactiveFree), the best of them stay.
func (e *evolver) survive() {
	e.all = append(append(e.all[:0], e.parents...), e.children...)
	slices.SortFunc(e.all, func(a, b individual) int {
		switch {
		case a.accuracy > b.accuracy:
			return -1
		case a.accuracy < b.accuracy:
			return 1
		case a.latency != b.latency:
			return cmp.Compare(a.latency, b.latency)
		}
		return a.born - b.born
	})
	n := max(1, int(math.Round(float64(e.settings.Population)*e.settings.Parents)))
	e.parents = e.parents[:0]
	clear(e.seen)
	for _, x := range e.all {
		if len(e.parents) < n {
			if e.key = e.network(e.key[:0], x.genes); !e.seen[string(e.key)] {
				e.seen[string(e.key)] = true
				e.parents = append(e.parents, x)
				continue
			}
		}
		e.spare = append(e.spare, x.genes)
	}
	e.children = e.children[:0]
}

// network appends what tells the network of genes from others: its depths and
// the options of the blocks that are on.
func (e *evolver) network(dst []byte, genes []int) []byte {
	p := e.t.p
	for s, d := range genes[:p.Stages] {
		dst = binary.AppendUvarint(dst, uint64(d))
		first := p.Stages + s*p.MaxDepth
		for _, o := range genes[first : first+d] {
			dst = append(dst, byte(o))
		}
	}
	return dst
}

func (e *evolver) solution(sol *Solution) {
	best := &e.parents[0]
	sol.Status = Feasible
	sol.LatencyMS = networkMS(best.latency + e.t.fixed)
	sol.Accuracy = best.accuracy
	e.path(&sol.Path, best.genes)
}
