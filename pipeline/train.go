package pipeline

import (
	"context"

	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// fill puts the settings of the pipeline into those of a stage. The chosen
// networks are trained on the whole training part.
func (s Settings) fill(t training.Settings) training.Settings {
	epochs := map[training.Stage]int{training.Heaviest: s.HeaviestEpochs, training.OneShot: s.OneShotEpochs, training.FineTune: s.FineTuneEpochs}[t.Stage]
	if epochs > 0 {
		t.Epochs = epochs
	}
	if s.BatchSize > 0 {
		t.BatchSize = s.BatchSize
	}
	if s.Sampling != "" && t.Stage == training.OneShot {
		t.Sampling = training.Sampling(s.Sampling)
	}
	if s.Paths > 0 && t.Stage == training.OneShot {
		t.Paths = s.Paths
	}
	t.Space, t.Seed, t.TrainPercent = s.Space, s.Seed, s.TrainPercent
	if t.Stage == training.FineTune {
		t.TrainPercent = 100
	}
	return t
}

// Filled returns the settings with what they leave to the preset.
func (s Settings) Filled() Settings {
	oneshot := s.fill(training.Preset(s.Preset, training.OneShot))
	s.HeaviestEpochs = s.fill(training.Preset(s.Preset, training.Heaviest)).Epochs
	s.OneShotEpochs, s.Sampling, s.Paths = oneshot.Epochs, string(oneshot.Sampling), oneshot.Paths
	s.FineTuneEpochs = s.fill(training.Preset(s.Preset, training.FineTune)).Epochs
	return s
}

// training completes the settings of a stage in a run folder for the data.
func (r *run) training(folder string, stage training.Stage) (training.Settings, training.Options, error) {
	s, err := training.Begun(folder, stage, training.Preset(r.Preset, stage)) // presets may have changed since
	if err != nil {
		return s, training.Options{}, err
	}
	s = r.fill(s)
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
	s, o, err := r.training(r.folder, training.Heaviest)
	if err != nil {
		return err
	}
	_, err = training.Train(ctx, s, o)
	return err
}

func (r *run) trainOneShot(ctx context.Context) error {
	s, o, err := r.training(r.folder, training.OneShot)
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
