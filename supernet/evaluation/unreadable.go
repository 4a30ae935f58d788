package evaluation

import (
	"path/filepath"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// Unreadable are the images that could not be read so far. They are not counted
// in any score.
func (im *Images) Unreadable() dataset.Unreadable {
	if im == nil || im.set == nil {
		return dataset.Unreadable{}
	}
	return im.set.Unreadable()
}

// badBetween are those of the images from one position to another.
func (im *Images) badBetween(from, to int) ([]dataset.BadImage, error) {
	if im.x != nil {
		return nil, nil // all are readable
	}
	var positions []int
	for i := from; i < to; i++ {
		positions = append(positions, i%im.Len())
	}
	part, err := im.set.Subset(positions)
	if err != nil {
		return nil, err
	}
	return part.BadImages(), nil
}

// addBad adds what another process could not read.
func (im *Images) addBad(bad []dataset.BadImage) error {
	if len(bad) == 0 {
		return nil
	}
	return im.set.AddBad(bad)
}

// NoteUnreadable says to a job, which may be nil, which images could not be read
// so far, and adds them to the file of the run, if there is one.
func (im *Images) NoteUnreadable(j *job.Job) error {
	u := im.Unreadable()
	if u.Count == 0 {
		return nil
	}
	file := ""
	if im.Run != "" {
		file = filepath.Join(im.Run, dataset.UnreadableFile)
		if err := dataset.NoteUnreadable(file, im.set.BadImages()); err != nil {
			return err
		}
	}
	if j != nil {
		for _, line := range u.Lines("are not counted", file) {
			j.Log(line)
		}
	}
	return nil
}

// noteUnreadable does so for all images of the evaluator, after work that ended
// with err.
func (e *Evaluator) noteUnreadable(j *job.Job, err error) error {
	if err != nil {
		return err
	}
	if err := e.Images.NoteUnreadable(j); err != nil || e.Calibration == nil {
		return err
	}
	return e.Calibration.NoteUnreadable(j)
}
