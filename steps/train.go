package steps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// stages are the trainings among the steps.
var stages = map[Step]training.Stage{Heaviest: training.Heaviest, OneShot: training.OneShot, FineTune: training.FineTune}

// TunedFolder is where FineTune trains a network of a run: each has a folder of
// its own.
func (r Request) TunedFolder() string {
	return filepath.Join(r.Run, "finetune", fingerprint(r.Architecture))
}

// trainingFolder is the run folder of the request's training.
func (r Request) trainingFolder() string {
	if r.Step == FineTune {
		return r.TunedFolder()
	}
	return r.Run
}

func (r Request) train(ctx context.Context, j *job.Job) (any, error) {
	stage := stages[r.Step]
	o := training.Options{Folder: r.trainingFolder(), Threads: r.Threads}
	if stage == training.FineTune && len(r.Architecture) == 0 {
		return nil, fmt.Errorf("%s %w: no network is given", r.Step, ErrRequest)
	}
	s, begun, err := r.settings(stage, o.Folder)
	if err != nil {
		return nil, err
	}
	if !begun && r.Training != nil {
		preset, err := r.preset(stage)
		if err != nil {
			return nil, err
		}
		s = s.Adapt(s.Changed(preset))
	}
	folder, err := r.dataFolder()
	if err != nil {
		return nil, err
	}
	j.Progress(0, 0, 0, "reading the data")
	train, val, err := dataset.Open(ctx, folder, dataset.Options{Size: s.ImageSize, ClassOrder: r.classOrder()})
	if err != nil {
		return nil, err
	}
	if s, err = training.Prepare(ctx, s, &o, train, val); err != nil {
		return nil, err
	}
	if err := r.accept(j)(*o.Data); err != nil {
		return nil, err
	}
	if err := r.teach(&s, &o); err != nil {
		return nil, err
	}
	if err := s.Check(); err != nil {
		return nil, err
	}
	noteData(j, train, val)
	out, err := training.Work(s, o)(ctx, j)
	if err != nil || stage != training.FineTune {
		return out, err
	}
	return r.tuned(s, o.Data, out.(training.Progress))
}

// noteData says what should be known about data beside what it holds.
func noteData(j *job.Job, sets ...*dataset.Set) {
	said := map[string]bool{}
	for _, s := range sets {
		for _, line := range s.Notes() {
			if !said[line] {
				j.Log(line)
			}
			said[line] = true
		}
	}
}

// teach gives a training the weights that it begins with and is taught by.
func (r Request) teach(s *training.Settings, o *training.Options) error {
	if s.Stage == training.Heaviest {
		return nil
	}
	_, file, err := r.begun(training.Heaviest)
	if err != nil {
		return err
	}
	if o.Heaviest, err = readWeights(file, Heaviest); err != nil || s.Stage == training.OneShot {
		return err
	}
	if _, file, err = r.begun(training.OneShot); err != nil {
		return err
	}
	o.Supernet, err = readWeights(file, OneShot)
	s.Arch = r.Architecture.String()
	return err
}

// readWeights reads what a step of the run has left.
func readWeights(file string, step Step) (onnx.StateDict, error) {
	data, err := safefile.Read(file, supernet.MaxCheckpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s has no weights yet: let it finish an epoch", ErrRequest, step)
	}
	if err != nil {
		return nil, err
	}
	c, err := supernet.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return c.Weights, nil
}
