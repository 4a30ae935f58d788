package evaluation

import (
	"context"
	"time"

	"github.com/binas-tui/binas-tui/internal/parallel"
)

// Speed evaluates some random networks, on one image and on all, and says what one
// takes in seconds while all processors are at work: to be opened, and an image.
func (e *Evaluator) Speed(ctx context.Context) (network, image float64, err error) {
	const seed = 1
	n, errs := 2*e.threads(), make([]error, 2*e.threads())
	time1 := func(images int) (float64, error) {
		start := time.Now()
		err := parallel.For(ctx, n, func(i int) {
			if _, err := e.Child(ctx, RandomPath(e.Space, seed, i), 0, images); err != nil {
				errs[i] = err
			}
		})
		for _, one := range errs {
			if err == nil {
				err = one
			}
		}
		return time.Since(start).Seconds() / float64(n), err
	}
	if _, err = time1(1); err != nil { // what is read for the first time
		return 0, 0, err
	}
	one, err := time1(1)
	if err != nil {
		return 0, 0, err
	}
	all, err := time1(e.Images.Len())
	image = max(0, all-one) / float64(max(e.Images.Len()-1, 1))
	return max(0, one-image), image, err
}
