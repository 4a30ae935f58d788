package training

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"

	"github.com/binas-tui/binas-tui/internal/strictjson"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// Known is what a checkpoint of this program says of itself.
type Known struct {
	// Settings of the training. Checkpoints from before these were kept have the
	// stage, space, image size, classes, name of the data and architecture alone.
	Settings
	Whole    bool              // all settings are known
	Data     *dataset.Identity // without its folder; nil where it is not known
	Crop     float64           // of evaluation, see [dataset.Set.Crop]; 0 where it is not known
	Epoch    int               // whole epochs trained
	Averaged bool              // the weights are a moving average
	Ranges   onnx.Calibrated   // that the network was quantised by in training; nil in floats
	Scores   []Score           // on held-out images after the last of those epochs; may be nil
}

// encode is the metadata of a checkpoint. The settings and the data are JSON; the
// rest says the same in words for other programs.
func (k Known) encode() map[string]string {
	s := k.Settings
	settings, _ := json.Marshal(s) // finite numbers and text: cannot fail
	meta := map[string]string{
		"stage": string(s.Stage), "space": s.Space, "image_size": strconv.Itoa(s.ImageSize), "classes": strconv.Itoa(s.Classes),
		"data": s.Data, "epoch": strconv.Itoa(k.Epoch), "epochs": strconv.Itoa(s.TotalEpochs()), "averaged": strconv.FormatBool(k.Averaged),
		"settings": string(settings),
	}
	if arch := s.architecture(); arch != "" {
		meta["arch"] = arch
	}
	maps.Copy(meta, k.Data.Metadata())
	if len(k.Scores) > 0 {
		scores, _ := json.Marshal(k.Scores) // finite numbers and text
		meta["validation"] = string(scores)
	}
	noteRanges(meta, k.Ranges)
	if k.Crop > 0 {
		meta["crop_pct"] = strconv.FormatFloat(k.Crop, 'g', -1, 64)
	}
	return meta
}

// architecture is that of the network that the settings train, "" for a supernet.
func (s Settings) architecture() string {
	if s.Stage != Heaviest {
		return s.Arch
	}
	space, err := model.NewSpace(s.Space, s.ImageSize)
	if err != nil {
		return ""
	}
	return space.Architecture(space.HeaviestPath()).String()
}

// KnownOf reads what a checkpoint says of itself; ours is false where it is not
// one of this program. Errors wrap [supernet.ErrCheckpoint].
func KnownOf(meta map[string]string) (k Known, ours bool, err error) {
	stage := Stage(meta["stage"])
	if stage != Heaviest && stage != OneShot && stage != FineTune || meta["averaged"] == "" {
		return k, false, nil
	}
	fail := func(what string, err error) (Known, bool, error) {
		return Known{}, false, fmt.Errorf("%w: its %s: %w", supernet.ErrCheckpoint, what, err)
	}
	if text, ok := meta["settings"]; ok {
		k.Whole = true
		err := strictjson.Decode([]byte(text), &k.Settings)
		if err == nil {
			err = k.Settings.Check()
		}
		if err == nil && k.Stage != stage {
			err = fmt.Errorf("stage %q beside stage %q", k.Stage, stage)
		}
		if err != nil {
			return fail("settings", err)
		}
	}
	if k.Data, err = dataset.IdentityOf(meta); err != nil {
		return Known{}, false, fmt.Errorf("%w: %w", supernet.ErrCheckpoint, err)
	}
	for name, to := range map[string]*int{"image_size": &k.ImageSize, "classes": &k.Classes, "epoch": &k.Epoch} {
		if *to, err = strconv.Atoi(meta[name]); err != nil || *to < 0 {
			return fail(name, fmt.Errorf("%.20q: expected a whole number", meta[name]))
		}
	}
	if text, ok := meta["crop_pct"]; ok {
		if k.Crop, err = strconv.ParseFloat(text, 64); err != nil || !(k.Crop > 0 && k.Crop <= 1) {
			return fail("crop_pct", fmt.Errorf("%.20q: expected a number above 0 up to 1", text))
		}
	}
	if text, ok := meta["validation"]; ok {
		if err := strictjson.Decode([]byte(text), &k.Scores); err != nil {
			return fail("validation", err)
		}
	}
	if k.Ranges, err = rangesOf(meta); err != nil {
		return fail("ranges", err)
	}
	k.Averaged = meta["averaged"] == "true"
	k.Stage, k.Space, k.Settings.Data, k.Arch = stage, meta["space"], meta["data"], meta["arch"]
	if _, err := model.NewSpace(k.Space, k.ImageSize); err != nil {
		return fail("image_size or space", err)
	}
	return k, true, nil
}

// ClassOrder is the class order of the data: before there was a choice it was by
// bytes.
func (k Known) ClassOrder() dataset.ClassOrder { return classOrder(k.Data) }

// ClassOrder is the class order of the data of the run, likewise.
func (r Run) ClassOrder() dataset.ClassOrder { return classOrder(r.Data) }

func classOrder(data *dataset.Identity) dataset.ClassOrder {
	if data == nil {
		return dataset.BytesOrder
	}
	return data.ClassOrder // "" where files hold the labels: there is none to choose
}
