package steps

import (
	"fmt"
	"path/filepath"

	"github.com/binas-tui/binas-tui/explore"
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

const accuraciesFile = "accuracies.jsonl"

// noteAccuracy adds an accuracy to those of the run. A run that cannot be written
// to, which may be of somebody else, is no reason to lose the result: it is said.
func (c *Common) noteAccuracy(a Accuracy) Accuracy {
	a.Run = c.Run
	if err := explore.AppendJSON(filepath.Join(c.Run, accuraciesFile), a); err != nil {
		c.note("the accuracy is not noted in the run: %v", err)
	}
	return a
}

// AccuraciesOf are those of the networks that a pipeline has fine-tuned.
func AccuraciesOf(n Networks) (out []Accuracy) {
	for _, network := range n.List {
		out = append(out, Accuracy{network.Architecture, OwnWeights, network.FineTuned, network.Images, n.Data, n.Fingerprint, n.Folder})
	}
	return out
}
