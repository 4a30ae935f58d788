package solver

import (
	"math"
	"slices"
)

// pairNode is a part of a quadratic problem: depths, and for every block that
// still has a choice the labels that are left. Its dual bounds it from above:
// pair values are moved into the values of single labels by messages (MPLP,
// Globerson & Jaakkola 2007), the latency limit by a price.
//
//	bound = base + price·limit + Σ_v max_a (belief_v(a) - price·latency_v(a))
//
// holds for any messages that leave every pair at most 0, which an update of
// the pair makes true.
type pairNode struct {
	depths  []int
	vars    []int     // blocks with a choice
	domain  [][]uint8 // per var: options left
	base    float64
	message []float64 // [(to*n+from)*options+option]; shared with other nodes until own
	own     bool
	price   float64
	bound   float64
	last    float64 // bound at the last check for progress
}

func (n *pairNode) Before(m *pairNode) bool { return n.bound > m.bound }

// bounder holds what bounding nodes of one limit needs.
type bounder struct {
	q     *Quadratic
	limit int64
	// work of one node
	node   *pairNode
	unary  []float64 // [var*options+option]
	belief []float64
	cost   []int64
}

// newNode is the node of a vector of depths, with no messages but those that
// centre the pairs.
func (b *bounder) newNode(depths []int, price float64) *pairNode {
	q, t, p := b.q, b.q.t, b.q.t.p
	n := &pairNode{depths: slices.Clone(depths), price: price, bound: math.Inf(1), last: math.Inf(1), own: true}
	for blk := range t.blocks {
		if blk%p.MaxDepth < depths[blk/p.MaxDepth] || p.Inactive == 1 {
			n.vars = append(n.vars, blk)
			n.domain = append(n.domain, t.order[blk])
		}
	}
	b.load(n)
	k, o := len(n.vars), t.options
	n.message = make([]float64, k*k*o)
	for i := range n.vars {
		for j := range n.vars {
			if i != j {
				for _, a := range n.domain[i] {
					row, sum := q.row(q.first[n.vars[i]]+int(a)), 0.0
					for _, c := range n.domain[j] {
						sum += row[q.first[n.vars[j]]+int(c)]
					}
					n.message[(i*k+j)*o+int(a)] = sum / float64(len(n.domain[j]))
				}
			}
		}
	}
	for i := range n.vars { // halve the constant part of the mean, which both sides have
		for j := range i {
			mean := 0.0
			for _, a := range n.domain[i] {
				mean += n.message[(i*k+j)*o+int(a)]
			}
			mean /= 2 * float64(len(n.domain[i]))
			for _, a := range n.domain[i] {
				n.message[(i*k+j)*o+int(a)] -= mean
			}
			for _, c := range n.domain[j] {
				n.message[(j*k+i)*o+int(c)] -= mean
			}
		}
	}
	return n
}

// load fills in the values and latencies of single labels of a node.
func (b *bounder) load(n *pairNode) {
	q, t, p := b.q, b.q.t, b.q.t.p
	o := t.options
	b.node = n
	var fixed []int // labels that are decided
	for s, d := range n.depths {
		fixed = append(fixed, q.first[t.blocks+s]+d-p.MinDepth)
		if p.Inactive == 0 {
			for k := d; k < p.MaxDepth; k++ {
				fixed = append(fixed, q.off(s*p.MaxDepth+k))
			}
		}
	}
	n.base = q.bias
	for i, x := range fixed {
		n.base += q.unary[x]
		for _, y := range fixed[:i] {
			n.base += q.row(x)[y]
		}
	}
	b.unary = append(b.unary[:0], make([]float64, len(n.vars)*o)...)
	b.cost = append(b.cost[:0], make([]int64, len(n.vars)*o)...)
	for i, blk := range n.vars {
		on := blk%p.MaxDepth < n.depths[blk/p.MaxDepth]
		for _, a := range n.domain[i] {
			x := q.first[blk] + int(a)
			v, row := q.unary[x], q.row(x)
			for _, y := range fixed {
				v += row[y]
			}
			b.unary[i*o+int(a)] = v
			if on {
				b.cost[i*o+int(a)] = t.latency[blk*t.stride+int(a)]
			}
		}
	}
}

// believe sums unary values and messages.
func (b *bounder) believe() {
	n, o := b.node, b.q.t.options
	k := len(n.vars)
	b.belief = append(b.belief[:0], b.unary...)
	for i := range n.vars {
		bel := b.belief[i*o : (i+1)*o]
		for j := range n.vars {
			if i != j {
				for a, m := range n.message[(i*k+j)*o : (i*k+j+1)*o] {
					bel[a] += m
				}
			}
		}
	}
}

// sweep updates the messages of every pair once.
func (b *bounder) sweep() {
	n, q, o := b.node, b.q, b.q.t.options
	k := len(n.vars)
	var left, right, rowMax, colMax [64]float64
	for i := range n.vars {
		di, firstI := n.domain[i], q.first[n.vars[i]]
		for j := range i {
			dj, firstJ := n.domain[j], q.first[n.vars[j]]
			toI, toJ := n.message[(i*k+j)*o:(i*k+j+1)*o], n.message[(j*k+i)*o:(j*k+i+1)*o]
			belI, belJ := b.belief[i*o:(i+1)*o], b.belief[j*o:(j+1)*o]
			for _, a := range di {
				left[a] = belI[a] - toI[a] - n.price*float64(b.cost[i*o+int(a)])
			}
			for _, c := range dj {
				right[c] = belJ[c] - toJ[c] - n.price*float64(b.cost[j*o+int(c)])
				colMax[c] = math.Inf(-1)
			}
			for _, a := range di {
				row := q.row(firstI + int(a))[firstJ : firstJ+o]
				top, la := math.Inf(-1), left[a]
				for _, c := range dj {
					v := row[c] + right[c]
					if v > top {
						top = v
					}
					if v += la; v > colMax[c] {
						colMax[c] = v
					}
				}
				rowMax[a] = top + la
			}
			for _, a := range di {
				m := rowMax[a]/2 - left[a]
				belI[a] += m - toI[a]
				toI[a] = m
			}
			for _, c := range dj {
				m := colMax[c]/2 - right[c]
				belJ[c] += m - toJ[c]
				toJ[c] = m
			}
		}
	}
}

// dual is the bound of the beliefs at a price, and the latency of the best
// labels.
func (b *bounder) dual(price float64) (bound float64, latency int64) {
	n, o := b.node, b.q.t.options
	bound = n.base + price*float64(b.limit)
	for i, dom := range n.domain {
		best, at := math.Inf(-1), i*o
		for _, a := range dom {
			if v := b.belief[i*o+int(a)] - price*float64(b.cost[i*o+int(a)]); v > best {
				best, at = v, i*o+int(a)
			}
		}
		bound += best
		latency += b.cost[at]
	}
	return bound, latency
}

// reprice moves the price of the node to where the dual is least.
func (b *bounder) reprice() {
	n := b.node
	if _, latency := b.dual(0); latency <= b.limit {
		n.price = 0
		return
	}
	low, high := 0.0, max(2*n.price, 1e-16)
	for range 60 {
		if _, latency := b.dual(high); latency <= b.limit {
			break
		}
		low, high = high, 2*high
	}
	for range 40 {
		mid := (low + high) / 2
		if _, latency := b.dual(mid); latency <= b.limit {
			high = mid
		} else {
			low = mid
		}
		if high-low < 1e-6*high {
			break
		}
	}
	n.price = low
	at, _ := b.dual(low)
	if other, _ := b.dual(high); other < at {
		n.price = high
	}
}

// edges is the sum over pairs of the greatest value that the messages leave:
// needed only before a first sweep, after which none is above 0.
func (b *bounder) edges() float64 {
	n, q, o := b.node, b.q, b.q.t.options
	k, sum := len(n.vars), 0.0
	for i := range n.vars {
		for j := range i {
			toI, toJ := n.message[(i*k+j)*o:], n.message[(j*k+i)*o:]
			top := math.Inf(-1)
			for _, a := range n.domain[i] {
				row := q.row(q.first[n.vars[i]] + int(a))[q.first[n.vars[j]]:]
				for _, c := range n.domain[j] {
					top = max(top, row[c]-toI[a]-toJ[c])
				}
			}
			sum += top
		}
	}
	return sum
}

// tighten sweeps a node up to rounds times, drops labels that cannot beat
// floor, and reports whether sweeping still helps.
func (b *bounder) tighten(n *pairNode, rounds int, floor float64) bool {
	b.load(n)
	if !n.own {
		n.message, n.own = slices.Clone(n.message), true
	}
	b.believe()
	for range rounds {
		b.sweep()
		b.reprice()
		bound, _ := b.dual(n.price)
		n.bound = min(n.bound, bound)
		if bound <= floor || !b.prune(bound, floor) {
			n.bound = min(n.bound, floor)
			return false
		}
	}
	gained := n.last - n.bound
	n.last = n.bound
	return gained > 0.02*(n.bound-floor)*float64(rounds)/10
}

// prune drops labels that cannot be part of anything above floor or do not fit
// the limit. It reports false where a block has none left.
func (b *bounder) prune(bound, floor float64) bool {
	n, o := b.node, b.q.t.options
	least := int64(0)
	for i, dom := range n.domain {
		m := int64(math.MaxInt64)
		for _, a := range dom {
			m = min(m, b.cost[i*o+int(a)])
		}
		least += m
	}
	if least > b.limit {
		return false
	}
	for i, dom := range n.domain {
		top, m := math.Inf(-1), int64(math.MaxInt64)
		for _, a := range dom {
			top = max(top, b.belief[i*o+int(a)]-n.price*float64(b.cost[i*o+int(a)]))
			m = min(m, b.cost[i*o+int(a)])
		}
		useless := func(a uint8) bool {
			c := b.cost[i*o+int(a)]
			return bound-(top-b.belief[i*o+int(a)]+n.price*float64(c)) <= floor || least-m+c > b.limit
		}
		if !slices.ContainsFunc(dom, useless) {
			continue
		}
		kept := slices.DeleteFunc(slices.Clone(dom), useless)
		if len(kept) == 0 {
			return false
		}
		n.domain[i] = kept
	}
	return true
}

// children splits a node on the block whose labels the dual tells apart least.
// They share its messages. nil where every block has one label.
func (b *bounder) children(n *pairNode) []*pairNode {
	o := b.q.t.options
	b.load(n)
	b.believe()
	split, least := -1, math.Inf(1)
	for i, dom := range n.domain {
		if len(dom) < 2 {
			continue
		}
		var diffs []float64
		for _, a := range dom {
			diffs = append(diffs, -(b.belief[i*o+int(a)] - n.price*float64(b.cost[i*o+int(a)])))
		}
		slices.Sort(diffs)
		if d := diffs[1] - diffs[0]; d < least {
			split, least = i, d
		}
	}
	if split < 0 {
		return nil
	}
	top := math.Inf(-1)
	value := func(a uint8) float64 {
		return b.belief[split*o+int(a)] - n.price*float64(b.cost[split*o+int(a)])
	}
	for _, a := range n.domain[split] {
		top = max(top, value(a))
	}
	n.own = false
	var out []*pairNode
	for _, a := range n.domain[split] {
		c := *n
		c.domain = slices.Clone(n.domain)
		c.domain[split] = []uint8{a}
		c.bound = n.bound - max(0, top-value(a)-1e-9)
		c.last = math.Inf(1)
		out = append(out, &c)
	}
	return out
}
