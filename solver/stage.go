package solver

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// maxStageStates bounds the dynamic programme of one depth of one stage.
const maxStageStates = 1 << 22

// stageSet is what one stage can be where Q couples its blocks with its own
// depth alone: the choices of depth and options that no other choice beats.
type stageSet struct {
	depth  []uint8 // per point
	option []uint8 // [point*MaxDepth+block], of active blocks
}

// stagePoint is a candidate of a stage before dominance between depths.
type stagePoint struct {
	latency, value int64
	state          int32
	depth          uint8
}

// stageSet builds the set of a stage, appends its points as one group to k and
// returns what the points are.
func (t *tables) stageSet(ctx context.Context, store *knapsackStore, k *knapsack, stage int, dps []paretoDP) (stageSet, error) {
	p := t.p
	row := make([]int64, len(t.linear))
	var points []stagePoint
	for j := range p.NumDepths() {
		depth := p.MinDepth + j
		if !p.Pins.AllowsDepth(stage, depth) {
			continue
		}
		beta := stage*p.NumDepths() + j
		copy(row, t.linear)
		t.addColumn(row, beta)
		base := t.beta[beta]
		for b := stage*p.MaxDepth + depth; b < (stage+1)*p.MaxDepth; b++ {
			base += t.inactive(row, b)
		}
		c := &dps[j]
		c.reset()
		for b := stage * p.MaxDepth; b < stage*p.MaxDepth+depth; b++ {
			if ctx.Err() != nil {
				return stageSet{}, ctx.Err()
			}
			items := make([]item, 0, t.options)
			for _, o := range t.order[b] {
				a := b*t.stride + int(o)
				items = append(items, item{t.latency[a], row[a], int32(o)})
			}
			if !c.extend(items, picosecondsLimit(1<<53), 0, infinity, maxStageStates) {
				return stageSet{}, fmt.Errorf("%w: stage %d at depth %d has more than %d partial choices that none beats",
					ErrTooLarge, stage+1, depth, maxStageStates)
			}
		}
		for i, s := range c.last() {
			points = append(points, stagePoint{s.latency, s.value + base, int32(c.level + i), uint8(j)})
		}
	}
	slices.SortFunc(points, func(a, b stagePoint) int {
		return cmp.Or(cmp.Compare(a.latency, b.latency), cmp.Compare(b.value, a.value), cmp.Compare(a.depth, b.depth))
	})
	first := len(store.items)
	var set stageSet
	for i, pt := range points {
		if n := len(store.items); n > first && store.items[n-1].value >= pt.value {
			continue
		}
		store.items = append(store.items, item{pt.latency, pt.value, int32(i)})
	}
	store.closeGroup(k, first)
	n := len(store.items) - first
	set.depth, set.option = make([]uint8, n), make([]uint8, n*p.MaxDepth)
	for i := range n {
		it := &store.items[first+i]
		pt := points[it.id]
		it.id = int32(i)
		set.depth[i] = uint8(p.MinDepth) + pt.depth
		states := dps[pt.depth].states
		for b, at := int(set.depth[i])-1, pt.state; b >= 0; b-- {
			set.option[i*p.MaxDepth+b] = uint8(states[at].id)
			at = states[at].parent
		}
	}
	return set, nil
}
