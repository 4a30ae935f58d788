package solver

import "math"

// incumbent is the best selection found so far.
type incumbent struct {
	found          bool
	latency, value int64
	knapsack       int
	price          float64
	chosen         []int32 // item of every group
}

// beats says that a selection is more accurate, or as accurate and faster.
func (in *incumbent) beats(latency, value int64) bool {
	return !in.found || value > in.value || value == in.value && latency < in.latency
}

// knapsackSearch finds the exact optimum of one prepared knapsack at one limit. It
// holds the buffers, so that a warm search allocates nothing.
type knapsackSearch struct {
	maxStates int // bounds a dynamic programme

	best   incumbent
	chosen []int32
	groups []reducedGroup
	deltas []item
	dp     paretoDP
}

// reducedGroup is a group with more than one item left.
type reducedGroup struct {
	group      int32
	first, end int32 // deltas
	least      int64 // smallest latency delta
}

func (c *knapsackSearch) reserve(groups int) {
	if len(c.chosen) < groups {
		c.chosen = make([]int32, groups)
		c.best.chosen = make([]int32, groups)
	}
}

// keep makes c.chosen the incumbent, with group g at item i (g < 0: as it is).
func (c *knapsackSearch) keep(k *knapsack, index int, latency, value int64, g, i int32, breakStep int) {
	c.best.found, c.best.latency, c.best.value = true, latency, value
	c.best.knapsack, c.best.price = index, k.price(breakStep)
	copy(c.best.chosen[:k.groups], c.chosen)
	if g >= 0 {
		c.best.chosen[g] = i
	}
}

// round improves the incumbent with the break solution, and with the best
// single change of it: one group raised into what is left over, or one
// lowered to make room for the next step.
func (c *knapsackSearch) round(k *knapsack, index int, limit int64, breakStep int) {
	latency, value := k.take(c.chosen, breakStep)
	if c.best.beats(latency, value) {
		c.keep(k, index, latency, value, -1, 0, breakStep)
	}
	rest := limit - latency
	if breakStep == int(k.steps) || rest == 0 {
		return
	}
	items := k.items.items
	bestLatency, bestValue, bestGroup, bestItem := latency, value, int32(-1), int32(0)
	for g := range k.groups {
		_, end := k.groupItems(g)
		at := c.chosen[g]
		top := items[at].latency + rest
		i := at
		for i+1 < end && items[i+1].latency <= top {
			i++
		}
		if i > at {
			l, v := latency+items[i].latency-items[at].latency, value+items[i].value-items[at].value
			if v > bestValue || v == bestValue && l < bestLatency {
				bestLatency, bestValue, bestGroup, bestItem = l, v, g, i
			}
		}
	}
	if c.best.beats(bestLatency, bestValue) {
		c.keep(k, index, bestLatency, bestValue, bestGroup, bestItem, breakStep)
	}
	next := &k.hullSteps()[breakStep]
	from := c.chosen[next.group]
	latency += items[next.item].latency - items[from].latency
	value += items[next.item].value - items[from].value
	over := latency - limit
	bestLatency, bestValue, bestGroup = latency, none, -1
	for g := range k.groups {
		if g == next.group {
			continue
		}
		first, _ := k.groupItems(g)
		at := c.chosen[g]
		top := items[at].latency - over
		i := at
		for i >= first && items[i].latency > top {
			i--
		}
		if i >= first {
			l, v := latency+items[i].latency-items[at].latency, value+items[i].value-items[at].value
			if v > bestValue || v == bestValue && l < bestLatency {
				bestLatency, bestValue, bestGroup, bestItem = l, v, g, i
			}
		}
	}
	if bestGroup >= 0 && c.best.beats(bestLatency, bestValue) {
		c.chosen[next.group] = next.item
		c.keep(k, index, bestLatency, bestValue, bestGroup, bestItem, breakStep)
	}
}

// solve improves the incumbent to the optimum of k, given its LP bound, and
// reports whether that is proved: it is, unless the states run out.
//
// With the LP multiplier as price, an item loses its reduced cost against the
// item of the break solution: no selection is better than the bound less the
// sum of its losses. Items that alone lose more than the gap are dropped; over
// what is left runs a dynamic programme with dominance (Pisinger 1995). Where
// that has too many states it looks at smaller losses first, which raises the
// incumbent and narrows the gap.
func (c *knapsackSearch) solve(k *knapsack, index int, limit, bound int64, breakStep int) bool {
	// Rounding of losses: values are below 2^60 units and usually below 2^48.
	margin := 2 + float64(k.groups)*(0.02+math.Abs(float64(bound))*0x1p-51)
	gap := float64(bound-c.best.value) + margin
	loss := gap
	for range 32 {
		if !c.within(k, index, limit, breakStep, loss) {
			loss /= 4
			continue
		}
		now := float64(bound-c.best.value) + margin
		if now <= loss {
			return true
		}
		if now > gap/2 {
			return false
		}
		gap, loss = now, now
	}
	return false
}

// within improves the incumbent to the best selection that loses at most loss.
// It reports false where that takes too many states.
func (c *knapsackSearch) within(k *knapsack, index int, limit int64, breakStep int, loss float64) bool {
	latency, value := k.take(c.chosen, breakStep)
	rest, price := limit-latency, k.price(breakStep)
	leastRest := c.reduce(k, price, loss)
	c.dp.reset()
	for _, g := range c.groups {
		leastRest -= g.least
		if !c.dp.extend(c.deltas[g.first:g.end], rest-leastRest, price, loss, c.maxStates) {
			return false
		}
		if c.dp.empty() {
			return true
		}
	}
	last := c.dp.last()
	end := &last[len(last)-1]
	latency += end.latency
	value += end.value
	if !c.best.beats(latency, value) {
		return true
	}
	at := int32(len(c.dp.states) - 1)
	for i := len(c.groups) - 1; i >= 0; i-- {
		s := &c.dp.states[at]
		c.chosen[c.groups[i].group] = s.id
		at = s.parent
	}
	c.keep(k, index, latency, value, -1, 0, breakStep)
	return true
}

// reduce collects the groups with more than one item that loses at most loss
// against c.chosen, and returns the sum of their least latency deltas.
func (c *knapsackSearch) reduce(k *knapsack, price, loss float64) (leastRest int64) {
	c.groups, c.deltas = c.groups[:0], c.deltas[:0]
	items := k.items.items
	for g := range k.groups {
		first, end := k.groupItems(g)
		at := items[c.chosen[g]]
		start, least := int32(len(c.deltas)), int64(0)
		for i := first; i < end; i++ {
			dl, dv := items[i].latency-at.latency, items[i].value-at.value
			if price*float64(dl)-float64(dv) > loss {
				continue
			}
			c.deltas = append(c.deltas, item{dl, dv, i})
			least = min(least, dl)
		}
		if int32(len(c.deltas)) > start+1 {
			c.groups = append(c.groups, reducedGroup{g, start, int32(len(c.deltas)), least})
			leastRest += least
		} else {
			c.deltas = c.deltas[:start]
		}
	}
	return leastRest
}
