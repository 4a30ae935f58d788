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
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/strictjson"
	"github.com/binas-tui/binas-tui/model"
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
	Preset     string             `json:"preset"`  // of the trainings: small or paper
	Seed       uint64             `json:"seed"`

	TrainPercent   int    `json:"train_percent"`   // of the training images; the rest judges networks
	HeaviestEpochs int    `json:"heaviest_epochs"` // 0: the preset's
	OneShotEpochs  int    `json:"oneshot_epochs"`
	FineTuneEpochs int    `json:"finetune_epochs"`
	BatchSize      int    `json:"batch_size,omitempty"` // images of a step of all trainings; 0: the preset's
	Sampling       string `json:"sampling"`             // of the one-shot training; empty: the preset's
	Paths          int    `json:"paths"`                // of a step of it; 0: the preset's

	BN            string `json:"bn"`             // statistics of children: running or recalibrated
	SampleImages  int    `json:"sample_images"`  // a network is judged on; 0: all held out
	Samples       int    `json:"samples"`        // networks to fit on
	TestSamples   int    `json:"test_samples"`   // networks to judge predictors with
	Contributions int    `json:"contributions"`  // networks that every decision is pinned in
	PinnedImages  int    `json:"pinned_images"`  // each of them is judged on
	Predictor     string `json:"predictor"`      // that is searched with: bilinear, estimator, quadratic or mlp
	Budgets       int    `json:"budgets"`        // latencies, spread over what can be reached
	Random        int    `json:"random"`         // networks of equal latency at every budget
	MeasureRounds int    `json:"measure_rounds"` // of the latency of networks; 0: the default
}

// Digits are settings for the digits set: 32 pixels, hours on two processor
// cores.
func DigitsPipeline() PipelineSettings {
	return PipelineSettings{
		Space: model.MobileNASNet, ImageSize: 32, ClassOrder: dataset.NaturalOrder, LUT: "ort-cpu-32-1t", Threads: 1, Preset: "small", Seed: 1,
		TrainPercent: 80, BN: evaluation.Running,
		Samples: 1000, TestSamples: 250, Contributions: 10, PinnedImages: 1000,
		Predictor: "bilinear", Budgets: 6, Random: 3,
	}
}

// ErrSettings is wrapped by errors about settings that nothing can be run with.
var ErrSettings = errors.New("pipeline settings")

// ErrMismatch says that a folder was begun with other settings.
var ErrMismatch = errors.New("the pipeline folder has other settings")

// Check names the first setting that is out of its range.
func (s PipelineSettings) Check() error {
	for _, n := range []struct {
		name               string
		value, least, most int
	}{
		{"image_size", s.ImageSize, 16, model.MaxImageSize},
		{"train_percent", s.TrainPercent, 1, 99},
		{"heaviest_epochs", s.HeaviestEpochs, 0, 1e6}, {"oneshot_epochs", s.OneShotEpochs, 0, 1e6}, {"finetune_epochs", s.FineTuneEpochs, 0, 1e6},
		{"batch_size", s.BatchSize, 0, 1 << 16},
		{"sample_images", s.SampleImages, 0, 1 << 30}, {"pinned_images", s.PinnedImages, 1, 1 << 30},
		{"paths", s.Paths, 0, 1024}, {"samples", s.Samples, 10, 1e6}, {"test_samples", s.TestSamples, 10, 1e6},
		{"contributions", s.Contributions, 1, 1e5}, {"budgets", s.Budgets, 1, 100}, {"random", s.Random, 0, 100},
		{"threads", s.Threads, 1, 1024}, {"measure_rounds", s.MeasureRounds, 0, 1000},
	} {
		if n.value < n.least || n.value > n.most {
			return fmt.Errorf("%w: %s is %d: expected %d to %d", ErrSettings, n.name, n.value, n.least, n.most)
		}
	}
	for _, w := range []struct {
		name, value string
		words       []string
	}{
		{"preset", s.Preset, training.Presets},
		{"bn", s.BN, []string{evaluation.Running, evaluation.Recalibrated}},
		{"predictor", s.Predictor, predictors},
		{"class_order", string(cmp.Or(s.ClassOrder, dataset.BytesOrder)), classOrders()},
	} {
		if !slices.Contains(w.words, w.value) {
			return fmt.Errorf("%w: %s is %.40q: expected one of %v", ErrSettings, w.name, w.value, w.words)
		}
	}
	if s.Data == "" {
		return fmt.Errorf("%w: data is empty: expected the folder of a data set", ErrSettings)
	}
	for _, stage := range []training.Stage{training.Heaviest, training.OneShot, training.FineTune} {
		if err := s.fill(training.Preset(s.Preset, stage)).Check(); err != nil {
			return fmt.Errorf("%w: stage %s: %w", ErrSettings, stage, err)
		}
	}
	_, err := model.NewSpace(s.Space, s.ImageSize)
	return err
}

// classOrders are the words for Settings.ClassOrder.
func classOrders() (words []string) {
	for _, o := range dataset.ClassOrders {
		words = append(words, string(o))
	}
	return words
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
