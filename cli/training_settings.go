package cli

import (
	"cmp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/supernet/training"
)

// trainingSettings is the flags of the settings of a training: those given
// replace the preset's.
type trainingSettings struct {
	preset string
	given  training.Settings
	list   []settingFlag
}

// settingFlag is one of them: field is where its value goes.
type settingFlag struct {
	name, usage string
	field       func(*training.Settings) any
}

// commonSettings are those of every stage.
var commonSettings = []settingFlag{
	{"epochs", "epochs, `N`: all there are, unless --cooldown-epochs adds to them", func(s *training.Settings) any { return &s.Epochs }},
	{"cooldown-epochs", "epochs at the floor of a cosine after the others, `N` (default: the preset's, 0 with --epochs)", func(s *training.Settings) any { return &s.CooldownEpochs }},
	{"batch-size", "images of a step, `N`", func(s *training.Settings) any { return &s.BatchSize }},
	{"lr", "highest learning `RATE`", func(s *training.Settings) any { return &s.LR }},
	{"sched", "how the learning rate falls, by `KIND`: step or cosine", func(s *training.Settings) any { return &s.Sched }},
	{"min-lr", "learning `RATE` at the floor of a cosine", func(s *training.Settings) any { return &s.MinLR }},
	{"decay-epochs", "epochs from one step of the learning rate to the next, `X`", func(s *training.Settings) any { return &s.DecayEpochs }},
	{"decay-rate", "`FACTOR` of a step of the learning rate", func(s *training.Settings) any { return &s.DecayRate }},
	{"warmup-epochs", "epochs in which the learning rate rises, `N` (default: the preset's, at most half of --epochs)", func(s *training.Settings) any { return &s.WarmupEpochs }},
	{"warmup-lr", "learning `RATE` that --warmup-epochs begin with", func(s *training.Settings) any { return &s.WarmupLR }},
	{"lr-each-step", "set the learning rate at every step, not once an epoch", func(s *training.Settings) any { return &s.LREachStep }},
	{"momentum", "momentum `X` of Nesterov", func(s *training.Settings) any { return &s.Momentum }},
	{"weight-decay", "decay `X` of weights that have more than one dimension", func(s *training.Settings) any { return &s.WeightDecay }},
	{"clip-grad", "largest norm of the gradient, `X`; 0 for any", func(s *training.Settings) any { return &s.ClipGrad }},
	{"smoothing", "smoothing `X` of the labels", func(s *training.Settings) any { return &s.Smoothing }},
	{"drop", "dropout before the classifier, `P`", func(s *training.Settings) any { return &s.Drop }},
	{"drop-path", "probability `P` that the last block is left out; others less", func(s *training.Settings) any { return &s.DropPath }},
	{"model-ema", "keep a moving average of the weights, and validate that", func(s *training.Settings) any { return &s.ModelEMA }},
	{"model-ema-decay", "decay `X` of the moving average", func(s *training.Settings) any { return &s.ModelEMADecay }},
	{"model-ema-every", "steps from one update of the moving average to the next, `N`", func(s *training.Settings) any { return &s.ModelEMAEvery }},
	{"model-ema-warmup", "a smaller decay of the moving average in the first steps", func(s *training.Settings) any { return &s.ModelEMAWarmup }},
	{"augment", "changes of the images, by `KIND`: none, digits, cifar or imagenet", func(s *training.Settings) any { return &s.Augment }},
	{"seed", "`SEED` of everything random", func(s *training.Settings) any { return &s.Seed }},
	{"train-percent", "`PERCENT` of the training images to train on; the rest validates. 100 validates on the set's own", func(s *training.Settings) any { return &s.TrainPercent }},
	{"split-seed", "`SEED` that --train-percent picks images with", func(s *training.Settings) any { return &s.SplitSeed }},
	{"validation", "held-out images that are validated after an epoch, `N`; 0 for all", func(s *training.Settings) any { return &s.Validation }},
	{"log-interval", "steps from one line of metrics to the next, `N`", func(s *training.Settings) any { return &s.LogInterval }},
}

// knowledgeSettings are those of distillation.
var knowledgeSettings = []settingFlag{
	{"gamma-knowledge", "weight of what the heaviest network teaches, `X`; 0 for no teacher", func(s *training.Settings) any { return &s.GammaKnowledge }},
}

// stageSettings are those of single stages of train.
var stageSettings = []settingFlag{
	{"zero-last-bn", "heaviest: residual blocks begin as the identity", func(s *training.Settings) any { return &s.ZeroLastBN }},
	{"sampling", "oneshot: which paths a step trains, by `WAY`: batch, sandwich or image", func(s *training.Settings) any { return (*string)(&s.Sampling) }},
	{"paths", "oneshot: paths of a step, `N`", func(s *training.Settings) any { return &s.Paths }},
	{"reorder-batches", "oneshot: batches whose gradients order the channels, `N`; 0 keeps their order", func(s *training.Settings) any { return &s.ReorderBatches }},
	{"ikd-dividor", "oneshot: divisor of the features' part of distillation, `X`; 0 for logits alone", func(s *training.Settings) any { return &s.IKDDividor }},
}

func (t *trainingSettings) addFlags(cmd *cobra.Command, lists ...[]settingFlag) {
	f := cmd.Flags()
	f.StringVar(&t.preset, "preset", "", "settings to start from, by `NAME`: paper or small (default: that of the run whose weights are trained on, else small up to 64 pixels)")
	for _, list := range lists {
		t.list = append(t.list, list...)
	}
	for _, s := range t.list {
		switch p := s.field(&t.given).(type) {
		case *int:
			f.IntVar(p, s.name, 0, s.usage)
		case *uint64:
			f.Uint64Var(p, s.name, 0, s.usage)
		case *float64:
			f.Float64Var(p, s.name, 0, s.usage)
		case *string:
			f.StringVar(p, s.name, "", s.usage)
		case *bool:
			f.BoolVar(p, s.name, false, s.usage)
		}
	}
}

// smallImages is the largest side that the preset for small images is the
// default of.
const smallImages = 64

// settings are those of a stage. Where the run folder has begun it, they are what
// it was begun with; else the preset's, with what another stage (from) of the same
// weights says: nil is none, and then the size of the images chooses the preset.
// The flags that were given replace them.
func (t *trainingSettings) settings(cmd *cobra.Command, stage training.Stage, imageSize int, begun, from *training.Settings) (training.Settings, error) {
	preset := t.preset
	if preset != "" && !slices.Contains(training.Presets, preset) {
		return training.Settings{}, usagef("--preset %q: expected paper or small", preset)
	}
	var s training.Settings
	switch {
	case begun != nil:
		if s = *begun; preset != "" && preset != s.PresetName() {
			return s, usagef("--preset %s: stage %s was begun with preset %s", preset, stage, s.PresetName())
		}
	case from != nil:
		s = from.Follow(training.Preset(cmp.Or(preset, from.PresetName()), stage))
	default:
		if preset == "" && imageSize > smallImages {
			preset = "paper"
		}
		s = training.Preset(preset, stage)
	}
	given := map[string]bool{}
	for _, flag := range t.list {
		if !cmd.Flags().Changed(flag.name) {
			continue
		}
		given[strings.ReplaceAll(flag.name, "-", "_")] = true
		switch to := flag.field(&s).(type) {
		case *int:
			*to = *flag.field(&t.given).(*int)
		case *uint64:
			*to = *flag.field(&t.given).(*uint64)
		case *float64:
			*to = *flag.field(&t.given).(*float64)
		case *string:
			*to = *flag.field(&t.given).(*string)
		case *bool:
			*to = *flag.field(&t.given).(*bool)
		}
	}
	if begun == nil {
		s = s.Adapt(func(name string) bool { return given[name] })
	}
	return s, nil
}
