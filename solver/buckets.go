package solver

// buckets cut the range of limits into equal parts and hold, for every part,
// the bound of every knapsack at its upper end: a search looks at the
// knapsacks whose bound beats the incumbent and leaves the others alone.
type buckets struct {
	low, high, width int64
	count            int
	knapsacks        int
	bounds           []int64 // [bucket*knapsacks+knapsack]
}

func (b *buckets) build(knapsacks []knapsack, low, high int64) {
	n := len(knapsacks)
	b.count = min(max(1<<15/n, 16), 128)
	if n == 1 {
		b.count = 1
	}
	b.low, b.high, b.knapsacks = low, high, n
	b.width = (high-low)/int64(b.count) + 1
	b.bounds = make([]int64, b.count*n)
	for i := range knapsacks {
		k := &knapsacks[i]
		steps, brk := k.path(), 0
		for c := range b.count {
			bound := int64(none)
			if rest := low + int64(c+1)*b.width - 1 - k.latency; rest >= 0 {
				for brk < len(steps) && steps[brk].latency <= rest {
					brk++
				}
				bound, _, _ = k.boundAt(brk, rest)
			}
			b.bounds[c*n+i] = bound
		}
	}
}

// at returns the bounds that hold at a limit from low to high.
func (b *buckets) at(limit int64) []int64 {
	c := int((limit - b.low) / b.width)
	return b.bounds[c*b.knapsacks : (c+1)*b.knapsacks]
}
