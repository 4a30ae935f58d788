package latency

import (
	"context"
	"maps"
	"testing"
)

// After every conclusive round the whole table is passed on, and the last time
// it is the result.
func TestPartialResultsEndAtTheResult(t *testing.T) {
	var seen []map[string]Measurement
	got, err := newFakeDevice().measure(context.Background(), 7, MeasureOptions{
		Rounds: 5, Partial: func(m map[string]Measurement) { seen = append(seen, m) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) != 5 {
		t.Fatalf("%d partial results of 5 rounds", len(seen))
	}
	for i, m := range seen {
		if len(m) != 7 || m["task 0"].Rounds != i+1 {
			t.Errorf("after round %d: %d blocks, %d rounds", i+1, len(m), m["task 0"].Rounds)
		}
	}
	if !maps.Equal(seen[4], got) {
		t.Errorf("the last partial result %v is not the result %v", seen[4], got)
	}
}
