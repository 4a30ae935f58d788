package solver

import (
	"math"
	"math/bits"
	"slices"
)

// item is one choice of a group: latency and value in units, and what the
// owner of the group calls it.
type item struct {
	latency, value int64
	id             int32
}

// hullStep raises one group from one corner of its upper hull to the next.
// latency and value are totals over this step and the ones before it.
type hullStep struct {
	latency, value int64
	efficiency     float64 // value per latency
	group, item    int32   // the group, and the item it moves to
}

// knapsack is a multiple-choice knapsack prepared for any limit: take one
// item of every group, greatest value within the limit. Its LP relaxation
// takes the least item of every group and then the steps in order
// (Sinha & Zoltners 1979).
type knapsack struct {
	items  *knapsackStore
	group  int32 // groups are items.starts[group : group+groups+1]
	groups int32
	step   int32 // steps are items.steps[step : step+steps]
	steps  int32
	// totals of the least-latency items, value with all constants
	latency, value int64
}

// knapsackStore holds the items of many knapsacks. Items of a group rise
// strictly in latency and in value.
type knapsackStore struct {
	items  []item
	starts []int32 // first item of every group; the next entry is where it ends
	steps  []hullStep
	hull   []int32
	runs   []int      // of sort
	merged []hullStep // of sort
}

func (s *knapsackStore) reset() {
	s.items, s.starts, s.steps = s.items[:0], s.starts[:0], s.steps[:0]
}

// reserve makes room for times as much as there is.
func (s *knapsackStore) reserve(times float64) {
	s.items = slices.Grow(s.items, int(float64(len(s.items))*times))
	s.starts = slices.Grow(s.starts, int(float64(len(s.starts))*times))
	s.steps = slices.Grow(s.steps, int(float64(len(s.steps))*times))
}

// begin opens a knapsack whose switched-off part is worth value.
func (s *knapsackStore) begin(value int64) knapsack {
	return knapsack{items: s, group: int32(len(s.starts)), step: int32(len(s.steps)), value: value}
}

// add offers an item to the open group, in order of rising latency, and drops
// dominated ones.
func (s *knapsackStore) add(first int, it item) {
	if n := len(s.items); n > first {
		last := &s.items[n-1]
		if it.value <= last.value {
			return
		}
		if it.latency == last.latency {
			*last = it
			return
		}
	}
	s.items = append(s.items, it)
}

// closeGroup makes s.items[first:] a group of k: its upper hull becomes steps.
func (s *knapsackStore) closeGroup(k *knapsack, first int) {
	group := s.items[first:]
	hull := append(s.hull[:0], 0)
	for i := 1; i < len(group); i++ {
		for len(hull) > 1 && !above(group[hull[len(hull)-2]], group[hull[len(hull)-1]], group[i]) {
			hull = hull[:len(hull)-1]
		}
		hull = append(hull, int32(i))
	}
	for i := 1; i < len(hull); i++ {
		a, b := group[hull[i-1]], group[hull[i]]
		dl, dv := b.latency-a.latency, b.value-a.value
		s.steps = append(s.steps, hullStep{dl, dv, float64(dv) / float64(dl), k.groups, int32(first) + hull[i]})
	}
	s.hull = hull
	s.starts = append(s.starts, int32(first))
	k.latency += group[0].latency
	k.value += group[0].value
	k.groups++
}

// end closes the knapsack: steps by falling efficiency, with running totals.
func (s *knapsackStore) end(k *knapsack) {
	s.starts = append(s.starts, int32(len(s.items)))
	steps := s.steps[k.step:]
	s.sort(steps)
	var latency, value int64
	for i := range steps {
		latency += steps[i].latency
		value += steps[i].value
		steps[i].latency, steps[i].value = latency, value
	}
	k.steps = int32(len(steps))
}

// sort merges the steps of the groups, each of which falls in efficiency already.
func (s *knapsackStore) sort(steps []hullStep) {
	runs := append(s.runs[:0], 0)
	for i := 1; i < len(steps); i++ {
		if steps[i].group != steps[i-1].group {
			runs = append(runs, i)
		}
	}
	s.merged = slices.Grow(s.merged[:0], len(steps))
	from, to := steps, s.merged[:len(steps)]
	for len(runs) > 1 {
		kept := runs[:0]
		for r := 0; r < len(runs); r += 2 {
			i, middle, end := runs[r], len(steps), len(steps)
			if r+1 < len(runs) {
				middle = runs[r+1]
			}
			if r+2 < len(runs) {
				end = runs[r+2]
			}
			kept = append(kept, i)
			for j, out := middle, i; out < end; out++ {
				if j == end || i < middle && before(&from[i], &from[j]) {
					to[out] = from[i]
					i++
				} else {
					to[out] = from[j]
					j++
				}
			}
		}
		runs, from, to = kept, to, from
	}
	copy(steps, from)
	s.runs = runs
}

// before is the order of steps: by falling efficiency, then by item.
func before(a, b *hullStep) bool {
	return a.efficiency > b.efficiency || a.efficiency == b.efficiency && a.item < b.item
}

// above reports whether b lies above the line from a to c.
func above(a, b, c item) bool {
	leftHi, leftLo := bits.Mul64(uint64(b.value-a.value), uint64(c.latency-b.latency))
	rightHi, rightLo := bits.Mul64(uint64(c.value-b.value), uint64(b.latency-a.latency))
	return leftHi > rightHi || leftHi == rightHi && leftLo > rightLo
}

func (k *knapsack) hullSteps() []hullStep { return k.items.steps[k.step : k.step+k.steps] }

func (k *knapsack) groupItems(g int32) (first, end int32) {
	starts := k.items.starts[k.group+g:]
	return starts[0], starts[1]
}

// most is the latency and value of the best items of all groups.
func (k *knapsack) most() (latency, value int64) {
	if k.steps == 0 {
		return k.latency, k.value
	}
	last := &k.items.steps[k.step+k.steps-1]
	return k.latency + last.latency, k.value + last.value
}

// none is the bound of a knapsack that fits no limit so low.
const none = math.MinInt64

// bound returns the value of the LP relaxation, rounded up, at a limit: none
// where nothing fits. breakStep steps are taken whole; exact says that nothing is
// left over, so that they are the optimum.
func (k *knapsack) bound(limit int64) (bound int64, breakStep int, exact bool) {
	rest := limit - k.latency
	if rest < 0 {
		return none, 0, false
	}
	steps := k.hullSteps()
	low, high := 0, len(steps)
	for low < high {
		mid := int(uint(low+high) >> 1)
		if steps[mid].latency <= rest {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return k.boundAt(low, rest)
}

func (k *knapsack) boundAt(breakStep int, rest int64) (int64, int, bool) {
	steps := k.hullSteps()
	bound := k.value
	if breakStep > 0 {
		bound += steps[breakStep-1].value
		rest -= steps[breakStep-1].latency
	}
	if breakStep == len(steps) || rest == 0 {
		return bound, breakStep, true
	}
	part := steps[breakStep].efficiency * float64(rest)
	return bound + int64(part+part*1e-15) + 1, breakStep, false
}

// price is the LP multiplier of the limit after breakStep steps, in units.
func (k *knapsack) price(breakStep int) float64 {
	if breakStep == int(k.steps) {
		return 0
	}
	return k.items.steps[int(k.step)+breakStep].efficiency
}

// take writes the item of every group after breakStep steps and returns the totals.
func (k *knapsack) take(chosen []int32, breakStep int) (latency, value int64) {
	copy(chosen, k.items.starts[k.group:k.group+k.groups])
	steps := k.hullSteps()[:breakStep]
	for i := range steps {
		chosen[steps[i].group] = steps[i].item
	}
	if breakStep == 0 {
		return k.latency, k.value
	}
	return k.latency + steps[breakStep-1].latency, k.value + steps[breakStep-1].value
}
