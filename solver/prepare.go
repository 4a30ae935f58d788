package solver

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrTooLarge says that a Problem has too many cases for exact search.
var ErrTooLarge = errors.New("problem is too large for exact search")

// Limits of how many vectors of depths are enumerated.
const (
	maxDepthVectors = 1 << 16
	maxDepthItems   = 1 << 24 // depth vectors times options of all blocks
	sampleVectors   = 8       // from which the memory of all is estimated
)

var infinity = math.Inf(1)

// prepared is what all searches of one Problem share. It is immutable.
type prepared struct {
	t         *tables
	store     knapsackStore
	knapsacks []knapsack
	depths    []uint8    // dense Q: [knapsack*Stages+stage]
	stages    []stageSet // local Q: one knapsack, a group for every stage
	least     int64      // latency of the fastest network, less the fixed part
	most      int64      // latency of the fastest network with the best accuracy, likewise
	bounds    boundTable
}

// Prepare makes a Problem ready for exact search at any limit. The Problem
// must not change afterwards.
//
// Where Q is nil or couples blocks with the depth of their own stage alone,
// every stage is reduced to the choices that no other choice beats. Otherwise
// every vector of depths that the pins allow becomes a multiple-choice
// knapsack; above 65,536 of them, or above 16.8 million options over all of
// them, Prepare returns an error that wraps ErrTooLarge.
func Prepare(ctx context.Context, p *Problem) (*Exact, error) {
	t, err := newTables(p)
	if err != nil {
		return nil, err
	}
	pr := &prepared{t: t}
	prepare := pr.prepareDepths
	if t.local {
		prepare = pr.prepareStages
	}
	if err := prepare(ctx); err != nil {
		return nil, err
	}
	pr.finish()
	return newExact(pr), nil
}

// finish adds what is known once all knapsacks are there.
func (pr *prepared) finish() {
	pr.least, pr.most = math.MaxInt64, 0
	best := int64(none)
	for i := range pr.knapsacks {
		k := &pr.knapsacks[i]
		pr.least = min(pr.least, k.latency)
		if l, v := k.most(); v > best || v == best && l < pr.most {
			pr.most, best = l, v
		}
	}
	pr.bounds.build(pr.knapsacks, pr.least, pr.most)
}

// prepareStages makes one knapsack with a group for every stage.
func (pr *prepared) prepareStages(ctx context.Context) error {
	t := pr.t
	k := pr.store.begin(t.bias)
	dps := make([]paretoDP, t.p.NumDepths())
	for s := range t.p.Stages {
		set, err := t.stageSet(ctx, &pr.store, &k, s, dps)
		if err != nil {
			return err
		}
		pr.stages = append(pr.stages, set)
	}
	pr.store.end(&k)
	pr.knapsacks = []knapsack{k}
	return nil
}

// prepareDepths makes the knapsack of every vector of depths.
func (pr *prepared) prepareDepths(ctx context.Context) error {
	return pr.t.eachVector(ctx, func(vectors int, depth []int, row []int64, value int64) {
		if pr.knapsacks == nil {
			pr.knapsacks, pr.depths = make([]knapsack, 0, vectors), make([]uint8, 0, vectors*len(depth))
		}
		pr.knapsacks = append(pr.knapsacks, pr.t.knapsack(&pr.store, row, depth, value))
		if len(pr.knapsacks) == sampleVectors {
			pr.store.reserve(float64(vectors) / sampleVectors * 1.25)
		}
		for _, d := range depth {
			pr.depths = append(pr.depths, uint8(d))
		}
	})
}

// eachVector calls visit for every vector of depths that the pins allow, with
// how many there are, the row at these depths, and what depths and bias add.
// depth and row are not to be kept. A node of level s of the tree of depths
// holds the row of the first s depths.
func (t *tables) eachVector(ctx context.Context, visit func(vectors int, depth []int, row []int64, value int64)) error {
	p := t.p
	vectors, err := t.countVectors()
	if err != nil {
		return err
	}
	rows := make([][]int64, p.Stages+1)
	for s := range rows {
		rows[s] = slices.Clone(t.linear)
	}
	depth, visited := make([]int, p.Stages), 0
	var walk func(stage int, value int64) error
	walk = func(stage int, value int64) error {
		if stage == p.Stages {
			if visited++; visited&15 == 1 && ctx.Err() != nil {
				return ctx.Err()
			}
			visit(vectors, depth, rows[stage], value)
			return nil
		}
		for d := p.MinDepth; d <= p.MaxDepth; d++ {
			if depth[stage] = d; !p.Pins.AllowsDepth(stage, d) {
				continue
			}
			beta := stage*p.NumDepths() + d - p.MinDepth
			copy(rows[stage+1], rows[stage])
			t.addColumn(rows[stage+1], beta)
			if err := walk(stage+1, value+t.beta[beta]); err != nil {
				return err
			}
		}
		return nil
	}
	return walk(0, t.bias)
}

// knapsack appends the knapsack of one vector of depths to store: a group for
// every active block, stage-major, whose items are its options.
func (t *tables) knapsack(store *knapsackStore, row []int64, depth []int, value int64) knapsack {
	k := store.begin(value)
	for s, d := range depth {
		b := s * t.p.MaxDepth
		for end := b + d; b < end; b++ {
			first, at := len(store.items), b*t.stride
			for _, o := range t.order[b] {
				store.add(first, item{t.latency[at+int(o)], row[at+int(o)], int32(o)})
			}
			store.closeGroup(&k, first)
		}
		for ; b < (s+1)*t.p.MaxDepth; b++ {
			k.value += t.inactive(row, b)
		}
	}
	store.end(&k)
	return k
}

// countVectors is the number of vectors of depths that the pins allow, or an
// error where they are too many to enumerate.
func (t *tables) countVectors() (int, error) {
	p, vectors := t.p, 1.0
	for s := range p.Stages {
		vectors *= float64(len(p.AllowedDepths(s)))
	}
	if vectors > maxDepthVectors || vectors*float64(len(p.Alpha)) > maxDepthItems {
		return 0, fmt.Errorf("solver: %w: %g vectors of depths with %d options each: expected at most %d vectors and %d options in all",
			ErrTooLarge, vectors, len(p.Alpha), maxDepthVectors, maxDepthItems)
	}
	return int(vectors), nil
}
