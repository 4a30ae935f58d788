package latency

import (
	"context"
	"math"
	"testing"
)

// drifting takes its time on a device that becomes ever slower.
type drifting struct {
	ms   float64
	runs *int // of all networks
}

func (d drifting) Run(_ context.Context, runs int) ([]float64, error) {
	out := make([]float64, runs)
	for i := range out {
		*d.runs++
		out[i] = d.ms * (1 + float64(*d.runs)/1000)
	}
	return out, nil
}

func (drifting) Close() error { return nil }

// Networks that run in turn keep their proportion while the device drifts.
func TestInTurn(t *testing.T) {
	runs := 0
	ms, err := InTurn(t.Context(), []OpenNetwork{drifting{6, &runs}, drifting{4, &runs}}, 20)
	if err != nil || math.Abs(ms[0]/ms[1]-1.5) > 0.03 || ms[0] < 6.5 {
		t.Errorf("%v after %d runs, %v", ms, runs, err)
	}
	if _, err := InTurn(t.Context(), []OpenNetwork{drifting{-1, &runs}}, 1); err == nil {
		t.Error("a run of negative time is taken")
	}
}
