package tui

import "testing"

// On a narrow screen the legend is shorter, and whole.
func TestSweepLegendFits(t *testing.T) {
	d := newDriver(t, 60, 24)
	for w, want := range map[int]string{
		78: "a k3 e3  x k5 e3  b k3 e4  y k5 e4  c k3 e6  z k5 e6  CAPITAL with se  . off",
		56: "a k3e3 x k5e3 b k3e4 y k5e4 c k3e6 z k5e6 CAPS se . off",
	} {
		if got := optionLegend(d.space(), w); got != want || len(got) > w {
			t.Errorf("%d cells: %q, expected %q", w, got, want)
		}
	}
}
