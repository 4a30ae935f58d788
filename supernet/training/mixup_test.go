package training

import (
	"math"
	"testing"

	"github.com/binas-tui/binas-tui/supernet/backprop"
)

// Of an α so small that what shares are drawn of rounds to 0, a share is 0 or 1.
func TestMixingByATinyShare(t *testing.T) {
	var sum float64
	for step := range 400 {
		loss := backprop.Loss{}
		x := []float32{1, 2}
		Settings{Mixup: 1e-300, Seed: 1}.mix(x, []int{0, 1}, &loss, step, 0, 0)
		if s := loss.Share; s != 0 && s != 1 || x[0] != 2-float32(s) || x[1] != 1+float32(s) {
			t.Fatalf("step %d: a share of %v made %v", step, s, x)
		}
		sum += loss.Share
	}
	if math.Abs(sum/400-0.5) > 0.1 {
		t.Errorf("%v of 400 shares are 1", sum)
	}
}
