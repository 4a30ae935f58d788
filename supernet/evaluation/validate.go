package evaluation

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/binas-tui/binas-tui/internal/job"
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
	score, err := n.score(ctx, j, im, 0, im.Len(), threads, each, predicted)
	if err != nil {
		return Validation{}, fmt.Errorf("validate: %w", err)
	}
	return Validation{score, rate(score.Images, time.Since(start)), im.Name, im.Unreadable()}, im.NoteUnreadable(j)
}
