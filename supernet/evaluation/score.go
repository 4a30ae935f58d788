package evaluation

import (
	"errors"
	"fmt"

	"github.com/binas-tui/binas-tui/internal/logits"
)

// Score is how well a network answered.
type Score struct {
	Top1   float64    // percent of the images whose class has the greatest logit
	Top5   float64    // percent whose class is among the five greatest
	Loss   float64    // mean cross-entropy, natural logarithm
	Images int        // that it was evaluated on
	Halves [2]float64 // Top1 on the images at even and at odd positions
}

// ErrNotFinite is wrapped by errors about a network that answered with a logit
// that is not a finite number: its weights, or its statistics, are broken.
var ErrNotFinite = errors.New("logits are not finite")

// tally sums up answers. Its zero value is empty; ranks send it to rank 0.
type tally struct {
	Images, Top1, Top5 int
	Loss               float64
	Half               [2]struct{ Images, Top1 int }
}

// add counts the logits of one image, at a position, of a class.
func (t *tally) add(z []float32, label, position int) error {
	for c, v := range z {
		if v-v != 0 { // infinite, or no number
			return fmt.Errorf("%w: class %d of image %d is %v", ErrNotFinite, c, position, v)
		}
	}
	rank := logits.Rank(z, label)
	t.Images++
	t.Loss += logits.CrossEntropy(z, label)
	half := &t.Half[position%2]
	half.Images++
	if rank == 0 {
		t.Top1++
		half.Top1++
	}
	if rank < 5 {
		t.Top5++
	}
	return nil
}

// merge adds what another tally counted.
func (t *tally) merge(o tally) {
	t.Images += o.Images
	t.Top1 += o.Top1
	t.Top5 += o.Top5
	t.Loss += o.Loss
	for i, h := range o.Half {
		t.Half[i].Images += h.Images
		t.Half[i].Top1 += h.Top1
	}
}

func (t *tally) score() Score {
	percent := func(n, of int) float64 { return 100 * float64(n) / float64(max(of, 1)) }
	return Score{
		Top1: percent(t.Top1, t.Images), Top5: percent(t.Top5, t.Images), Loss: t.Loss / float64(max(t.Images, 1)), Images: t.Images,
		Halves: [2]float64{percent(t.Half[0].Top1, t.Half[0].Images), percent(t.Half[1].Top1, t.Half[1].Images)},
	}
}
