package solver

// state is a partial selection: totals, the item taken last and the state it
// was added to.
type state struct {
	latency, value int64
	parent, id     int32
}

// paretoDP is a dynamic programme over groups. Every level holds the partial
// selections that no other beats, rising strictly in latency and value.
type paretoDP struct {
	states     []state
	level      int // first state of the last level
	out, spare []state
}

func (c *paretoDP) reset() {
	c.states = append(c.states[:0], state{parent: -1, id: -1})
	c.level = 0
}

func (c *paretoDP) last() []state { return c.states[c.level:] }

func (c *paretoDP) empty() bool { return c.level == len(c.states) }

// extend adds a group: every state of the last level with every item, less
// what exceeds maxLatency, loses more than maxLoss at the given price, or is
// dominated. It reports false when that takes more than maxStates states.
func (c *paretoDP) extend(items []item, maxLatency int64, price, maxLoss float64, maxStates int) bool {
	prev, base := c.states[c.level:], c.level
	out, spare := c.out[:0], c.spare[:0]
	for _, it := range items {
		spare = spare[:0]
		best := int64(none)
		o := 0
		for p := range prev {
			latency, value := prev[p].latency+it.latency, prev[p].value+it.value
			if latency > maxLatency {
				break
			}
			if price*float64(latency)-float64(value) > maxLoss {
				continue
			}
			for o < len(out) && (out[o].latency < latency || out[o].latency == latency && out[o].value >= value) {
				if out[o].value > best {
					best = out[o].value
					spare = append(spare, out[o])
				}
				o++
			}
			if value > best {
				best = value
				spare = append(spare, state{latency, value, int32(base + p), it.id})
			}
		}
		for ; o < len(out); o++ {
			if out[o].value > best {
				best = out[o].value
				spare = append(spare, out[o])
			}
		}
		out, spare = spare, out
		if len(out)+len(c.states) > maxStates {
			c.out, c.spare = out, spare
			return false
		}
	}
	c.out, c.spare = out, spare
	c.level = len(c.states)
	c.states = append(c.states, out...)
	return true
}
