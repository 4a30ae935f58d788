package solver

import (
	"fmt"
	"math"
	"slices"

	"github.com/binas-tui/binas-tui/model"
)

// tables is a Problem in whole units, laid out for preparation. A row holds a
// number for every option of every block, each block's options followed by
// their mean: block b starts at b*stride and its mean is at b*stride+options.
type tables struct {
	p       *Problem
	blocks  int
	options int
	stride  int
	linear  []int64  // row of Alpha
	q       []column // per beta
	beta    []int64
	bias    int64
	latency []int64 // a row; the places of means are not used
	fixed   int64
	order   [][]uint8 // per block the allowed options by rising latency
	local   bool      // Q couples blocks with the depth of their own stage alone
}

// column is what a depth adds to row[from:]; empty is nothing.
type column struct {
	from int
	add  []int64
}

func newTables(p *Problem) (*tables, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	t := &tables{p: p, blocks: p.NumBlocks(), options: p.Options, stride: p.Options + 1}
	if err := t.checkRange(); err != nil {
		return nil, err
	}
	t.linear = t.row(p.Alpha, 1, 0)
	t.beta = make([]int64, len(p.Beta))
	for i, v := range p.Beta {
		t.beta[i] = accuracyUnits(v, t.options)
	}
	t.bias = accuracyUnits(p.Bias, t.options)
	t.latency = make([]int64, t.blocks*t.stride)
	for a, v := range p.BlockLatencyMS {
		t.latency[a/t.options*t.stride+a%t.options] = latencyUnits(v)
	}
	t.fixed = latencyUnits(p.FixedLatencyMS)
	t.sortOptions()
	t.transpose()
	return t, nil
}

// row converts values[first], values[first+step], ... of whole blocks to units
// and adds the means.
func (t *tables) row(values []float64, step, first int) []int64 {
	blocks := (len(values) + step - 1) / step / t.options
	row := make([]int64, 0, blocks*t.stride)
	for range blocks {
		sum := int64(0)
		for range t.options {
			units := accuracyUnits(values[first], t.options)
			row = append(row, units)
			sum += units
			first += step
		}
		row = append(row, sum/int64(t.options))
	}
	return row
}

// points is the accuracy that units stand for.
func (t *tables) points(units int64) float64 {
	return float64(units) / (unitsPerPoint * float64(t.options))
}

// transpose turns Q into columns: whole ones, or where Q is local the part of
// the depth's own stage.
func (t *tables) transpose() {
	p := t.p
	betas, perStage := len(p.Beta), p.MaxDepth*p.Options
	t.q, t.local = make([]column, betas), true
	if p.Q == nil {
		return
	}
	used := make([]bool, betas)
	for a := range p.Alpha {
		own := a / perStage * p.NumDepths()
		for j, v := range p.Q[a*betas : (a+1)*betas] {
			if v != 0 {
				used[j] = true
				t.local = t.local && j >= own && j < own+p.NumDepths()
			}
		}
	}
	for j := range betas {
		if !used[j] {
			continue
		}
		if !t.local {
			t.q[j] = column{0, t.row(p.Q, betas, j)}
			continue
		}
		s := j / p.NumDepths()
		t.q[j] = column{s * p.MaxDepth * t.stride, t.row(p.Q[s*perStage*betas:(s+1)*perStage*betas], betas, j)}
	}
}

func (t *tables) sortOptions() {
	t.order = make([][]uint8, t.blocks)
	all := make([]uint8, t.blocks*t.options)
	for b := range t.blocks {
		order := all[b*t.options : b*t.options : (b+1)*t.options]
		for o := range t.options {
			if t.p.Pins.Allows(b, o) {
				order = append(order, uint8(o))
			}
		}
		latency := t.latency[b*t.stride:]
		slices.SortStableFunc(order, func(x, y uint8) int { return int(min(max(latency[x]-latency[y], -1), 1)) })
		t.order[b] = order
	}
}

// checkRange keeps every sum far inside an int64 and exact as a float64.
func (t *tables) checkRange() error {
	p := t.p
	betas, depths := len(p.Beta), p.NumDepths()
	ms, points := p.FixedLatencyMS, math.Abs(p.Bias)
	for s := range p.Stages {
		points += largest(p.Beta[s*depths : (s+1)*depths])
	}
	for b := range t.blocks {
		block, most := 0.0, 0.0
		for a := b * p.Options; a < (b+1)*p.Options; a++ {
			v := math.Abs(p.Alpha[a])
			if p.Q != nil {
				for s := range p.Stages {
					v += largest(p.Q[a*betas+s*depths : a*betas+(s+1)*depths])
				}
			}
			block, most = max(block, v), max(most, p.BlockLatencyMS[a])
		}
		points, ms = points+block, ms+most
	}
	if ms > maxTotalMS || points > maxTotalPoints {
		return fmt.Errorf("solver: networks of up to %g ms and accuracies of up to %g points: expected at most %g ms and %g points",
			ms, points, float64(maxTotalMS), float64(maxTotalPoints))
	}
	return nil
}

func largest(values []float64) float64 {
	most := 0.0
	for _, v := range values {
		most = max(most, math.Abs(v))
	}
	return most
}

// addRow is what a depth makes of a row: dst = row + Q[:, beta].
func (t *tables) addRow(dst, row []int64, beta int) {
	copy(dst, row)
	t.addColumn(dst, beta)
}

func (t *tables) addColumn(row []int64, beta int) {
	q := &t.q[beta]
	if len(q.add) == 0 {
		return
	}
	row = row[q.from : q.from+len(q.add)]
	for i, v := range q.add {
		row[i] += v
	}
}

// at is what a depth adds to an entry of a row.
func (q *column) at(entry int) int64 {
	if i := entry - q.from; i >= 0 && i < len(q.add) {
		return q.add[i]
	}
	return 0
}

// inactive is what a switched-off block adds, given the row of the depths
// chosen, and the option it takes.
func (t *tables) inactive(row []int64, block int) (int64, int) {
	if t.p.Inactive == model.InactiveMean {
		return row[block*t.stride+t.options], model.Off
	}
	best, option := int64(math.MinInt64), model.Off
	for _, o := range t.order[block] {
		if v := row[block*t.stride+int(o)]; v > best {
			best, option = v, int(o)
		}
	}
	return best, option
}
