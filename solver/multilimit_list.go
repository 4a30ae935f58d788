package solver

import (
	"cmp"
	"math"
	"slices"
)

// listing enumerates the selections of a node that lose little against its
// multipliers.
type listing struct {
	groups   []listGroup
	items    []listItem
	cost     []int64 // [item*m+limit]
	least    []int64 // [group*m+limit]: least use of this group and all after it
	used     []int64 // [group*m+limit]: use of the groups before
	option   []uint8 // per group of the node
	vector   int
	limit    float64 // greatest sum of losses
	bound    float64
	nodes    int
	complete bool // every item of every group is listed
}

type listGroup struct {
	first, end int // items
	group      int // of the node
}

type listItem struct {
	loss   float64
	value  int64
	first  int64 // of the first resource, for ties
	option uint8
}

// branch searches a node to the end and returns the bound of what it left out,
// -Inf for nothing: it lists the selections within the gap, the closest first,
// and where they are too many branches on the block that the LP divides most.
func (s *multiLimitSearch) branch(vector int, groups []multiLimitGroup) float64 {
	bound := s.relaxNode(vector, groups)
	if bound < s.floor() {
		return math.Inf(-1)
	}
	price := slices.Clone(s.relax.price)
	split := s.relax.divided(groups)
	for loss := s.firstLoss(bound); ; loss *= 4 {
		gap := bound - s.floor()
		if s.enumerate(vector, groups, price, bound, min(loss, gap)) {
			if bound-s.floor() <= loss || math.IsInf(loss, 1) || s.list.whole(loss) {
				return math.Inf(-1)
			}
			continue
		}
		if s.ctx.Err() != nil || s.nodes > maxTopNodes {
			return bound
		}
		break
	}
	if split < 0 {
		split = widest(groups)
	}
	above := math.Inf(-1)
	for _, item := range s.kept(vector, groups, price, bound, split) {
		child := slices.Clone(groups)
		child[split].items = []uint8{item}
		above = max(above, s.branch(vector, child))
		if s.ctx.Err() != nil {
			return max(above, bound)
		}
	}
	return above
}

// firstLoss is the loss that a listing begins with: a part of the gap.
func (s *multiLimitSearch) firstLoss(bound float64) float64 {
	if len(s.best) < s.k {
		return 1e-3
	}
	return max((bound-s.floor())/16, 1e-4)
}

// whole says that no item of the last listing was left out for its loss.
func (x *listing) whole(loss float64) bool {
	total := 0.0
	for _, g := range x.groups {
		total += x.items[g.end-1].loss
	}
	return total <= loss && x.complete
}

// divided is the group whose options the mixture divides most evenly, -1 where
// it is whole.
func (x *relaxation) divided(groups []multiLimitGroup) int {
	best, split := 1-1e-9, -1
	for g := range groups {
		if len(groups[g].items) < 2 {
			continue
		}
		var weight [64]float64
		for i := range x.columns {
			if x.columns[i].slack == -1 {
				weight[x.columns[i].pick[g]] += x.weight[i]
			}
		}
		if top := slices.Max(weight[:]); top > 0 && top < best {
			best, split = top, g
		}
	}
	return split
}

func widest(groups []multiLimitGroup) int {
	split := 0
	for g := range groups {
		if len(groups[g].items) > len(groups[split].items) {
			split = g
		}
	}
	return split
}

// losses appends the items of a group that lose at most limit, least first.
func (s *multiLimitSearch) losses(dst []listItem, vector int, group multiLimitGroup, price []float64, limit float64) []listItem {
	n, stride := len(s.t.linear), s.t.stride
	row, whole := s.row(vector), s.rows[vector*n:(vector+1)*n]
	start, top := len(dst), math.Inf(-1)
	for _, o := range group.items {
		e := group.block*stride + int(o)
		v := row[e]
		for r, y := range price {
			v -= y * s.share[r][e]
		}
		top = max(top, v)
		it := listItem{loss: v, value: whole[e], option: o}
		if len(s.cost) > 0 {
			it.first = s.cost[0][e]
		}
		dst = append(dst, it)
	}
	kept := dst[:start]
	for _, it := range dst[start:] {
		if it.loss = top - it.loss; it.loss <= limit {
			kept = append(kept, it)
		}
	}
	slices.SortStableFunc(kept[start:], func(a, b listItem) int { return cmp.Compare(a.loss, b.loss) })
	return kept
}

// kept lists the options of a group that can be part of something better.
func (s *multiLimitSearch) kept(vector int, groups []multiLimitGroup, price []float64, bound float64, group int) []uint8 {
	var out []uint8
	for _, it := range s.losses(nil, vector, groups[group], price, bound-s.floor()) {
		out = append(out, it.option)
	}
	return out
}

// enumerate offers every selection of the node that loses at most limit. It
// reports false where that takes too many steps.
func (s *multiLimitSearch) enumerate(vector int, groups []multiLimitGroup, price []float64, bound, limit float64) bool {
	x, m := &s.list, len(s.active)
	x.groups, x.items, x.cost = x.groups[:0], x.items[:0], x.cost[:0]
	x.option = append(x.option[:0], make([]uint8, len(groups))...)
	x.vector, x.limit, x.bound, x.nodes, x.complete = vector, limit, bound, 0, true
	for g, group := range groups {
		first := len(x.items)
		x.items = s.losses(x.items, vector, group, price, limit)
		x.groups = append(x.groups, listGroup{first, len(x.items), g})
		x.complete = x.complete && len(x.items)-first == len(group.items)
		for _, it := range x.items[first:] {
			for _, i := range s.active {
				x.cost = append(x.cost, s.cost[i][group.block*s.t.stride+int(it.option)])
			}
		}
	}
	slices.SortStableFunc(x.groups, func(a, b listGroup) int { return cmp.Compare(a.end-a.first, b.end-b.first) })
	x.least = append(x.least[:0], make([]int64, (len(groups)+1)*m)...)
	x.used = append(x.used[:0], make([]int64, (len(groups)+1)*m)...)
	for j := len(x.groups) - 1; j >= 0; j-- {
		for r := range m {
			least := int64(math.MaxInt64)
			for i := x.groups[j].first; i < x.groups[j].end; i++ {
				least = min(least, x.cost[i*m+r])
			}
			x.least[j*m+r] = x.least[(j+1)*m+r] + least
			if j == 0 && x.least[r] > s.room[r] {
				return true // nothing fits
			}
		}
	}
	done := s.walk(0, 0, s.base[vector], 0)
	s.nodes += x.nodes
	return done
}

// walk chooses an item for group j and those after it.
func (s *multiLimitSearch) walk(j int, loss float64, value, first int64) bool {
	x, m := &s.list, len(s.active)
	if j == len(x.groups) {
		if s.offer(x.vector, value, first, x.option) {
			x.limit = min(x.limit, x.bound-s.floor())
		}
		return true
	}
	if x.nodes++; x.nodes > listNodes || x.nodes&1023 == 0 && s.ctx.Err() != nil {
		return false
	}
	g := &x.groups[j]
	for i := g.first; i < g.end; i++ {
		it := &x.items[i]
		if loss+it.loss > x.limit {
			break
		}
		fits := true
		for r := range m {
			u := x.used[j*m+r] + x.cost[i*m+r]
			x.used[(j+1)*m+r] = u
			fits = fits && u+x.least[(j+1)*m+r] <= s.room[r]
		}
		if !fits {
			continue
		}
		x.option[g.group] = it.option
		if !s.walk(j+1, loss+it.loss, value+it.value, first+it.first) {
			return false
		}
	}
	return true
}

// offer adds a selection that keeps the limits to the best if it belongs there
// and is not there yet.
func (s *multiLimitSearch) offer(vector int, value, first int64, option []uint8) bool {
	at := len(s.best)
	for at > 0 && s.better(value, first, vector, option, &s.best[at-1]) {
		at--
	}
	if at == s.k {
		return false
	}
	if at > 0 {
		if b := &s.best[at-1]; b.value == value && b.first == first && int(b.vector) == vector && slices.Equal(b.option, option) {
			return false
		}
	}
	s.best = slices.Insert(s.best, at, selection{value, first, int32(vector), slices.Clone(option)})
	if len(s.best) > s.k {
		s.best = s.best[:s.k]
	}
	return true
}

// better orders selections: accurate, then frugal, then by depths and options.
func (s *multiLimitSearch) better(value, first int64, vector int, option []uint8, b *selection) bool {
	switch {
	case value != b.value:
		return value > b.value
	case first != b.first:
		return first < b.first
	case vector != int(b.vector):
		return vector < int(b.vector)
	}
	return slices.Compare(option, b.option) < 0
}
