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

// tally sums up answers. Its zero value is empty.
type tally struct {
	images, top1, top5 int
	loss               float64
	half               [2]struct{ images, top1 int }
}

// add counts the logits of one image, at a position, of a class.
func (t *tally) add(z []float32, label, position int) error {
	for c, v := range z {
		if v-v != 0 { // infinite, or no number
			return fmt.Errorf("%w: class %d of image %d is %v", ErrNotFinite, c, position, v)
		}
	}
	rank := logits.Rank(z, label)
	t.images++
	t.loss += logits.CrossEntropy(z, label)
	half := &t.half[position%2]
	half.images++
	if rank == 0 {
		t.top1++
		half.top1++
	}
	if rank < 5 {
		t.top5++
	}
	return nil
}

// merge adds what another tally counted.
func (t *tally) merge(o tally) {
	t.images += o.images
	t.top1 += o.top1
	t.top5 += o.top5
	t.loss += o.loss
	for i, h := range o.half {
		t.half[i].images += h.images
		t.half[i].top1 += h.top1
	}
}

// score is the tally in percent.
func (t *tally) score() Score {
	percent := func(n, of int) float64 { return 100 * float64(n) / float64(max(of, 1)) }
	return Score{
		Top1: percent(t.top1, t.images), Top5: percent(t.top5, t.images), Loss: t.loss / float64(max(t.images, 1)), Images: t.images,
		Halves: [2]float64{percent(t.half[0].top1, t.half[0].images), percent(t.half[1].top1, t.half[1].images)},
	}
}
