package solver

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/binas-tui/binas-tui/model"
)

// A multiplier that rounding left a little below 0 must not price a selection
// that the bound then does not hold for: the bound is above every network of
// the node at any multipliers.
func TestLagrangianHoldsAtMultipliersBelowZero(t *testing.T) {
	r := rand.New(rand.NewPCG(91, 92))
	for i := range 200 {
		p := random(r, shape{stages: 1, minDepth: 2, maxDepth: 2, options: 4, q: "nil", inactive: model.InactiveMean})
		res := resources(r, p, 2)
		caps := []float64{p.FixedLatencyMS + 1e-5, res[1].Fixed + 1} // options use thousands of times what is left
		s, err := limited(t, p, res).newSearch(t.Context(), caps, 1)
		if err != nil || s == nil {
			t.Fatalf("instance %d: no search: %v", i, err)
		}
		s.vectorGroups(0)
		best := math.Inf(-1)
		everyPath(p, func(path model.Path) { best = max(best, p.Accuracy(path)) })
		s.relax.y[0] = -1e-6 * r.Float64()
		s.relax.y[1] = -1e-6 * r.Float64()
		if _, _, _, bound := s.lagrangian(0, s.groups, s.row(0)); bound < best-tieMargin {
			t.Fatalf("instance %d: bound %v, a network has %v", i, bound, best)
		}
	}
}
