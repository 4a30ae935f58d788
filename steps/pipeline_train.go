package steps

import (
	"context"

	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// fill puts the settings of the pipeline into those that a preset has for a stage.
func (s PipelineSettings) fill(t training.Settings) training.Settings {
	t = s.put(t)
	return t.Adapt(func(name string) bool { return name == "epochs" && s.epochs(t.Stage) > 0 })
}

// epochs are those asked for of a stage; 0 is the preset's.
func (s PipelineSettings) epochs(stage training.Stage) int {
	return map[training.Stage]int{training.Heaviest: s.HeaviestEpochs, training.OneShot: s.OneShotEpochs, training.FineTune: s.FineTuneEpochs}[stage]
}

// put puts what is asked for into the settings of a stage. The chosen networks are
// trained on the whole training part.
func (s PipelineSettings) put(t training.Settings) training.Settings {
	if n := s.epochs(t.Stage); n > 0 {
		t.Epochs = n
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

// Unfilled returns the settings without what is as in the preset: they leave that
// to it.
func (s PipelineSettings) Unfilled() PipelineSettings {
	bare := s
	bare.HeaviestEpochs, bare.OneShotEpochs, bare.FineTuneEpochs, bare.Sampling, bare.Paths = 0, 0, 0, "", 0
	preset := bare.Filled()
	for _, n := range [][3]*int{
		{&s.HeaviestEpochs, &preset.HeaviestEpochs, &bare.HeaviestEpochs}, {&s.OneShotEpochs, &preset.OneShotEpochs, &bare.OneShotEpochs},
		{&s.FineTuneEpochs, &preset.FineTuneEpochs, &bare.FineTuneEpochs},
	} {
		if *n[0] != *n[1] {
			*n[2] = *n[0]
		}
	}
	bare.Sampling, bare.Paths = s.Sampling, s.Paths
	return bare
}

// Filled returns the settings with what they leave to the preset.
func (s PipelineSettings) Filled() PipelineSettings {
	oneshot := s.fill(training.Preset(s.Preset, training.OneShot))
	s.HeaviestEpochs = s.fill(training.Preset(s.Preset, training.Heaviest)).Epochs
	s.OneShotEpochs, s.Sampling, s.Paths = oneshot.Epochs, string(oneshot.Sampling), oneshot.Paths
	s.FineTuneEpochs = s.fill(training.Preset(s.Preset, training.FineTune)).Epochs
	return s
}

// training completes the settings of a stage in a run folder for the data.
func (r *run) training(folder string, stage training.Stage) (training.Settings, training.Options, error) {
	s, begun, err := training.Begun(folder, stage) // presets may have changed since
	if err != nil {
		return s, training.Options{}, err
	}
	if begun {
		s = r.put(s)
	} else {
		s = r.fill(training.Preset(r.Preset, stage))
	}
	if r.train.Name == dataset.DigitsName {
		s.Augment = "digits"
	}
	o := training.Options{Folder: folder, Data: &r.data, Threads: r.PipelineOptions.Threads, Wait: r.job.Wait, Log: r.job.Log}
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
