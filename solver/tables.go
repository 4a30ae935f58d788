package solver

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

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
	linear  []int64   // row of Alpha
	q       [][]int64 // per beta what it adds to a row; nil is nothing
	beta    []int64
	bias    int64
	latency []int64 // a row; the places of means are not used
	fixed   int64
	order   [][]uint8 // per block the allowed options by rising latency
	local   bool      // Q couples blocks with the depth of their own stage alone
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

// transpose turns Q into rows, one for every beta.
func (t *tables) transpose() {
	p, betas := t.p, len(t.p.Beta)
	t.q, t.local = make([][]int64, betas), true
	for i, v := range p.Q {
		if v == 0 {
			continue
		}
		a, j := i/betas, i%betas
		t.local = t.local && a/(p.MaxDepth*p.Options) == j/p.NumDepths()
		if t.q[j] == nil {
			t.q[j] = t.row(p.Q, betas, j)
		}
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
		points += floats.Norm(p.Beta[s*depths:(s+1)*depths], infinity)
	}
	for b := range t.blocks {
		block, most := 0.0, 0.0
		for a := b * p.Options; a < (b+1)*p.Options; a++ {
			v := math.Abs(p.Alpha[a])
			if p.Q != nil {
				for s := range p.Stages {
					v += floats.Norm(p.Q[a*betas+s*depths:a*betas+(s+1)*depths], infinity)
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

// addColumn adds Q[:, beta] to a row.
func (t *tables) addColumn(row []int64, beta int) {
	for i, v := range t.q[beta] {
		row[i] += v
	}
}

// inactive is what a switched-off block adds, given the row of the depths chosen.
func (t *tables) inactive(row []int64, block int) int64 {
	if t.p.Inactive == model.InactiveMean {
		return row[block*t.stride+t.options]
	}
	best := int64(math.MinInt64)
	for _, o := range t.order[block] {
		best = max(best, row[block*t.stride+int(o)])
	}
	return best
}
