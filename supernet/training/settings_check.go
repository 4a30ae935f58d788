package training

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/binas-tui/binas-tui/internal/param"
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

func (s Settings) check() error {
	if s.Stage != Heaviest && s.Stage != OneShot && s.Stage != FineTune {
		return fmt.Errorf("stage %q: expected %s, %s or %s", s.Stage, Heaviest, OneShot, FineTune)
	}
	for _, v := range s.Values() {
		if stepped := v.Key == "decay_epochs" || v.Key == "decay_rate"; stepped && s.Sched == CosineSchedule {
			continue
		}
		if err := v.Check(param.Param.Flag); err != nil {
			return err
		}
	}
	if s.Restarted < 0 || s.Restarted > 0 && s.Restarted >= s.TotalEpochs() {
		return fmt.Errorf("restarted %d: expected less than the epochs, %d", s.Restarted, s.TotalEpochs())
	}
	if s.Quantize != "" && s.Stage != FineTune {
		return fmt.Errorf("quantize %s: it is for %s", s.Quantize, FineTune)
	}
	if s.Stage == OneShot {
		if err := s.checkSampling(); err != nil {
			return err
		}
	}
	return s.checkMicro()
}

func (s Settings) checkMicro() error {
	m := s.micro()
	if m == 1 {
		return nil
	}
	fail := func(expected string) error { return fmt.Errorf("micro-batches %d: %s", m, expected) }
	switch {
	case s.BatchSize%m != 0:
		return fail(fmt.Sprintf("expected a divisor of the batch size, %d", s.BatchSize))
	case s.BatchSize/m < 2:
		return fail(fmt.Sprintf("expected at most %d: batch normalisation needs two images of each", s.BatchSize/2))
	case s.Stage == OneShot && s.Sampling == SampleImage:
		return fail("expected 1 with sampling image, whose statistics are those of all images of a step; sampling batch and sandwich have micro-batches")
	case s.Stage == OneShot && s.Sampling == SampleBatch && m%s.Paths != 0:
		return fail(fmt.Sprintf("expected a multiple of paths, %d: with sampling batch a micro-batch takes one path", s.Paths))
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
var fieldOrder = slices.DeleteFunc(param.Keys(Settings{}), func(name string) bool { return name == "preset" })

// shared are the settings that all stages of a run have in common: the space,
// the data, and above all which images are held out.
var shared = []string{"space", "image_size", "classes", "data", "images", "held_out", "train_percent", "split_seed"}
