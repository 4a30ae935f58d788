package cell

import "testing"

// Ticks of a narrow range are told apart: no two have one label.
func TestTicksHaveLabelsOfTheirOwn(t *testing.T) {
	for _, r := range [][2]float64{{74, 79.6}, {2.292, 2.312}, {0.177, 0.549}, {10, 14.2}, {0.0012, 0.0049}} {
		seen := map[string]float64{}
		for _, v := range niceTicks(r[0], r[1], 6) {
			label := tickLabel(v)
			if other, twice := seen[label]; twice {
				t.Errorf("%v: %v and %v are both %q", r, other, v, label)
			}
			seen[label] = v
		}
		if len(seen) < 3 {
			t.Errorf("%v: %v", r, seen)
		}
	}
}
