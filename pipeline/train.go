package pipeline

import (
	"context"

	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// training completes the settings of a stage in a run folder for the data;
// trained on the whole training part where percent is 100.
func (r *run) training(folder string, stage training.Stage, epochs, percent int) (training.Settings, training.Options, error) {
	preset := training.Small(stage)
	if r.Preset == "paper" {
		preset = training.Paper(stage)
	}
	s, err := training.Begun(folder, stage, preset) // presets may have changed since
	if err != nil {
		return s, training.Options{}, err
	}
	if epochs > 0 {
		s.Epochs = epochs
	}
	if r.Sampling != "" && stage == training.OneShot {
		s.Sampling = training.Sampling(r.Sampling)
	}
	if r.Paths > 0 && stage == training.OneShot {
		s.Paths = r.Paths
	}
	s.Space, s.Seed, s.TrainPercent = r.Space, r.Seed, percent
	if r.train.Name == dataset.DigitsName {
		s.Augment = "digits"
	}
	o := training.Options{Folder: folder, Threads: r.Options.Threads, Wait: r.job.Wait, Log: r.job.Log}
	o.Progress = func(p training.Progress) {
		r.progress(string(stage), p.Step, p.Steps, p.Left, p.Status())
		r.job.Partial(p)
	}
	if o.Train, o.HeldOut, err = s.Divide(r.train, r.val); err != nil {
		return s, o, err
	}
	s = s.For(o.Train, o.HeldOut)
	return s, o, s.Check()
}

func (r *run) trainHeaviest(ctx context.Context) error {
	s, o, err := r.training(r.folder, training.Heaviest, r.HeaviestEpochs, r.TrainPercent)
	if err != nil {
		return err
	}
	_, err = training.Train(ctx, s, o)
	return err
}

func (r *run) trainOneShot(ctx context.Context) error {
	s, o, err := r.training(r.folder, training.OneShot, r.OneShotEpochs, r.TrainPercent)
	if err != nil {
		return err
	}
	if o.Heaviest, err = r.weights(training.Heaviest); err != nil {
		return err
	}
	_, err = training.Train(ctx, s, o)
	return err
}

// weightsFile is what a stage of this folder has left.
func (r *run) weightsFile(stage training.Stage) (string, error) {
	trained, err := training.ReadRun(r.folder)
	if err != nil {
		return "", err
	}
	return trained.Weights(stage), nil
}

func (r *run) weights(stage training.Stage) (onnx.StateDict, error) {
	file, err := r.weightsFile(stage)
	if err != nil {
		return nil, err
	}
	c, err := supernet.Load(file)
	return c.Weights, err
}
