package evaluation

import (
	"context"
	"errors"
	"time"

	"github.com/binas-tui/binas-tui/internal/parallel"
)

// speedSeconds is how long [Evaluator.Speed] looks at networks, for each number of
// images.
const speedSeconds = 1.5

// Speed evaluates random networks for some seconds and says what one takes in
// seconds while all processors are at work: beside its images, and each of these.
func (e *Evaluator) Speed(ctx context.Context) (network, image float64, err error) {
	const seed = 1
	n, next := 2*e.threads(), 0
	look := func(images int) (seconds float64, err error) { // of a network
		errs, start := make([]error, n), time.Now()
		done := 0
		for ; done == 0 || time.Since(start).Seconds() < speedSeconds; done += n {
			err := parallel.For(ctx, n, func(i int) {
				if _, err := e.Child(ctx, RandomPath(e.Space, seed, next+i), 0, images); err != nil {
					errs[i] = err
				}
			})
			if err == nil {
				err = errors.Join(errs...)
			}
			if err != nil {
				return 0, err
			}
			next += n
		}
		return time.Since(start).Seconds() / float64(done), nil
	}
	few, all := max(e.Images.Len()/8, 1), e.Images.Len()
	short, err := look(few) // what is read for the first time
	if err == nil {
		short, err = look(few)
	}
	if err != nil {
		return 0, 0, err
	}
	long, err := look(all)
	image = max(0, long-short) / float64(max(all-few, 1))
	return max(0, long-image*float64(all)), image, err
}
