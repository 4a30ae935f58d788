package steps

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/param"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/strictjson"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// PipelineSettings are all that the outcome of a pipeline depends on, beside the
// machine it measures.
type PipelineSettings struct {
	Space     string `json:"space"`      // name of the search space
	ImageSize int    `json:"image_size"` // pixels
	Data      string `json:"data"`       // folder of the data set
	// ClassOrder numbers the classes of folders of images; in a folder that was
	// begun before there was a choice it is empty and means bytes.
	ClassOrder dataset.ClassOrder `json:"class_order,omitempty"`
	LUT        string             `json:"lut"`     // name or file of a latency table; empty measures one
	Threads    int                `json:"threads"` // of a table that is measured
	Preset     string             `json:"preset"`  // of the trainings: auto, small or paper
	Seed       uint64             `json:"seed"`

	TrainPercent   int `json:"train_percent"`   // of the training images; the rest judges networks
	HeaviestEpochs int `json:"heaviest_epochs"` // 0: the preset's
	OneShotEpochs  int `json:"oneshot_epochs"`
	FineTuneEpochs int `json:"finetune_epochs"`
	// Highest learning rates; 0: the preset's.
	HeaviestLR float64 `json:"heaviest_lr,omitempty"`
	OneShotLR  float64 `json:"oneshot_lr,omitempty"`
	FineTuneLR float64 `json:"finetune_lr,omitempty"`
	BatchSize  int     `json:"batch_size,omitempty"` // images of a step of all trainings; 0: the preset's
	// MicroBatches are the parts of such a step, which ranks may share; 0: the preset's.
	MicroBatches int               `json:"micro_batches,omitempty"`
	Augment      string            `json:"augment,omitempty"` // of the images; empty: the preset's
	Sampling     training.Sampling `json:"sampling"`          // of the one-shot training; empty: the preset's
	Paths        int               `json:"paths"`             // of a step of it; 0: the preset's
	// Of all trainings, as in [training.Settings]; 0: the preset's. Patience is not of
	// FineTune: its networks are validated on images that choose nothing.
	Patience     int     `json:"patience,omitempty"`
	Mixup        float64 `json:"mixup,omitempty"`
	Smoothing    float64 `json:"smoothing,omitempty"`
	Drop         float64 `json:"drop,omitempty"`
	DropPath     float64 `json:"drop_path,omitempty"`
	WeightDecay  float64 `json:"weight_decay,omitempty"`
	ClipGrad     float64 `json:"clip_grad,omitempty"`
	WarmupEpochs int     `json:"warmup_epochs,omitempty"`
	Validation   int     `json:"validation,omitempty"`

	BN            string `json:"bn"`             // statistics of children: running or recalibrated
	SampleImages  int    `json:"sample_images"`  // a network is judged on; 0: all held out
	Samples       int    `json:"samples"`        // networks to fit on
	TestSamples   int    `json:"test_samples"`   // networks to judge predictors with
	Contributions int    `json:"contributions"`  // networks that every decision is pinned in
	PinnedImages  int    `json:"pinned_images"`  // each of them is judged on
	Predictor     string `json:"predictor"`      // that is searched with: one of the predictors
	Budgets       int    `json:"budgets"`        // latencies, spread over what can be reached
	Random        int    `json:"random"`         // networks of equal latency at every budget
	MeasureRounds int    `json:"measure_rounds"` // of the latency of networks; 0: the default
}

// DigitsPipeline are settings for the digits set: hours on two processor cores.
// For other data [PipelineSettings.suit] completes them.
func DigitsPipeline() PipelineSettings {
	return PipelineSettings{
		Space: model.MobileNASNet, ImageSize: digitsSide, ClassOrder: dataset.NaturalOrder, LUT: digitsTable, Threads: 1, Preset: "auto", Seed: 1,
		TrainPercent: 80, BN: evaluation.Running,
		Samples: 1000, TestSamples: 250, Contributions: 10, PinnedImages: 1000,
		Predictor: "bilinear", Budgets: 6, Random: 3,
	}
}

// The side of the digits, in pixels, and the built-in table of it.
const (
	digitsSide  = 32
	digitsTable = "ort-cpu-32-1t"
)

// eveningSide is the greatest side of the images that a pipeline takes by itself: the
// files may have more, and trainings of them take days.
const eveningSide = 64

// suit completes settings that nothing was begun with by the data: what was given
// stays. It says what is worth knowing.
func (s *PipelineSettings) suit(l looked, given map[string]bool, say func(string, ...any)) {
	if !given["image_size"] && l.usual > 0 {
		s.ImageSize = min(max(l.usual/8*8, digitsSide), eveningSide)
		if s.ImageSize != digitsSide {
			say("images are of %d pixels: the shorter side of their files is %d, at the median; --image-size takes others", s.ImageSize, l.usual)
		}
	}
	if s.ImageSize != digitsSide && !given["lut"] && s.LUT == digitsTable {
		s.LUT = ""
		say("the latency table is measured on this machine: there is none of %d pixels", s.ImageSize)
	}
	if l.ImageSize = s.ImageSize; s.Preset != "auto" {
		return
	}
	heaviest, oneshot, tuned := s.stage(training.Heaviest, l.Shape), s.stage(training.OneShot, l.Shape), s.stage(training.FineTune, l.Shape)
	s.BatchSize, s.Augment = heaviest.BatchSize, heaviest.Augment
	s.HeaviestEpochs, s.OneShotEpochs, s.FineTuneEpochs = heaviest.Epochs, oneshot.Epochs, tuned.Epochs
	s.HeaviestLR, s.OneShotLR, s.FineTuneLR = heaviest.LR, oneshot.LR, tuned.LR
	say("preset auto, for %d images of %d pixels: steps of %d images; %d, %d and %d epochs of the heaviest network, the supernet and each network that is chosen, at rates of %g, %g and %g",
		l.Images, s.ImageSize, s.BatchSize, s.HeaviestEpochs, s.OneShotEpochs, s.FineTuneEpochs, s.HeaviestLR, s.OneShotLR, s.FineTuneLR)
	if s.Augment == l.Augment {
		say("images are %s (augmentation %s)", l.why, l.Augment)
	}
}

// rounds is the usual number of rounds of a measurement, in words.
const rounds = "the usual number"

// pipelineParams are the parameters of the settings. What is measured has the
// threads of the table.
var pipelineParams = param.Table{
	{Key: "preset", Usage: "settings of the trainings, by `NAME`", Choices: training.Presets},
	{Key: "lut", Label: "latency table", Usage: "latency table, a `FILE|NAME`, or empty to measure one on this machine, as is done at other sizes than its", Zero: "measured here"},
	{Key: "image_size", Usage: "side of the images in `PIXELS`, where it is not given that of the files up to 64", Unit: "px", Least: 16, Most: model.MaxImageSize},
	ofStage("epochs", "heaviest_epochs", "heaviest epochs", "epochs of the heaviest network, `N`"),
	ofStage("epochs", "oneshot_epochs", "oneshot epochs", "epochs of the supernet, `N`"),
	ofStage("epochs", "finetune_epochs", "tuning epochs", "epochs of each network that is chosen, `N`"),
	ofStage("lr", "heaviest_lr", "heaviest rate", "highest learning `RATE` of the heaviest network"),
	ofStage("lr", "oneshot_lr", "oneshot rate", "highest learning `RATE` of the supernet"),
	ofStage("lr", "finetune_lr", "tuning rate", "highest learning `RATE` of each network that is chosen"),
	ofStage("batch_size", "batch_size", "batch size", "images of a step of each training, `N`"),
	ofStage("micro_batches", "micro_batches", "micro batches", "parts of such a step, `M`, that several ranks may share; see train"),
	ofStage("augment", "augment", "augmentation", "changes of the images in training, by `KIND`"),
	ofStage("sampling", "sampling", "sampling", "which paths a step trains, by `WAY`"),
	ofStage("paths", "paths", "paths", "paths of a step of the supernet's training, `N`"),
	ofStage("patience", "patience", "early stopping", "epochs without a better validation after which the training of the heaviest network or of the supernet ends, with the weights of its best epoch, `N`"),
	ofStage("mixup", "mixup", "mixup", "mix images and labels two by two, in shares of the distribution Beta(`ALPHA`, ALPHA), in all trainings"),
	ofStage("smoothing", "smoothing", "label smoothing", "smoothing `X` of the labels, in all trainings"),
	ofStage("drop", "drop", "dropout", "dropout before the classifier, `P`, in all trainings"),
	ofStage("drop_path", "drop_path", "drop path", "probability `P` that the last block is left out; others less, in all trainings"),
	ofStage("weight_decay", "weight_decay", "weight decay", "decay `X` of weights that have more than one dimension, in all trainings"),
	ofStage("clip_grad", "clip_grad", "clip gradients", "largest norm of the gradient, `X`, in all trainings"),
	ofStage("warmup_epochs", "warmup_epochs", "warmup epochs", "epochs in which the learning rate rises, `N`, in all trainings"),
	ofStage("validation", "validation", "validation", "held-out images that are validated after an epoch, `N`, in all trainings"),
	{Key: "train_percent", Label: "train share", Usage: "`PERCENT` of the training images that the supernet is trained on; the rest judges its networks", Unit: "%", Least: 1, Most: 99},
	{Key: "bn", Label: "statistics", Usage: "statistics of networks in the supernet, by `KIND`", Choices: []string{evaluation.Running, evaluation.Recalibrated}},
	{Key: "samples", Usage: "random networks to fit predictors on, `N`", Least: 10, Most: 1e6},
	{Key: "test_samples", Usage: "other random networks to judge predictors with, `N`", Least: 10, Most: 1e6},
	{Key: "sample_images", Label: "their images", Usage: "held-out images that a network is evaluated on, `N`", Zero: "all", Least: 1, Most: 1 << 30},
	{Key: "contributions", Name: "contribution-networks", Label: "pinned networks", Usage: "networks that every decision of the estimator is pinned in, `N`", Least: 1, Most: 1e5},
	{Key: "pinned_images", Name: "contribution-images", Label: "images of each", Usage: "images that each network of the estimator is evaluated on, `N`", Least: 1, Most: 1 << 30},
	{Key: "predictor", Label: "search with", Usage: "predictor to search with, by `KIND`", Choices: predictors},
	{Key: "budgets", Usage: "latencies to search at, `N`", Least: 1, Most: 100},
	{Key: "random", Label: "random networks", Usage: "random networks of equal latency at each budget, `N`", Most: 100},
	{Key: "measure_rounds", Name: "rounds", Label: "latency rounds", Usage: "rounds of the latency measurement, `N`", Zero: rounds, Least: 1, Most: 1000},
	{Key: "seed", Usage: "random `SEED`"},
	ClassOrderParam,
	spaceParam,
	{Key: "threads", Name: "table-threads", Usage: "threads of a latency table that is measured, `N`", Least: 1, Most: onnx.MaxThreads, Rare: true},
}

// presets is the default of what the preset says.
const presets = "the preset's"

// ofStage is a parameter of trainings as one of the pipeline.
func ofStage(like, key, label, usage string) param.Param {
	all := training.Params(stages...)
	p := all[slices.IndexFunc(all, func(p param.Param) bool { return p.Key == like })]
	p.Key, p.Label, p.Usage, p.Zero = key, label, usage, presets
	return p
}

// stages are the trainings of a pipeline.
var stages = []training.Stage{training.Heaviest, training.OneShot, training.FineTune}

// ErrSettings is wrapped by errors about settings that nothing can be run with.
var ErrSettings = errors.New("pipeline settings")

// ErrMismatch says that a folder was begun with other settings.
var ErrMismatch = errors.New("the pipeline folder has other settings")

// Check names the first setting that is out of its range.
func (s PipelineSettings) Check() error {
	s.ClassOrder = cmp.Or(s.ClassOrder, dataset.BytesOrder)
	if err := pipelineParams.In(&s).Check(func(p param.Param) string { return p.Key }); err != nil {
		return fmt.Errorf("%w: %w", ErrSettings, err)
	}
	if s.Data == "" {
		return fmt.Errorf("%w: data is empty: expected the folder of a data set", ErrSettings)
	}
	for _, stage := range stages {
		if err := s.stage(stage, training.Shape{}).Check(); err != nil {
			return fmt.Errorf("%w: stage %s: %w", ErrSettings, stage, err)
		}
	}
	_, err := model.NewSpace(s.Space, s.ImageSize)
	return err
}

// pipelineJSON is the file of the settings: with the data that they were begun
// with, nil in folders that were begun before that was kept.
type pipelineJSON struct {
	PipelineSettings
	Identity *dataset.Identity `json:"data_identity,omitempty"`
}

// maxPipeline bounds the file, in bytes: it has the names of all classes.
const maxPipeline = 8 << 20

// readPipeline reads the file; the error wraps fs.ErrNotExist where there is none.
func readPipeline(folder string) (begun pipelineJSON, err error) {
	file := filepath.Join(folder, pipelineFile)
	data, err := safefile.Read(file, maxPipeline)
	if err != nil {
		return begun, err
	}
	if err := strictjson.Decode(data, &begun); err != nil {
		return begun, fmt.Errorf("%s: %w: %w", file, explore.ErrUnreadable, err)
	}
	begun.ClassOrder = cmp.Or(begun.ClassOrder, dataset.BytesOrder) // there was no choice
	if err := begun.Check(); err != nil {
		return begun, fmt.Errorf("%s: %w", file, err)
	}
	return begun, nil
}

// ReadPipeline reads the settings a folder was begun with.
func ReadPipeline(folder string) (PipelineSettings, error) {
	begun, err := readPipeline(folder)
	return begun.PipelineSettings, err
}

// match compares the settings with those the folder was begun with, if it was, and
// completes the class order. Where the data lies is no setting: which data it is
// counts.
func (s *PipelineSettings) match(folder string) (begun pipelineJSON, there bool, err error) {
	begun, err = readPipeline(folder)
	if errors.Is(err, fs.ErrNotExist) {
		s.ClassOrder = cmp.Or(s.ClassOrder, dataset.NaturalOrder)
		return begun, false, nil
	}
	if err != nil {
		return begun, false, err
	}
	if begun.Identity == nil && begun.ClassOrder == dataset.BytesOrder {
		s.ClassOrder = dataset.BytesOrder
	}
	a, b := reflect.ValueOf(begun.PipelineSettings), reflect.ValueOf(*s)
	for i := range a.NumField() {
		name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("json"), ",")
		if name == "data" && (begun.Identity != nil || explore.DataSetPath(begun.Data) == explore.DataSetPath(s.Data)) {
			continue
		}
		if x, y := a.Field(i).Interface(), b.Field(i).Interface(); x != y {
			return begun, true, fmt.Errorf("%s: %w: %s was %v and is now %v", folder, ErrMismatch, name, x, y)
		}
	}
	return begun, true, nil
}

// claim writes the settings and the data to the folder, or compares them with
// those it was begun with. What is worth saying goes to say.
func (s *PipelineSettings) claim(folder string, data dataset.Identity, say func(string)) error {
	begun, there, err := s.match(folder)
	if err != nil {
		return err
	}
	switch {
	case !there:
	case begun.Identity == nil:
		say(fmt.Sprintf("%s did not say which data it was begun with: from now on it is that in %s", folder, data.Root))
	default:
		if err := begun.Identity.Check(data); err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
		if begun.Identity.Root == data.Root {
			return nil
		}
		say(fmt.Sprintf("the data of the pipeline, which was in %s, is in %s now", begun.Identity.Root, data.Root))
		data.Name = begun.Identity.Name
	}
	text, err := json.MarshalIndent(pipelineJSON{*s, &data}, "", "  ")
	if err != nil {
		return err
	}
	return safefile.Write(filepath.Join(folder, pipelineFile), append(text, '\n'))
}
