package steps

import (
	"context"
	"slices"

	"github.com/binas-tui/binas-tui/supernet/training"
)

// ofTrainings are the parameters of trainings that the pipeline has by the same name
// for all of them.
var ofTrainings = []string{
	"batch_size", "micro_batches", "augment", "sampling", "paths",
	"patience", "mixup", "smoothing", "drop", "drop_path", "weight_decay", "clip_grad", "warmup_epochs", "validation",
}

// training is the training of a stage with what the pipeline asks for: the rest is
// the preset's. The chosen networks are trained on the whole training part.
func (s PipelineSettings) training(stage training.Stage) *Training {
	t := NewTraining(stage)
	of := &t.Settings
	of.Preset, of.Space, of.Seed, of.TrainPercent = s.Preset, s.Space, s.Seed, s.TrainPercent
	switch stage {
	case training.Heaviest:
		of.Epochs, of.LR = s.HeaviestEpochs, s.HeaviestLR
	case training.OneShot:
		of.Epochs, of.LR = s.OneShotEpochs, s.OneShotLR
	case training.FineTune:
		of.Epochs, of.LR, of.TrainPercent = s.FineTuneEpochs, s.FineTuneLR, 100
	}
	t.ClassOrder = s.ClassOrder
	own := t.Values()
	own.Copy(pipelineParams.In(&s), func(key string) bool { return slices.Contains(ofTrainings, key) })
	if stage == training.FineTune {
		of.Patience = 0
	}
	for _, v := range own {
		asked := slices.Contains(ofTrainings, v.Key) || v.Key == "epochs" || v.Key == "lr"
		if asked && !v.IsZero() || slices.Contains([]string{"space", "seed", "train_percent", "class_order"}, v.Key) {
			t.give(v.Key)
		}
	}
	return t
}

// stage is the settings of a stage that is begun, on data of a shape.
func (s PipelineSettings) stage(stage training.Stage, d training.Shape) training.Settings {
	out, _ := s.training(stage).settings(place{}, "", d) // nothing was begun: it refuses nothing
	return out
}

// training is that of a stage in the folder, on the data that is open.
func (r *run) training(stage training.Stage) *Training {
	t := r.PipelineSettings.training(stage)
	t.Run, t.Data, t.Threads, t.Library, t.Device = r.folder, r.Data, r.task.Trainers, r.task.Library, r.task.Device
	t.train, t.val, t.status, t.Note = r.train, r.val, r.at+string(stage)+": ", func(string) {} // the pipeline has said it
	return t
}

// stageOf is a stage on the data, complete.
func (r *run) stageOf(stage training.Stage) (s training.Settings, o training.Options, err error) {
	o = training.Options{Folder: r.folder, Data: &r.data, Threads: r.task.Trainers}
	if o.Target, err = r.task.trains(); err != nil {
		return s, o, err
	}
	begun, _, err := begunIn(r.folder, stage) // presets may have changed since
	if err != nil {
		return s, o, err
	}
	d, _ := shapeOf(r.train)
	if s, err = r.training(stage).settings(place{begun: begun}, r.train.Name, d); err != nil {
		return s, o, err
	}
	if o.Train, o.HeldOut, err = s.Divide(r.train, r.val); err != nil {
		return s, o, err
	}
	return s.For(o.Train, o.HeldOut), o, nil
}

// train does a stage.
func train(stage training.Stage) func(*run, context.Context) error {
	return func(r *run, ctx context.Context) error {
		_, err := r.together(ctx, order{Step: Step(stage)})
		return err
	}
}
