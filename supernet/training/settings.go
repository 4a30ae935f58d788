package training

import (
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// Stage is one of the trainings of the method.
type Stage string

// The stages, in the order in which they follow each other.
const (
	Heaviest Stage = "heaviest" // the network with every decision at its largest, alone
	OneShot  Stage = "oneshot"  // the supernet, distilled from the heaviest network
	FineTune Stage = "finetune" // one child, distilled from the heaviest network
)

// Sampling says which paths of the supernet a step trains.
type Sampling string

// The ways to sample paths.
const (
	// SampleBatch splits the images of a step into as many micro-batches as there
	// are paths; each takes a path of its own, drawn uniformly.
	SampleBatch Sampling = "batch"
	// SampleSandwich sends all images of a step through the heaviest network, the
	// smallest and as many random ones as are left of the number of paths.
	SampleSandwich Sampling = "sandwich"
	// SampleImage draws a path for each image, and computes the statistics of BN
	// over the whole batch, as the original does.
	SampleImage Sampling = "image"
)

// Settings are all that a training depends on. A run resumes only with the
// settings it was begun with. Names in JSON are those of the paper's flags
// where it has them.
type Settings struct {
	Stage     Stage  `json:"stage"`
	Space     string `json:"space"`
	ImageSize int    `json:"image_size"`
	Classes   int    `json:"classes"`
	Arch      string `json:"arch,omitempty"`   // of FineTune
	Preset    string `json:"preset,omitempty"` // that the settings were begun from; empty in older runs

	Data         string `json:"data"`           // name of the set
	Images       int    `json:"images"`         // that are trained on
	HeldOut      int    `json:"held_out"`       // that accuracy is validated on
	TrainPercent int    `json:"train_percent"`  // 100: validated on the set's own validation part
	SplitSeed    uint64 `json:"split_seed"`     // of that split
	Augment      string `json:"augment"`        // preset of package dataset
	Pack         bool   `json:"pack,omitempty"` // random crops are of what a dataset.Pack keeps, not of the files; false in older runs
	Seed         uint64 `json:"seed"`

	Sched          string  `json:"sched"`
	LR             float64 `json:"lr"`
	MinLR          float64 `json:"min_lr"`
	WarmupLR       float64 `json:"warmup_lr"`
	WarmupEpochs   int     `json:"warmup_epochs"`
	DecayEpochs    float64 `json:"decay_epochs"`
	DecayRate      float64 `json:"decay_rate"`
	Epochs         int     `json:"epochs"`
	CooldownEpochs int     `json:"cooldown_epochs"` // more epochs at the floor of the cosine
	LREachStep     bool    `json:"lr_each_step"`    // else the rate is set once an epoch, as in the original

	BatchSize int `json:"batch_size"` // images of a step
	// MicroBatches are the equal parts of a step's images, whose gradients are added up
	// in the order of [mpi.Tree]; 0 is one. Normalisations see one at a time.
	MicroBatches int `json:"micro_batches,omitempty"`

	Momentum    float64 `json:"momentum"`
	WeightDecay float64 `json:"weight_decay"`
	ClipGrad    float64 `json:"clip_grad"` // largest norm of the gradient; 0: any
	Smoothing   float64 `json:"smoothing"` // of labels
	Drop        float64 `json:"drop"`      // dropout before the classifier
	DropPath    float64 `json:"drop_path"` // of the last block; block i of 22 has i/22 of it

	Mixup    float64 `json:"mixup,omitempty"`    // alpha of the distribution Beta that images are mixed by, two by two; 0: they are not
	Patience int     `json:"patience,omitempty"` // epochs without a better validation after which the stage ends, with the weights of the best; 0: it goes to its end
	// Restarted is after how many epochs a stage that was done went on with more: the
	// rate begins there again; 0: nowhere.
	Restarted int `json:"restarted,omitempty"`

	ModelEMA       bool    `json:"model_ema"`
	ModelEMADecay  float64 `json:"model_ema_decay"`
	ModelEMAEvery  int     `json:"model_ema_every"`  // steps from one update to the next
	ModelEMAWarmup bool    `json:"model_ema_warmup"` // a smaller decay in the first steps

	Sampling       Sampling `json:"sampling,omitempty"`        // of OneShot
	Paths          int      `json:"paths,omitempty"`           // of a step of OneShot
	ReorderBatches int      `json:"reorder_batches,omitempty"` // whose gradients order the channels of OneShot; 0 keeps their order
	GammaKnowledge float64  `json:"gamma_knowledge,omitempty"` // weight of distillation
	// Quantize is int8 where FineTune trains the network as it will be deployed in
	// integers, taught by itself in floats; "" is in floats.
	Quantize   onnx.Precision `json:"quantize,omitempty"`
	IKDDividor float64        `json:"ikd_dividor,omitempty"` // of the features' part of it; 0 leaves features out

	LogInterval int  `json:"log_interval"`           // steps from one line of metrics to the next
	ZeroLastBN  bool `json:"zero_last_bn,omitempty"` // residual blocks of Heaviest begin as the identity
	Validation  int  `json:"validation"`             // images of the held-out share that are validated after an epoch; 0: all
}

// Paper returns the settings of the paper's training commands, for images like
// ImageNet's.
func Paper(stage Stage) Settings {
	s := Settings{
		Stage: stage, Preset: "paper", Space: model.MobileNASNet, TrainPercent: 100, SplitSeed: 1, Seed: 42, Augment: "imagenet", Pack: true,
		Sched: CosineSchedule, MinLR: 1e-5, WarmupEpochs: 3, WarmupLR: 1e-4, DecayEpochs: 30, DecayRate: 0.1, CooldownEpochs: 10,
		Momentum: 0.9, WeightDecay: 1e-5, Smoothing: 0.1, ModelEMA: true, ModelEMADecay: 0.999, ModelEMAEvery: 1, LogInterval: 50,
	}
	switch stage {
	case Heaviest:
		s.BatchSize, s.LR, s.Epochs, s.CooldownEpochs = 256, 0.128, 300, 0
		s.Sched, s.WarmupLR, s.DecayEpochs, s.DecayRate = StepSchedule, 1e-6, 2.4, 0.97
		s.Drop, s.DropPath, s.ZeroLastBN = 0.3, 0.2, true
	case OneShot:
		s.BatchSize, s.LR, s.Epochs = 200, 0.0128, 100
		s.GammaKnowledge, s.IKDDividor, s.Sampling, s.Paths, s.ReorderBatches = 1, 50, SampleBatch, 4, 50
	case FineTune:
		s.BatchSize, s.LR, s.Epochs = 128, 0.00128, 19
		s.GammaKnowledge, s.Smoothing = 2, 0
	}
	return s
}

// Presets names what [Preset] knows; the first is the default.
var Presets = []string{"auto", "small", "paper"}

// Preset is [Paper] or [Small] where that is its name, else [Auto].
func Preset(name string, stage Stage, d Shape) Settings {
	switch name {
	case "paper":
		return Paper(stage)
	case "small":
		return Small(stage)
	}
	return Auto(stage, d)
}

// Small returns settings for small images and runs of hours on a few
// processor cores: fewer epochs at higher rates, no dropout, a quick warm-up,
// and a rate that falls with every step. docs/DIGITS.md reports runs.
func Small(stage Stage) Settings {
	s := Paper(stage)
	s.Preset = "small"
	s.Sched, s.WarmupEpochs, s.WarmupLR, s.CooldownEpochs, s.LREachStep = CosineSchedule, 1, 1e-3, 0, true
	s.TrainPercent, s.Augment, s.BatchSize, s.ClipGrad = 80, "digits", 64, 5
	s.Drop, s.DropPath, s.ModelEMAEvery, s.Validation, s.LogInterval = 0, 0, 4, 2000, 10
	s.ModelEMAWarmup = true // else the average is that of the first weights for most of so short a run
	switch stage {
	case Heaviest:
		s.LR, s.Epochs = 0.1, 12
	case OneShot:
		s.LR, s.Epochs, s.Paths = 0.05, 12, 1
	case FineTune:
		s.LR, s.Epochs, s.WarmupEpochs = 0.01, 4, 0
	}
	return s
}

// PresetName is the preset that the settings were begun from. Runs from before
// that was noted are told by how their learning rate is set.
func (s Settings) PresetName() string {
	switch {
	case s.Preset != "":
		return s.Preset
	case s.LREachStep:
		return "small"
	}
	return "paper"
}

// Follow returns the settings of another stage, as of a preset, with what all
// stages of the run of s have in common, and with its seed and augmentation.
func (s Settings) Follow(next Settings) Settings {
	next.Space, next.ImageSize, next.Data = s.Space, s.ImageSize, s.Data
	next.TrainPercent, next.SplitSeed, next.Seed, next.Augment = s.TrainPercent, s.SplitSeed, s.Seed, s.Augment
	next.Pack = s.Pack
	return next
}

// Adapt fits what a preset says to settings that were changed: with other epochs
// than the preset's there is no cool-down, so that they are all there are, and
// the warm-up is at most half of them; it begins, and a cosine ends, at no more
// than the highest rate. Quantised, half the epochs at a tenth of the rate do: weights
// have to move by some of their rounding. What given says was chosen stays; names are
// those of JSON.
func (s Settings) Adapt(given func(name string) bool) Settings {
	if s.Quantize != "" && !given("epochs") {
		s.Epochs, s.CooldownEpochs = (s.Epochs+1)/2, 0
		s.WarmupEpochs = min(s.WarmupEpochs, s.Epochs/2)
	}
	if s.Quantize != "" && !given("lr") {
		s.LR /= 10
		s.MinLR, s.WarmupLR = min(s.MinLR, s.LR), min(s.WarmupLR, s.LR)
	}
	if given("epochs") {
		if !given("cooldown_epochs") {
			s.CooldownEpochs = 0
		}
		if !given("warmup_epochs") {
			s.WarmupEpochs = min(s.WarmupEpochs, s.Epochs/2)
		}
	}
	if given("lr") && !given("warmup_lr") {
		s.WarmupLR = min(s.WarmupLR, s.LR)
	}
	if given("lr") && !given("min_lr") {
		s.MinLR = min(s.MinLR, s.LR)
	}
	return s
}

// micro is the number of micro-batches.
func (s Settings) micro() int { return max(s.MicroBatches, 1) }

// engineBatch is how many images run through the network at once.
func (s Settings) engineBatch() int {
	if s.micro() == 1 && s.Stage == OneShot && s.Sampling == SampleBatch {
		return s.BatchSize / max(s.Paths, 1)
	}
	return s.BatchSize / s.micro()
}

// TotalEpochs counts the epochs of the schedule and those after it. Where the
// schedule is of steps there are none after it.
func (s Settings) TotalEpochs() int {
	if s.Sched == CosineSchedule {
		return s.Epochs + s.CooldownEpochs
	}
	return s.Epochs
}

func (s Settings) schedule() Schedule {
	return Schedule{
		Kind: s.Sched, LR: s.LR, MinLR: s.MinLR, Epochs: s.Epochs, WarmupEpochs: s.WarmupEpochs, WarmupLR: s.WarmupLR,
		DecayEpochs: s.DecayEpochs, DecayRate: s.DecayRate,
	}
}

// rate is the learning rate of a step of an epoch.
func (s Settings) rate(epoch, step, steps int) float64 {
	at := float64(epoch)
	if s.LREachStep {
		at += float64(step) / float64(steps)
	}
	if of := s.schedule(); s.Restarted > 0 && epoch >= s.Restarted {
		of.Epochs, of.WarmupEpochs = s.Epochs-s.Restarted, 0
		return of.At(at - float64(s.Restarted))
	}
	return s.schedule().At(at)
}
