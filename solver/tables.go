package solver

import (
	"fmt"
	"math"
	"slices"

	"github.com/binas-tui/binas-tui/model"
)

// tables is a Problem in whole units, laid out for preparation. A row holds
// what one term adds to every option of every block, followed by the mean
// over the options of every block: [block*options+option], then [block].
type tables struct {
	p       *Problem
	blocks  int
	options int
	alphas  int
	linear  []int64   // row of Alpha
	q       [][]int64 // a row for every beta; nil where Q has only zeros there
	beta    []int64
	bias    int64
	latency []int64 // [block*options+option]
	fixed   int64
	order   [][]uint8 // per block the allowed options by rising latency
	local   bool      // Q couples blocks with the depth of their own stage alone
}

func newTables(p *Problem) (*tables, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	t := &tables{p: p, blocks: p.NumBlocks(), options: p.Options, alphas: len(p.Alpha)}
	if err := t.checkRange(); err != nil {
		return nil, err
	}
	t.linear = t.row(p.Alpha)
	t.beta = make([]int64, len(p.Beta))
	for i, v := range p.Beta {
		t.beta[i] = accuracyUnits(v)
	}
	t.bias = accuracyUnits(p.Bias)
	t.latency = make([]int64, t.alphas)
	for a, v := range p.BlockLatencyMS {
		t.latency[a] = latencyUnits(v)
	}
	t.fixed = latencyUnits(p.FixedLatencyMS)
	t.sortOptions()
	t.transpose()
	return t, nil
}

// row converts values to units and appends the means.
func (t *tables) row(values []float64) []int64 {
	row := make([]int64, t.alphas+t.blocks)
	for b := range t.blocks {
		sum := 0.0
		for a := b * t.options; a < (b+1)*t.options; a++ {
			row[a] = accuracyUnits(values[a])
			sum += values[a]
		}
		row[t.alphas+b] = accuracyUnits(sum / float64(t.options))
	}
	return row
}

func (t *tables) transpose() {
	p := t.p
	t.q, t.local = make([][]int64, len(p.Beta)), true
	if p.Q == nil {
		return
	}
	betas, perStage, depths := len(p.Beta), p.MaxDepth*p.Options, p.NumDepths()
	column := make([]float64, t.alphas)
	for j := range betas {
		used, first := false, j/depths*perStage
		for a := range column {
			column[a] = p.Q[a*betas+j]
			if column[a] != 0 {
				used = true
				t.local = t.local && a >= first && a < first+perStage
			}
		}
		if used {
			t.q[j] = t.row(column)
		}
	}
}

func (t *tables) sortOptions() {
	t.order = make([][]uint8, t.blocks)
	all := make([]uint8, t.alphas)
	for b := range t.blocks {
		order := all[b*t.options : b*t.options : (b+1)*t.options]
		for o := range t.options {
			if t.p.Pins.Allows(b, o) {
				order = append(order, uint8(o))
			}
		}
		latency := t.latency[b*t.options:]
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

// addRow adds what a depth adds to every option: dst = row + Q[:, beta].
func (t *tables) addRow(dst, row []int64, beta int) {
	q := t.q[beta]
	if q == nil {
		copy(dst, row)
		return
	}
	row, q = row[:len(dst)], q[:len(dst)]
	for i := range dst {
		dst[i] = row[i] + q[i]
	}
}

// inactive is what a switched-off block adds, given the row of the depths
// chosen, and the option it takes.
func (t *tables) inactive(row []int64, block int) (int64, int) {
	if t.p.Inactive == model.InactiveMean {
		return row[t.alphas+block], model.Off
	}
	best, option := int64(math.MinInt64), model.Off
	for _, o := range t.order[block] {
		if v := row[block*t.options+int(o)]; v > best {
			best, option = v, int(o)
		}
	}
	return best, option
}
