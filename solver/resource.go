package solver

import (
	"fmt"
	"math"

	"github.com/binas-tui/binas-tui/model"
)

// ResourceKind says how the parts of a network add up to what it uses.
type ResourceKind uint8

const (
	// Latency is in milliseconds and adds up over the blocks that are on.
	Latency ResourceKind = iota
	// Count is a whole number (parameters, MACs) and adds up likewise.
	Count
	// Peak is a whole number (bytes) of which the greatest part counts: an
	// option above the limit can not be chosen.
	Peak
)

// Resource is something that a network uses and a limit can cap.
type Resource struct {
	Name  string
	Kind  ResourceKind
	Block []float64 // what an option of a block that is on uses: [block*Options+option], at least 0
	Fixed float64   // what the parts that are not searched use
}

// maxCount is the greatest sum of a Count or Peak: whole numbers up to it are
// exact as a float64.
const maxCount = 1 << 53

// validate reports a resource that does not belong to the problem.
func (r *Resource) validate(p *Problem) error {
	if len(r.Block) != len(p.Alpha) {
		return fmt.Errorf("solver: resource %s has %d values: expected %d", r.Name, len(r.Block), len(p.Alpha))
	}
	whole := r.Kind != Latency
	most := float64(maxTotalMS)
	if whole {
		most = maxCount
	}
	sum := r.Fixed
	for i, v := range append([]float64{r.Fixed}, r.Block...) {
		if !(v >= 0 && v <= most) || whole && v != math.Trunc(v) {
			return fmt.Errorf("solver: resource %s: value %d is %v: expected a finite number of at least 0%s",
				r.Name, i-1, v, map[bool]string{true: ", whole"}[whole])
		}
	}
	for b := range p.NumBlocks() {
		top := 0.0
		for _, v := range r.Block[b*p.Options : (b+1)*p.Options] {
			top = max(top, v)
		}
		sum += top
	}
	if sum > most {
		return fmt.Errorf("solver: resource %s: networks use up to %g: expected at most %g", r.Name, sum, most)
	}
	return nil
}

// Use is what a path uses.
func (r *Resource) Use(p *Problem, path model.Path) float64 {
	used := r.Fixed
	for s, d := range path.Depth {
		for b := s * p.MaxDepth; b < s*p.MaxDepth+d; b++ {
			if v := r.Block[b*p.Options+path.Option[b]]; r.Kind == Peak {
				used = max(used, v)
			} else {
				used += v
			}
		}
	}
	return used
}

// units is an amount in the whole units of the kind.
func (k ResourceKind) units(v float64) int64 {
	if k == Latency {
		return latencyUnits(v)
	}
	return int64(v)
}

// unit is how many units are one of the amount's.
func (k ResourceKind) unit() float64 {
	if k == Latency {
		return unitsPerMS
	}
	return 1
}

// amount is what units stand for: milliseconds as [Problem.LatencyMS] rounds
// them, or the number itself.
func (k ResourceKind) amount(units int64) float64 {
	if k == Latency {
		return networkMS(units)
	}
	return float64(units)
}

// capUnits is the most that a network may use in units, below zero where the
// cap is negative or not a number; unlimited says that the cap is +Inf.
func (k ResourceKind) capUnits(limit float64) (units int64, unlimited bool) {
	switch {
	case math.IsInf(limit, 1):
		return math.MaxInt64, true
	case !(limit >= 0):
		return -1, false
	case k == Latency:
		return picosecondsLimit(limitPicoseconds(limit)), false
	}
	return int64(math.Min(math.Floor(limit), maxCount)), false
}
