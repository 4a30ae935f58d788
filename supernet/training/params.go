package training

import (
	"slices"

	"github.com/binas-tui/binas-tui/internal/param"
	"github.com/binas-tui/binas-tui/onnx"
)

// Bounds of settings: beyond these it is a slip of the hand.
const (
	maxEpochs = 100_000
	maxBatch  = 4096
	maxPaths  = 64
	maxMicro  = 1024
	maxLR     = 100
)

// params are the parameters of [Settings], and the stages that have them: nil is
// all.
var params = []struct {
	of []Stage
	param.Param
}{
	{nil, param.Param{Key: "epochs", Usage: "epochs, `N`: all there are, unless --cooldown-epochs adds to them", Least: 1, Most: maxEpochs}},
	{nil, param.Param{Key: "batch_size", Usage: "images of a step, `N`", Least: 2, Most: maxBatch}},
	{nil, param.Param{Key: "micro_batches", Usage: "parts of a step's images that run one after the other or on several ranks, `M`: gradients are accumulated over them, and each has statistics of its own",
		Zero: "one", Least: 1, Most: maxMicro, Rare: true}},
	{nil, param.Param{Key: "lr", Label: "learning rate", Usage: "highest learning `RATE`", Above: true, Most: maxLR}},
	{[]Stage{OneShot}, param.Param{Key: "sampling", Usage: "oneshot: which paths a step trains, by `WAY`", Choices: []string{string(SampleBatch), string(SampleSandwich), string(SampleImage)}}},
	{[]Stage{OneShot}, param.Param{Key: "paths", Usage: "oneshot: paths of a step, `N`", Most: maxPaths}},
	{nil, param.Param{Key: "augment", Label: "augmentation", Usage: "changes of the images, by `KIND`", Choices: []string{"none", "digits", "cifar", "pictures", "no-flip", "imagenet"}}},
	{nil, param.Param{Key: "pack", Label: "packed images", Usage: "keep images decoded, and take random crops of what is kept (the image size and a margin), not of the files", Rare: true}},
	{nil, param.Param{Key: "train_percent", Label: "train share", Usage: "`PERCENT` of the training images to train on; the rest validates. 100 validates on the set's own", Unit: "%", Least: 1, Most: 100}},
	{nil, param.Param{Key: "seed", Usage: "random `SEED`"}},
	{nil, param.Param{Key: "cooldown_epochs", Usage: "epochs at the floor of a cosine after the others, `N` (default: the preset's, 0 with --epochs)", Most: maxEpochs, Rare: true}},
	{nil, param.Param{Key: "sched", Label: "schedule", Usage: "how the learning rate falls, by `KIND`", Choices: []string{StepSchedule, CosineSchedule}, Rare: true}},
	{nil, param.Param{Key: "min_lr", Usage: "learning `RATE` at the floor of a cosine", Most: maxLR, Rare: true}},
	{nil, param.Param{Key: "decay_epochs", Usage: "epochs from one step of the learning rate to the next, `X`", Above: true, Rare: true}},
	{nil, param.Param{Key: "decay_rate", Usage: "`FACTOR` of a step of the learning rate", Above: true, Most: 1, Rare: true}},
	{nil, param.Param{Key: "warmup_epochs", Usage: "epochs in which the learning rate rises, `N` (default: the preset's, at most half of --epochs)", Rare: true}},
	{nil, param.Param{Key: "warmup_lr", Usage: "learning `RATE` that --warmup-epochs begin with", Most: maxLR, Rare: true}},
	{nil, param.Param{Key: "lr_each_step", Usage: "set the learning rate at every step, not once an epoch", Rare: true}},
	{nil, param.Param{Key: "momentum", Usage: "momentum `X` of Nesterov", Most: 1, Below: true, Rare: true}},
	{nil, param.Param{Key: "weight_decay", Usage: "decay `X` of weights that have more than one dimension", Most: 1, Below: true, Rare: true}},
	{nil, param.Param{Key: "clip_grad", Label: "clip gradients", Usage: "largest norm of the gradient, `X`; 0 for any", Rare: true}},
	{nil, param.Param{Key: "smoothing", Label: "label smoothing", Usage: "smoothing `X` of the labels", Most: 1, Below: true, Rare: true}},
	{nil, param.Param{Key: "drop", Label: "dropout", Usage: "dropout before the classifier, `P`", Most: 1, Below: true, Rare: true}},
	{nil, param.Param{Key: "drop_path", Usage: "probability `P` that the last block is left out; others less", Most: 1, Below: true, Rare: true}},
	{nil, param.Param{Key: "mixup", Usage: "mix images and labels two by two, in shares of the distribution Beta(`ALPHA`, ALPHA)", Zero: "not mixed", Most: 10, Rare: true}},
	{nil, param.Param{Key: "patience", Label: "early stopping", Usage: "epochs without a better validation after which a stage ends, with the weights of its best epoch, `N`", Unit: "epochs", Zero: "never", Most: maxEpochs, Rare: true}},
	{nil, param.Param{Key: "model_ema", Label: "average weights", Usage: "keep a moving average of the weights, and validate that", Rare: true}},
	{nil, param.Param{Key: "model_ema_decay", Label: "decay of average", Usage: "decay `X` of the moving average", Most: 1, Below: true, Rare: true}},
	{nil, param.Param{Key: "model_ema_every", Label: "average every", Usage: "steps from one update of the moving average to the next, `N`", Unit: "steps", Least: 1, Most: 1000, Rare: true}},
	{nil, param.Param{Key: "model_ema_warmup", Label: "average warm-up", Usage: "a smaller decay of the moving average in the first steps", Rare: true}},
	{nil, param.Param{Key: "split_seed", Usage: "`SEED` that --train-percent picks images with", Rare: true}},
	{nil, param.Param{Key: "validation", Usage: "held-out images that are validated after an epoch, `N`; 0 for all", Unit: "images", Rare: true}},
	{nil, param.Param{Key: "log_interval", Usage: "steps from one line of metrics to the next, `N`", Unit: "steps", Least: 1, Rare: true}},
	{[]Stage{OneShot, FineTune}, param.Param{Key: "gamma_knowledge", Label: "distillation", Usage: "weight of what the heaviest network teaches, `X`; 0 for no teacher", Rare: true}},
	{[]Stage{FineTune}, param.Param{Key: "quantize", Usage: "train the network as it computes in a `PRECISION`, taught by itself in floats, with half the epochs and a tenth of the rate of the preset", Zero: "as in fp32", Choices: []string{string(onnx.INT8)}, Rare: true}},
	{[]Stage{Heaviest}, param.Param{Key: "zero_last_bn", Label: "zero last norm", Usage: "heaviest: residual blocks begin as the identity", Rare: true}},
	{[]Stage{OneShot}, param.Param{Key: "reorder_batches", Usage: "oneshot: batches whose gradients order the channels, `N`; 0 keeps their order", Most: 10_000, Rare: true}},
	{[]Stage{OneShot}, param.Param{Key: "ikd_dividor", Label: "feature divisor", Usage: "oneshot: divisor of the features' part of distillation, `X`; 0 for logits alone", Rare: true}},
}

// Params are the parameters that any of the stages has.
func Params(stages ...Stage) (t param.Table) {
	for _, p := range params {
		if p.of == nil || slices.ContainsFunc(p.of, func(s Stage) bool { return slices.Contains(stages, s) }) {
			t = append(t, p.Param)
		}
	}
	return t
}

// Values are the parameters of the settings' stage and their values.
func (s *Settings) Values() param.Values { return Params(s.Stage).In(s) }
