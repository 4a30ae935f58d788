package cli

import (
	"cmp"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/internal/param"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// trainingSettings is the flags of the settings of a training: those given
// replace the preset's.
type trainingSettings struct {
	given  training.Settings
	values param.Values
}

// preset is the parameter that the others have their defaults of.
var preset = param.Param{
	Key: "preset", Usage: "settings to start from, by `NAME`", Choices: training.Presets,
	Zero: "that of the run whose weights are trained on, else small up to 64 pixels",
}

func (t *trainingSettings) addFlags(cmd *cobra.Command, stages ...training.Stage) {
	t.values = append(param.Table{preset}, training.Params(stages...)...).In(&t.given)
	addParams(cmd, t.values)
}

// smallImages is the largest side that the preset for small images is the
// default of.
const smallImages = 64

// settings are those of a stage. Where the run folder has begun it, they are what
// it was begun with; else the preset's, with what another stage (from) of the same
// weights says: nil is none, and then the size of the images chooses the preset.
// The flags that were given replace them.
func (t *trainingSettings) settings(cmd *cobra.Command, stage training.Stage, imageSize int, begun, from *training.Settings) (training.Settings, error) {
	var s training.Settings
	given, preset := given(cmd, t.values), t.given.Preset
	if err := checkGiven(t.values, given); err != nil {
		return s, err
	}
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
	t.values.In(&s).Copy(t.values, func(key string) bool { return given[key] && key != "preset" })
	if begun == nil {
		s = s.Adapt(func(key string) bool { return given[key] })
	}
	return s, nil
}
