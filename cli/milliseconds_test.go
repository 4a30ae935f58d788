package cli

import "testing"

func TestFormatMS(t *testing.T) {
	for _, c := range []struct {
		ms     float64
		digits int
		want   string
	}{{45, 4, "45.00"}, {14.361019135, 4, "14.36"}, {9.8, 3, "9.80"}, {0.012345, 4, "0.012"}, {12345.6, 4, "12346"}, {0, 3, "0.00"}} {
		if got := formatMS(c.ms, c.digits); got != c.want {
			t.Errorf("formatMS(%v, %d) = %q, want %q", c.ms, c.digits, got, c.want)
		}
	}
}
