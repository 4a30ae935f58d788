package latency

import (
	"math"
	"testing"
)

func TestTheOverheadOfARunIsTakenOffBlocksAlone(t *testing.T) {
	got := withoutOverhead(map[string]Measurement{
		overheadKey: {MedianMS: 0.01, MinMS: 0.008},
		FixedKey:    {MedianMS: 1, MinMS: 0.9, Spread: 0.1},
		"block":     {MedianMS: 0.11, MinMS: 0.1, Spread: 0.1},
		"tiny":      {MedianMS: 0.009, MinMS: 0.007},
	})
	if _, ok := got[overheadKey]; ok || len(got) != 3 {
		t.Errorf("results: %v", got)
	}
	if got[FixedKey] != (Measurement{MedianMS: 1, MinMS: 0.9, Spread: 0.1}) {
		t.Errorf("the fixed part: %+v", got[FixedKey])
	}
	b := got["block"]
	if math.Abs(b.MedianMS-0.1) > 1e-12 || math.Abs(b.MinMS-0.09) > 1e-12 || math.Abs(b.Spread*b.MedianMS-0.011) > 1e-12 {
		t.Errorf("a block: %+v", b)
	}
	if got["tiny"].MedianMS != 0 || got["tiny"].MinMS != 0 {
		t.Errorf("a block faster than nothing: %+v", got["tiny"])
	}
}
