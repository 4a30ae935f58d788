package solver

import (
	"math"

	"github.com/binas-tui/binas-tui/model"
)

// Change is what one other decision would do to a solution.
type Change struct {
	Accuracy  float64 // points, positive is better
	LatencyMS float64 // positive is slower
	// ReducedCost is Accuracy less what the change uses at the shadow prices:
	// what it would do to accuracy at the same limits, once the rest of the
	// network has given up, or taken up, what it uses. Negative is a loss.
	ReducedCost float64
	// Uses is what the change uses more of each resource that is charged, in its
	// unit: those of a [MultiLimit], else the latency.
	Uses []float64
}

// OptionChange is another option for an active block.
type OptionChange struct {
	Block  int // stage-major
	Option int
	Pinned bool // the pins do not allow it
	Change
}

// DepthChange is another depth for a stage. Blocks that stay on keep their
// options; blocks that go on take the best allowed option at the shadow prices.
type DepthChange struct {
	Stage  int
	Depth  int
	Pinned bool // the pins do not allow it
	Change
}

// Sensitivity explains a solution: why each decision is what it is.
type Sensitivity struct {
	// ShadowPrice is what one more millisecond is worth, points per ms.
	ShadowPrice float64
	Options     []OptionChange // all options not chosen of active blocks, by block and option
	Depths      []DepthChange  // all depths not chosen, by stage and depth
}

// Sensitivity explains a feasible solution of this Problem.
func (e *Exact) Sensitivity(sol *Solution) Sensitivity {
	if sol.Status == Infeasible {
		return Sensitivity{ShadowPrice: sol.ShadowPrice}
	}
	out := e.t.sensitivity(sol.Path, []charge{{Latency, e.t.latency, e.t.fixed, sol.ShadowPrice}}, nil)
	out.ShadowPrice = sol.ShadowPrice
	return out
}

// Sensitivity explains a network found under limits at their prices, those of a
// MultiLimitResult. The first resource has to be the latency of the Problem.
func (l *MultiLimit) Sensitivity(path model.Path, caps, prices []float64) Sensitivity {
	charges := make([]charge, len(l.resources))
	for i, r := range l.resources {
		charges[i] = charge{r.Kind, l.cost[i], l.fixed[i], prices[i]}
		if math.IsNaN(prices[i]) {
			charges[i].price = 0 // of a peak, which has none
		}
	}
	out := l.t.sensitivity(path, charges, l.forbidden(caps))
	out.ShadowPrice = prices[0]
	return out
}

// charge is a resource at its shadow price.
type charge struct {
	kind  ResourceKind
	cost  []int64 // a row
	fixed int64
	price float64 // points for one more unit of the resource
}

// of is what a path uses, in units.
func (c *charge) of(t *tables, path model.Path) int64 {
	used := c.fixed
	for s, d := range path.Depth {
		for b := s * t.p.MaxDepth; b < s*t.p.MaxDepth+d; b++ {
			if v := c.cost[b*t.stride+path.Option[b]]; c.kind == Peak {
				used = max(used, v)
			} else {
				used += v
			}
		}
	}
	return used
}

// sensitivity lists what every decision not taken would change, charged for what
// it uses. Options that are forbidden, a bit for each of a block, are not taken
// by blocks that go on.
func (t *tables) sensitivity(path model.Path, charges []charge, forbidden []uint64) (out Sensitivity) {
	p, n := t.p, len(charges)
	before := make([]int64, n)
	for i := range charges {
		before[i] = charges[i].of(t, path)
	}
	uses := make([]float64, n*(t.blocks*t.options+len(p.Beta)))
	other := path.Clone()
	// change is about other, which has option a where path has at; with at == a
	// about another depth.
	change := func(value, latency int64, at, a int) Change {
		c := Change{Accuracy: t.points(value), LatencyMS: float64(latency) / unitsPerMS, Uses: uses[:n:n]}
		uses = uses[n:]
		c.ReducedCost = c.Accuracy
		for i := range charges {
			x := &charges[i]
			units := x.cost[a] - x.cost[at]
			if at == a || x.kind == Peak {
				units = x.of(t, other) - before[i]
			}
			c.Uses[i] = float64(units) / x.kind.unit()
			c.ReducedCost -= x.price * c.Uses[i]
		}
		return c
	}
	for s, d := range path.Depth {
		for b := s * p.MaxDepth; b < s*p.MaxDepth+d; b++ {
			at := b*t.stride + path.Option[b]
			value := t.value(at, path.Depth)
			for o := range t.options {
				if a := b*t.stride + o; a != at {
					other.Option[b] = o
					out.Options = append(out.Options, OptionChange{b, o, !p.Pins.Allows(b, o),
						change(t.value(a, path.Depth)-value, t.latency[a]-t.latency[at], at, a)})
				}
			}
			other.Option[b] = path.Option[b]
		}
	}
	value, latency := t.total(path)
	for s, chosen := range path.Depth {
		for d := p.MinDepth; d <= p.MaxDepth; d++ {
			if d == chosen {
				continue
			}
			copy(other.Option, path.Option)
			other.Depth[s] = d
			t.fillInactive(&other)
			for b := s*p.MaxDepth + chosen; b < s*p.MaxDepth+d; b++ {
				other.Option[b] = t.bestAt(charges, forbidden, b, other.Depth)
			}
			v, l := t.total(other)
			out.Depths = append(out.Depths, DepthChange{s, d, !p.Pins.AllowsDepth(s, d), change(v-value, l-latency, 0, 0)})
		}
		other.Depth[s] = chosen
	}
	return out
}

// bestAt is the allowed option of a block with the greatest value less what it
// uses at the prices.
func (t *tables) bestAt(charges []charge, forbidden []uint64, block int, depth []int) int {
	best, option := math.Inf(-1), 0
	for _, o := range t.order[block] {
		if forbidden != nil && forbidden[block]>>o&1 == 1 {
			continue
		}
		a := block*t.stride + int(o)
		v := float64(t.value(a, depth))
		for i := range charges {
			c := &charges[i]
			v -= c.price * float64(t.options) * (unitsPerPoint / c.kind.unit()) * float64(c.cost[a])
		}
		if v > best {
			best, option = v, int(o)
		}
	}
	return option
}

// total is the value and the latency of a path in units, without the fixed
// latency.
func (t *tables) total(path model.Path) (value, latency int64) {
	p := t.p
	value = t.bias
	for s, d := range path.Depth {
		value += t.beta[s*p.NumDepths()+d-p.MinDepth]
		for k := range p.MaxDepth {
			b := s*p.MaxDepth + k
			o := path.Option[b]
			entry := b*t.stride + o
			switch {
			case k < d:
				latency += t.latency[entry]
			case o == model.Off || p.Inactive == model.InactiveMean:
				entry = b*t.stride + t.options
			}
			value += t.value(entry, path.Depth)
		}
	}
	return value, latency
}
