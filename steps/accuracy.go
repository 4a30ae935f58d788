package steps

import (
	"fmt"
	"path/filepath"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/supernet/dataset"
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
	Data         string  `json:"data"`                       // the images: name and part of the data set
	Fingerprint  string  `json:"data_fingerprint,omitempty"` // of the data set
	Run          string  `json:"-"`                          // folder
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
	return a, explore.AppendJSON(filepath.Join(r.Run, accuraciesFile), a)
}

// tuned notes what fine-tuning has reached at its end.
func (r Request) tuned(s training.Settings, data *dataset.Identity, p training.Progress) (any, error) {
	out := Tuned{Progress: p}
	if len(p.Scores) == 0 || p.Scores[0].Images == 0 {
		return out, nil
	}
	images := s.Data + " validation"
	if s.TrainPercent < 100 {
		images = fmt.Sprintf("%s train, %d%% held out", s.Data, 100-s.TrainPercent)
	}
	var err error
	out.Accuracy, err = r.note(Accuracy{Weights: OwnWeights, Top1: p.Scores[0].Top1, Images: p.Scores[0].Images, Data: images, Fingerprint: data.Fingerprint})
	return out, err
}

// AccuraciesOf are those of the networks that a pipeline has fine-tuned.
func AccuraciesOf(n Networks) (out []Accuracy) {
	for _, network := range n.List {
		out = append(out, Accuracy{network.Architecture, OwnWeights, network.FineTuned, network.Images, n.Data, n.Fingerprint, n.Folder})
	}
	return out
}
