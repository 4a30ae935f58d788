package method

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/job"
	"github.com/binas-tui/binas-tui/pipeline"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// Whose weights an accuracy was measured with.
const (
	OwnWeights      = "fine-tuned"
	SupernetWeights = "supernet"
)

// Accuracy is what a network was measured to reach, beside what predictors say:
// a line of accuracies.jsonl in a run folder.
type Accuracy struct {
	Architecture string  `json:"architecture"`
	Weights      string  `json:"weights"` // OwnWeights or SupernetWeights
	Top1         float64 `json:"top1"`    // percent
	Images       int     `json:"images"`
	Data         string  `json:"data"` // the images: name and part of the data set
	Run          string  `json:"-"`    // folder
}

// String is the accuracy with where it comes from.
func (a Accuracy) String() string {
	return fmt.Sprintf("%s %.2f %% on %d images of %s", a.Weights, a.Top1, a.Images, a.Data)
}

// Tuned is a network that was trained on.
type Tuned struct {
	training.Progress
	Accuracy Accuracy // on held-out images; Images is 0 where there are none
}

// Validated is a network that was evaluated.
type Validated struct {
	evaluation.Validation
	Accuracy Accuracy
}

const accuraciesFile = "accuracies.jsonl"

// note adds an accuracy to those of the run.
func (r Request) note(a Accuracy) (Accuracy, error) {
	a.Architecture, a.Run = r.Architecture.String(), r.Run
	line, err := json.Marshal(a)
	if err != nil {
		return a, err
	}
	f, err := os.OpenFile(filepath.Join(r.Run, accuraciesFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return a, err
	}
	_, err = f.Write(append(line, '\n'))
	return a, errors.Join(err, f.Close())
}

// tuned notes what fine-tuning has reached at its end.
func (r Request) tuned(s training.Settings, p training.Progress) (any, error) {
	out := Tuned{Progress: p}
	if len(p.Scores) == 0 || p.Scores[0].Images == 0 {
		return out, nil
	}
	data := s.Data + " validation"
	if s.TrainPercent < 100 {
		data = fmt.Sprintf("%s train, %d%% held out", s.Data, 100-s.TrainPercent)
	}
	var err error
	out.Accuracy, err = r.note(Accuracy{Weights: OwnWeights, Top1: p.Scores[0].Top1, Images: p.Scores[0].Images, Data: data})
	return out, err
}

// validate asks the network about the validation part of the data: with its own
// weights where it was fine-tuned, else with the supernet's.
func (r Request) validate(ctx context.Context, j *job.Job) (any, error) {
	if len(r.Architecture) == 0 {
		return nil, fmt.Errorf("%s %w: no network is given", r.Step, ErrRequest)
	}
	weights, own := OwnWeights, r
	own.Run = r.tunedFolder()
	s, file, err := own.begun(training.FineTune)
	if err != nil || !exists(file) { // it may not have finished an epoch yet
		weights = SupernetWeights
		if s, file, err = r.begun(training.OneShot); err != nil {
			return nil, err
		}
	}
	folder, err := r.dataFolder(s.Data)
	if err != nil {
		return nil, err
	}
	j.Log("weights of " + file)
	n, images, err := evaluation.OpenNetwork(ctx, r.Architecture, evaluation.Source{
		Checkpoint: file, Data: folder, ImageSize: s.ImageSize, TrainPercent: 100, Library: r.Library,
	})
	if err != nil {
		return nil, err
	}
	defer n.Close()
	v, err := evaluation.Validate(ctx, n, images, 0, j)
	if err != nil {
		return nil, err
	}
	out := Validated{Validation: v}
	out.Accuracy, err = r.note(Accuracy{Weights: weights, Top1: v.Top1, Images: v.Images, Data: v.Data})
	return out, err
}

// tunedFolder is where the network was fine-tuned: by FineTune, or else by a
// pipeline.
func (r Request) tunedFolder() string {
	folder := r.TunedFolder()
	if exists(folder) {
		return folder
	}
	chosen, _ := pipeline.ReadNetworks(r.Run) // none where it has not come so far
	for _, n := range chosen.List {
		if n.Architecture == r.Architecture.String() {
			return n.Folder(r.Run)
		}
	}
	return folder
}

// Found is what run folders hold for an explorer.
type Found struct {
	Predictors []explore.Source // of the runs, such as "bilinear of digits"
	Fits       []Fitted         // how those of pipelines did
	Accuracies []Accuracy       // the newest last
}

// Find looks into run folders; what cannot be read is left out.
func Find(folders ...string) (f Found) {
	for _, run := range folders {
		for _, kind := range pipeline.Predictors() {
			if file := filepath.Join(run, kind+".safetensors"); exists(file) {
				f.Predictors = append(f.Predictors, PredictorOf(file))
			}
		}
		if fitted, err := pipeline.ReadFitted(run); err == nil {
			f.Fits = append(f.Fits, FittedBy(fitted)...)
		}
		if networks, err := pipeline.ReadNetworks(run); err == nil {
			f.Accuracies = append(f.Accuracies, AccuraciesOf(networks)...)
		}
		data, err := explore.ReadFile(filepath.Join(run, accuraciesFile))
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
			a := Accuracy{Run: run}
			if json.Unmarshal(lines.Bytes(), &a) == nil && a.Images > 0 {
				f.Accuracies = append(f.Accuracies, a)
			}
		}
	}
	return f
}

// AccuraciesOf are those of the networks that a pipeline has fine-tuned.
func AccuraciesOf(n pipeline.Networks) (out []Accuracy) {
	for _, network := range n.List {
		out = append(out, Accuracy{network.Architecture, OwnWeights, network.FineTuned, network.Images, n.Data, n.Folder})
	}
	return out
}

// PredictorOf names a predictor of a run folder.
func PredictorOf(file string) explore.Source {
	name := filepath.Base(file)
	return explore.Source{Name: name[:len(name)-len(filepath.Ext(name))] + " of " + filepath.Base(filepath.Dir(file)), Path: file}
}

// Runs lists the run folders in the user's data folder, the one that was written
// to last first.
func Runs() []string {
	folder := filepath.Join(explore.DataDir(), "runs")
	entries, _ := os.ReadDir(folder) // none yet
	written := map[string]time.Time{}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && e.IsDir() {
			written[filepath.Join(folder, e.Name())] = info.ModTime()
		}
	}
	return slices.SortedFunc(maps.Keys(written), func(a, b string) int { return written[b].Compare(written[a]) })
}
