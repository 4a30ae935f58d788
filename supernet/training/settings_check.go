package training

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
)

// ErrSettings says that settings cannot be trained with.
var ErrSettings = errors.New("settings")

// Check names the first setting that cannot be trained with.
func (s Settings) Check() error {
	if err := s.check(); err != nil {
		return fmt.Errorf("%w: %w", ErrSettings, err)
	}
	return nil
}

// Bounds of settings: beyond these it is a slip of the hand.
const (
	maxEpochs = 100_000
	maxBatch  = 4096
	maxPaths  = 64
)

func (s Settings) check() error {
	if s.Stage != Heaviest && s.Stage != OneShot && s.Stage != FineTune {
		return fmt.Errorf("stage %q: expected %s, %s or %s", s.Stage, Heaviest, OneShot, FineTune)
	}
	if err := s.schedule().check(); err != nil {
		return err
	}
	for _, n := range []struct {
		name               string
		value, least, most int
	}{
		{"epochs", s.Epochs, 1, maxEpochs}, {"cooldown-epochs", s.CooldownEpochs, 0, maxEpochs}, {"batch-size", s.BatchSize, 2, maxBatch},
		{"train-percent", s.TrainPercent, 1, 100}, {"model-ema-every", s.ModelEMAEvery, 1, 1000}, {"validation", s.Validation, 0, math.MaxInt},
		{"reorder-batches", s.ReorderBatches, 0, 10_000}, {"log-interval", s.LogInterval, 1, math.MaxInt},
	} {
		if n.value < n.least || n.value > n.most {
			return fmt.Errorf("%s %d: expected %d to %d", n.name, n.value, n.least, n.most)
		}
	}
	for _, n := range []struct {
		name  string
		value float64
		most  float64 // excluded
	}{
		{"momentum", s.Momentum, 1}, {"weight-decay", s.WeightDecay, 1}, {"smoothing", s.Smoothing, 1}, {"drop", s.Drop, 1},
		{"drop-path", s.DropPath, 1}, {"model-ema-decay", s.ModelEMADecay, 1}, {"clip-grad", s.ClipGrad, math.Inf(1)},
		{"gamma-knowledge", s.GammaKnowledge, math.Inf(1)}, {"ikd-dividor", s.IKDDividor, math.Inf(1)},
	} {
		if !(n.value >= 0) || n.value >= n.most {
			if math.IsInf(n.most, 1) {
				return fmt.Errorf("%s %v: expected at least 0", n.name, n.value)
			}
			return fmt.Errorf("%s %v: expected 0 to less than %v", n.name, n.value, n.most)
		}
	}
	if s.Stage == OneShot {
		return s.checkSampling()
	}
	return nil
}

func (s Settings) checkSampling() error {
	least := 1
	switch s.Sampling {
	case SampleBatch:
		if s.Paths > 0 && s.BatchSize%s.Paths != 0 {
			return fmt.Errorf("paths %d: expected a divisor of the batch size, %d", s.Paths, s.BatchSize)
		}
		if s.Paths > 0 && s.BatchSize/s.Paths < 2 {
			return fmt.Errorf("paths %d: expected at most %d: batch normalisation needs two images of each", s.Paths, s.BatchSize/2)
		}
	case SampleSandwich:
		least = 2
	case SampleImage:
		return nil
	default:
		return fmt.Errorf("sampling %q: expected %s, %s or %s", s.Sampling, SampleBatch, SampleSandwich, SampleImage)
	}
	if s.Paths < least || s.Paths > maxPaths {
		return fmt.Errorf("paths %d: expected %d to %d with sampling %s", s.Paths, least, maxPaths, s.Sampling)
	}
	return nil
}

// differs names the first setting in which two differ, in the order of the
// fields, or returns "".
func (s Settings) differs(other Settings) (name string, have, want any) {
	a, b := fields(s), fields(other)
	for _, f := range fieldOrder {
		if a[f] != b[f] {
			return f, a[f], b[f]
		}
	}
	return "", nil, nil
}

// Changed says of a setting, by its name in JSON, whether it is another than in from.
func (s Settings) Changed(from Settings) func(name string) bool {
	a, b := fields(s), fields(from)
	return func(name string) bool { return a[name] != b[name] }
}

// fields are the settings by their names in JSON.
func fields(s Settings) map[string]any {
	data, _ := json.Marshal(s) // finite numbers and strings: cannot fail
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // a seed does not fit a float64
	var m map[string]any
	d.Decode(&m)
	return m
}

// fieldOrder is the JSON names of all settings in the order of the struct, but
// for the preset, which is where the others came from.
var fieldOrder = func() []string {
	var names []string
	for f := range reflect.TypeFor[Settings]().Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "preset" {
			names = append(names, name)
		}
	}
	return names
}()

// shared are the settings that all stages of a run have in common: the space,
// the data, and above all which images are held out.
var shared = []string{"space", "image_size", "classes", "data", "images", "held_out", "train_percent", "split_seed"}
