package sanitize

import (
	"fmt"
	"math"
	"testing"
)

func TestFiguresThatAreNotKnown(t *testing.T) {
	type number float64
	for _, c := range []struct{ got, want string }{
		{Sprintf("%.3f|%6.2f|%-6.1f|%+.1f%%", math.NaN(), math.Inf(1), math.Inf(-1), number(math.NaN())), "–|     –|–     |–%"},
		{Sprintf("%.3f %d %s %v %6.2f", 1.5, 3, "x", nil, number(2)), fmt.Sprintf("%.3f %d %s %v %6.2f", 1.5, 3, "x", nil, 2.0)},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
