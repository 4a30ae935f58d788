package evaluation

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// Validation is the figures of one network.
type Validation struct {
	Score
	ImagesPerSecond float64
	Data            string             // name of the images
	Unreadable      dataset.Unreadable // those that are not counted
}

// Validate evaluates a network on all images, on the given number of threads (0:
// as many as there are processors). Reading images from disk counts where they
// are too many for memory. A job may be nil, and so may predicted: it is told every
// answer, in the order of the images, and its error ends the validation.
//
// Of several ranks, those of the network, all of which call it, each answers a share
// of the images; rank 0 has the figures, which are those of one process, and is the one
// whose predicted is told.
func Validate(ctx context.Context, n *Network, im *Images, threads int, j *job.Job, predicted func(Prediction) error) (Validation, error) {
	if threads <= 0 {
		threads = runtime.NumCPU()
	}
	start := time.Now()
	each := func(done int) {
		if j == nil {
			return
		}
		took := time.Since(start)
		left := took / time.Duration(max(done, 1)) * time.Duration(im.Len()-done)
		j.Progress(done, im.Len(), left, fmt.Sprintf("%.0f images/s", rate(done, took)))
	}
	var (
		score Score
		err   error
	)
	if several(n.Ranks) {
		score, err = n.scoreOverRanks(ctx, im, threads, j, each, predicted)
	} else {
		score, err = n.score(ctx, im, 0, im.Len(), threads, each, predicted)
	}
	if err != nil {
		return Validation{}, fmt.Errorf("validate: %w", err)
	}
	return Validation{score, rate(score.Images, time.Since(start)), im.Name, im.Unreadable()}, im.NoteUnreadable(j)
}

// answered is what a rank has found out about a batch of images.
type answered struct {
	Tally       tally
	Predictions []Prediction
	Bad         []dataset.BadImage
}

// scoreOverRanks is score on all images; rank r answers the batches i with i modulo the
// ranks = r, and reads no other images where these are read from disk.
func (n *Network) scoreOverRanks(ctx context.Context, im *Images, threads int, j *job.Job, each func(done int), predicted func(Prediction) error) (Score, error) {
	err := n.check(im)
	if err == nil {
		err = checkMemory(threads, n.batch, n.size, n.bytes)
	}
	runs := make(chan *run, threads)
	for range threads {
		var r *run
		if err == nil {
			r, err = n.newRun()
		}
		if err == nil {
			defer r.close()
			runs <- r
		}
	}
	header := model.EvaluationInfo{Format: "network", ImageSize: n.size, Classes: n.classes, Weights: n.sum, Data: im.Name, Fingerprint: im.Fingerprint, Part: im.Part, Images: im.Len(), Device: string(n.device)}
	if _, err = begin(ctx, n.Ranks, j, header, computedWith(n.device), nil, err); err != nil {
		return Score{}, err
	}
	var sum tally
	err = overRanks(ctx, n.Ranks, j, (im.Len()+n.batch-1)/n.batch, threads, func(ctx context.Context, i int) (answered, error) {
		r := <-runs
		defer func() { runs <- r }()
		return r.answer(ctx, im, i*n.batch, min((i+1)*n.batch, im.Len()), predicted != nil)
	}, func(_ int, a answered) error {
		sum.merge(a.Tally)
		for _, p := range a.Predictions {
			if err := predicted(p); err != nil {
				return err
			}
		}
		each(sum.Images)
		return im.addBad(a.Bad)
	})
	if err == nil && n.Ranks.Rank() == 0 && sum.Images == 0 {
		err = fmt.Errorf("%w: %s: none of %d could be read", ErrImages, im.Name, im.Len())
	}
	return sum.score(), err
}

// answer evaluates the images from one position to another, a batch at most.
func (r *run) answer(ctx context.Context, im *Images, from, to int, predict bool) (a answered, err error) {
	for c, err := range im.chunks(ctx, from, to-from, r.n.batch) {
		if err != nil {
			return a, err
		}
		c.first += from
		t, err := r.tally(ctx, c)
		if err != nil {
			return a, err
		}
		a.Tally.merge(t)
		if predict {
			a.Predictions = append(a.Predictions, r.predictions(c, im)...)
		}
	}
	a.Bad, err = im.badBetween(from, to)
	return a, err
}
