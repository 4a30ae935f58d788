package solver

import (
	"cmp"
	"slices"
)

// boundTable cuts the range of limits into equal parts and holds, for every part,
// the knapsacks that can be best there, with their LP bound at its upper end,
// greatest first. What cannot be best is below a network that fits the lower end.
type boundTable struct {
	low, width int64
	starts     []int32 // per part, and the end of the last
	entries    []tableEntry
}

type tableEntry struct {
	bound    int64
	knapsack int32
}

// tableParts is how many parts there are.
const tableParts = 128

func (b *boundTable) build(knapsacks []knapsack, low, high int64) {
	b.low, b.width = low, (high-low)/tableParts+1
	n := len(knapsacks)
	bounds, best := make([]int64, tableParts*n), make([]int64, tableParts)
	for c := range best {
		best[c] = none
	}
	for i := range knapsacks {
		k := &knapsacks[i]
		steps, breakStep := k.hullSteps(), 0
		// The break solution at the upper end of a part fits the next part's lower end.
		value := int64(none)
		for c := range tableParts {
			best[c] = max(best[c], value)
			bounds[c*n+i] = none
			if rest := low + int64(c+1)*b.width - 1 - k.latency; rest >= 0 {
				for breakStep < len(steps) && steps[breakStep].latency <= rest {
					breakStep++
				}
				bounds[c*n+i], _, _ = k.boundAt(breakStep, rest)
				if value = k.value; breakStep > 0 {
					value += steps[breakStep-1].value
				}
			}
		}
	}
	for c := range tableParts {
		first := len(b.entries)
		b.starts = append(b.starts, int32(first))
		for i, bound := range bounds[c*n : (c+1)*n] {
			if bound != none && bound >= best[c] {
				b.entries = append(b.entries, tableEntry{bound, int32(i)})
			}
		}
		slices.SortFunc(b.entries[first:], func(x, y tableEntry) int {
			return cmp.Or(cmp.Compare(y.bound, x.bound), cmp.Compare(x.knapsack, y.knapsack))
		})
	}
	b.starts = append(b.starts, int32(len(b.entries)))
}

// at returns the entries that hold at a limit from low to high.
func (b *boundTable) at(limit int64) []tableEntry {
	c := (limit - b.low) / b.width
	return b.entries[b.starts[c]:b.starts[c+1]]
}
