package solver

import "github.com/binas-tui/binas-tui/model"

// Change is what one other decision would do to a solution.
type Change struct {
	Accuracy  float64 // points, positive is better
	LatencyMS float64 // positive is slower
	// ReducedCost is Accuracy less LatencyMS at the shadow price: what the
	// change would do to accuracy at the same limit, once the rest of the
	// network has given up, or taken up, the latency. Negative is a loss.
	ReducedCost float64
}

// OptionChange is another option for an active block.
type OptionChange struct {
	Block  int // stage-major
	Option int
	Pinned bool // the pins do not allow it
	Change
}

// DepthChange is another depth for a stage. Blocks that stay on keep their
// options; blocks that go on take the best allowed option at the shadow price.
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
	t, p := e.t, e.t.p
	out := Sensitivity{ShadowPrice: sol.ShadowPrice}
	if sol.Status == Infeasible {
		return out
	}
	change := func(value, latency int64) Change {
		points, ms := t.points(value), float64(latency)/unitsPerMS
		return Change{points, ms, points - sol.ShadowPrice*ms}
	}
	for s, d := range sol.Path.Depth {
		for b := s * p.MaxDepth; b < s*p.MaxDepth+d; b++ {
			at := b*t.stride + sol.Path.Option[b]
			value := t.value(at, sol.Path.Depth)
			for o := range t.options {
				if a := b*t.stride + o; a != at {
					out.Options = append(out.Options, OptionChange{b, o, !p.Pins.Allows(b, o),
						change(t.value(a, sol.Path.Depth)-value, t.latency[a]-t.latency[at])})
				}
			}
		}
	}
	value, latency := t.total(sol.Path)
	other := sol.Path.Clone()
	for s, chosen := range sol.Path.Depth {
		for d := p.MinDepth; d <= p.MaxDepth; d++ {
			if d == chosen {
				continue
			}
			copy(other.Option, sol.Path.Option)
			other.Depth[s] = d
			t.fillInactive(&other)
			for b := s*p.MaxDepth + chosen; b < s*p.MaxDepth+d; b++ {
				other.Option[b] = t.bestAt(sol.ShadowPrice, b, other.Depth)
			}
			v, l := t.total(other)
			out.Depths = append(out.Depths, DepthChange{s, d, !p.Pins.AllowsDepth(s, d), change(v-value, l-latency)})
		}
		other.Depth[s] = chosen
	}
	return out
}

// bestAt is the allowed option of a block with the greatest value less its
// latency at a price.
func (t *tables) bestAt(price float64, block int, depth []int) int {
	best, option := -infinity, 0
	price *= float64(t.options)
	for _, o := range t.order[block] {
		a := block*t.stride + int(o)
		if v := float64(t.value(a, depth)) - price*float64(t.latency[a]); v > best {
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
