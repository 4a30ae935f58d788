package solver

import "math"

// relaxation solves the LP relaxation of one node: distributions over the
// options left of every block, within the limits. It is the simplex method on
// mixtures of whole selections (Dantzig & Wolfe 1960): a basis has one row for
// every limit and one that says that the weights sum to 1; the selection that
// enters is the best at the current multipliers, found block by block.
// Every multiplier met bounds the node, whether or not the method converges.
type relaxation struct {
	m       int // limits
	inverse []float64
	weight  []float64 // of the basic columns
	columns []lpColumn
	price   []float64 // multipliers of the best bound, at least 0
	y, dir  []float64
	pick    []uint8
	penalty []float64
}

// lpColumn is a basic column: a selection, a slack or the artificial start.
type lpColumn struct {
	value float64
	used  []float64 // share of every limit, and 1 for a selection
	slack int       // limit it is the slack of, -1 for a selection, -2 for the artificial one
	pick  []uint8   // option of every group
}

func (x *relaxation) init(m, blocks int) {
	n := m + 1
	x.m = m
	x.inverse, x.weight = make([]float64, n*n), make([]float64, n)
	x.columns, x.price = make([]lpColumn, n), make([]float64, m)
	for i := range x.columns {
		x.columns[i] = lpColumn{used: make([]float64, n), pick: make([]uint8, blocks)}
	}
	x.y, x.dir, x.pick = make([]float64, n), make([]float64, n), make([]uint8, blocks)
}

// begin is the basis of slacks and the artificial column of value -big.
func (x *relaxation) begin(big float64) {
	n := x.m + 1
	clear(x.inverse)
	for i := range n {
		x.inverse[i*n+i], x.weight[i] = 1, 1
		c := &x.columns[i]
		c.value, c.slack = 0, i
		clear(c.used)
		c.used[i] = 1
	}
	x.columns[x.m].value, x.columns[x.m].slack = -big, -2
}

const (
	maxPivots  = 120
	bigPenalty = 1e6 // times the range of values: weight of the artificial column
)

// relaxNode returns the LP bound of a node in points, leaves the multipliers in
// s.relax.price and the mixture in its columns, and offers the selections met
// that keep the limits. It is -Inf where nothing fits.
func (s *multiLimitSearch) relaxNode(vector int, groups []multiLimitGroup) float64 {
	x, row := &s.relax, s.row(vector)
	least, most := s.t.points(s.base[vector]), s.t.points(s.base[vector])
	for _, g := range groups {
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, o := range g.items {
			v := row[g.block*s.t.stride+int(o)]
			lo, hi = min(lo, v), max(hi, v)
		}
		least, most = least+lo, most+hi
	}
	span := most - least + 1
	x.begin(bigPenalty * span)
	bound := math.Inf(1)
	n := x.m + 1
	for range maxPivots {
		x.multipliers()
		enter := -1
		for r := range x.m {
			if x.y[r] < -1e-9*span && (enter < 0 || x.y[r] < x.y[enter]) {
				enter = r
			}
		}
		if enter >= 0 {
			for i := range n {
				x.dir[i] = x.inverse[i*n+enter]
			}
			if !x.pivot(enter, 0, nil) {
				break
			}
			continue
		}
		value, used, worth, b := s.lagrangian(vector, groups, row)
		if b < bound {
			bound = b
			copy(x.price, x.y)
		}
		if bound < s.floor() || worth-x.y[x.m] <= 1e-11*span {
			break
		}
		used[x.m] = 1
		for i := range n {
			x.dir[i] = 0
			for j := range n {
				x.dir[i] += x.inverse[i*n+j] * used[j]
			}
		}
		if !x.pivot(-1, value, used) {
			break
		}
	}
	if bound < least-tieMargin {
		return math.Inf(-1) // any selection within the limits would be above
	}
	return bound
}

// multipliers sets y to the multipliers of the basis.
func (x *relaxation) multipliers() {
	n := x.m + 1
	for j := range n {
		x.y[j] = 0
		for i := range n {
			x.y[j] += x.columns[i].value * x.inverse[i*n+j]
		}
	}
}

// pivot brings a column whose direction is x.dir into the basis: a slack, or
// with slack -1 the selection x.pick.
func (x *relaxation) pivot(slack int, value float64, used []float64) bool {
	n, leave := x.m+1, -1
	for i := range n {
		if x.dir[i] > 1e-11 && (leave < 0 || x.weight[i]*x.dir[leave] < x.weight[leave]*x.dir[i]) {
			leave = i
		}
	}
	if leave < 0 {
		return false
	}
	step := x.weight[leave] / x.dir[leave]
	for i := range n {
		if i == leave {
			x.weight[i] = step
			continue
		}
		x.weight[i] = max(x.weight[i]-step*x.dir[i], 0)
		f := x.dir[i] / x.dir[leave]
		for j := range n {
			x.inverse[i*n+j] -= f * x.inverse[leave*n+j]
		}
	}
	for j := range n {
		x.inverse[leave*n+j] /= x.dir[leave]
	}
	c := &x.columns[leave]
	c.value, c.slack = value, slack
	clear(c.used)
	if slack >= 0 {
		c.used[slack] = 1
	} else {
		copy(c.used, used)
		copy(c.pick, x.pick)
	}
	return true
}

// lagrangian bounds the node by the best selection at the multipliers x.y:
// its worth, the value less the prices of what it uses, plus the prices of the
// limits. Only multipliers that are not negative bound, so what rounding left
// below 0 becomes 0 before anything is priced.
func (s *multiLimitSearch) lagrangian(vector int, groups []multiLimitGroup, row []float64) (value float64, used []float64, worth, bound float64) {
	x := &s.relax
	for r := range x.m {
		x.y[r] = max(x.y[r], 0)
	}
	value, used = s.price(vector, groups, row)
	worth = value
	for r := range x.m {
		worth -= x.y[r] * used[r]
		bound += x.y[r]
	}
	return value, used, worth, worth + bound
}

// price finds the best selection at the multipliers, leaves it in x.pick and
// returns its value and its shares of the limits.
func (s *multiLimitSearch) price(vector int, groups []multiLimitGroup, row []float64) (value float64, used []float64) {
	x, stride := &s.relax, s.t.stride
	value = s.t.points(s.base[vector])
	if x.penalty == nil {
		x.penalty = make([]float64, x.m+1)
	}
	used = x.penalty
	clear(used)
	for g, group := range groups {
		best, at := math.Inf(-1), 0
		for _, o := range group.items {
			e := group.block*stride + int(o)
			v := row[e]
			for r := range x.m {
				v -= x.y[r] * s.share[r][e]
			}
			if v > best {
				best, at = v, e
				x.pick[g] = o
			}
		}
		value += row[at]
		for r := range x.m {
			used[r] += s.share[r][at]
		}
	}
	fits := true
	for r := range x.m {
		fits = fits && used[r] <= 1+1e-9
	}
	if fits && value >= s.floor() {
		s.offerPick(vector, groups)
	}
	return value, used
}

// offerPick offers the selection x.pick if it keeps the limits, in whole units.
func (s *multiLimitSearch) offerPick(vector int, groups []multiLimitGroup) {
	n := len(s.t.linear)
	value, rows := s.base[vector], s.rows[vector*n:(vector+1)*n]
	first := int64(0)
	for g, group := range groups {
		e := group.block*s.t.stride + int(s.relax.pick[g])
		value += rows[e]
		if len(s.cost) > 0 {
			first += s.cost[0][e]
		}
	}
	for a, i := range s.active {
		used := int64(0)
		for g, group := range groups {
			used += s.cost[i][group.block*s.t.stride+int(s.relax.pick[g])]
		}
		if used > s.room[a] {
			return
		}
	}
	s.offer(vector, value, first, s.relax.pick[:len(groups)])
}
