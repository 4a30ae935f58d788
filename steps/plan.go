package steps

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/strictjson"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// Plan is what a step would work with. Who shows a form takes Training or
// Pipeline, lets them be changed, and hands them back in the [Request].
type Plan struct {
	Training training.Settings // of a training
	Pipeline PipelineSettings  // of the pipeline
	// Begun says that they are those which the run folder was begun with: it goes
	// on with these.
	Begun  bool
	Data   string // folder or name of the run's data set, "" where there is no run yet
	Preset string // that the run was begun with, "" where there is none yet

	Have     int                  // networks in the records of Sample, Fit and Contribute
	Recorded model.EvaluationInfo // what those were begun with, where there are some
}

// Plan looks into the run folder. The error says what has to come first.
func (r Request) Plan() (p Plan, err error) {
	if p.Data, err = r.runData(); err != nil {
		return p, err
	}
	if p.Preset, err = r.runPreset(); err != nil {
		return p, err
	}
	switch r.Step {
	case Pipeline:
		p.Pipeline, p.Begun, err = r.pipelineSettings()
	case Heaviest, OneShot, FineTune:
		p.Training, p.Begun, err = r.settings(stages[r.Step], r.trainingFolder())
	case Sample, Contribute, Validate:
		_, _, err = r.begun(training.OneShot)
	}
	if err != nil {
		return p, err
	}
	switch r.Step {
	case Sample, Fit:
		p.Have, p.Recorded, err = countRecords(r.samplesFile(), model.SamplesFormat, 1)
	case Contribute:
		space, e := model.NewSpace(model.MobileNASNet, 32) // decisions depend on no size
		if e != nil {
			return p, e
		}
		p.Have, p.Recorded, err = countRecords(filepath.Join(r.Run, contributionsFile), model.ContributionsFormat, len(space.Decisions()))
	}
	return p, err
}

// countRecords counts the networks of a records file that has per lines for each.
func countRecords(file, format string, per int) (networks int, info model.EvaluationInfo, err error) {
	info, began, err := evaluation.Recorded(file, format)
	if err != nil || !exists(file) {
		return 0, info, err
	}
	data, err := explore.ReadFile(file)
	if err == nil && !began && len(data) > 0 && data[0] != '{' { // else its first line was cut off
		err = fmt.Errorf("%s: %w", file, evaluation.ErrRecords)
	}
	if err != nil || !began {
		return 0, info, err
	}
	return (bytes.Count(data, []byte("\n")) - 1) / per, info, err
}

// settings are those the stage was begun with, else those asked for, else the
// preset's. What all stages of a run have in common is that of the heaviest
// network.
func (r Request) settings(stage training.Stage, folder string) (s training.Settings, begun bool, err error) {
	run, err := training.ReadRun(folder)
	if err != nil && !errors.Is(err, training.ErrNoRun) {
		return s, false, err
	}
	if s, begun = run.Stages[stage]; begun {
		return s, true, nil
	}
	if s, err = r.preset(stage); err != nil {
		return s, false, err
	}
	if r.Training != nil && r.Training.Stage == stage {
		s = *r.Training
	}
	return s, false, nil
}

// preset has the settings of a stage that is begun: what all stages of a run have in
// common is that of the heaviest network.
func (r Request) preset(stage training.Stage) (training.Settings, error) {
	if stage == training.Heaviest {
		s := training.Preset(r.Preset, stage)
		if filepath.Base(r.Data) == dataset.DigitsName {
			s.Augment = "digits"
		}
		return s, nil
	}
	h, _, err := r.begun(training.Heaviest)
	if err != nil {
		return training.Settings{}, err
	}
	return h.Follow(training.Preset(cmp.Or(r.Preset, h.PresetName()), stage)), nil
}

// runPreset is the preset that the run was begun with, "" where there is none.
func (r Request) runPreset() (string, error) {
	run, err := training.ReadRun(r.Run)
	if errors.Is(err, training.ErrNoRun) {
		return "", nil
	}
	for _, stage := range []training.Stage{training.Heaviest, training.OneShot, training.FineTune} {
		if s, ok := run.Stages[stage]; ok {
			return s.PresetName(), err
		}
	}
	return "", err
}

// pipelineSettings are those the folder was begun with, else those asked for,
// else those of the digits.
func (r Request) pipelineSettings() (s PipelineSettings, begun bool, err error) {
	s, err = ReadPipeline(r.Run)
	if !errors.Is(err, fs.ErrNotExist) {
		return s, err == nil, err
	}
	if r.Pipeline != nil {
		s = *r.Pipeline
	} else {
		s = DigitsPipeline()
		if r.Preset != "" {
			s.Preset = r.Preset
		}
		s = s.Filled()
	}
	s.Data = r.absoluteData()
	return s, false, nil
}

// absoluteData is the data set as a run folder notes it: what is no folder here
// is a name.
func (r Request) absoluteData() string {
	if r.Data == "" {
		return dataset.DigitsName
	}
	if info, err := os.Stat(r.Data); err == nil && info.IsDir() {
		if abs, err := filepath.Abs(r.Data); err == nil {
			return abs
		}
	}
	return r.Data
}

// noteFile said where the data of a run that was begun in the explorer is, before
// runs kept their data themselves.
const noteFile = "method.json"

func (r Request) readNote() (data string, err error) {
	file := filepath.Join(r.Run, noteFile)
	text, err := safefile.Read(file, 1<<16)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	var n struct {
		Data string `json:"data"`
	}
	if err == nil {
		if err = strictjson.Decode(text, &n); err != nil {
			err = fmt.Errorf("%s: %w: %w", file, explore.ErrUnreadable, err)
		}
	}
	return n.Data, err
}
