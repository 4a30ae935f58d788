package fit

import (
	"context"
	"testing"

	"github.com/binas-tui/binas-tui/model"
)

func TestLab(t *testing.T) {
	s := testSpace(t)
	for _, k := range []string{Bilinear, Quadratic} {
		for _, in := range []model.InactiveBlocks{model.InactiveMean, model.InactiveFree} {
			r, err := Fit(context.Background(), Settings{Space: s, Kind: k, Closed: true, Inactive: in}, fitSamples(t, s))
			if err != nil {
				t.Fatal(err)
			}
			e, err := Evaluate(context.Background(), s, r, heldSamples(t, s), 1)
			if err != nil {
				t.Fatal(err)
			}
			in95 := 0
			for i := range e.Points {
				d := e.Predicted[i] - e.Measured[i]
				if d < 0 {
					d = -d
				}
				if d < 1.96*e.Points[i] {
					in95++
				}
			}
			t.Log(k, in, r.Elapsed, r.Penalties, r.Method, e.Metrics, e.Kendall95, r.HeldError(), in95, e.Points[:3], r.Uncertainty.Noise())
		}
	}
}
