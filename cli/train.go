package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/training"
)

func (a *app) trainCommand() *cobra.Command {
	t := steps.NewTraining("")
	var stage string
	cmd := &cobra.Command{
		Use:   "train --stage heaviest|oneshot --data FOLDER --out RUN",
		Short: "Train the heaviest network, then the supernet",
		Long: `Train with ONNX Runtime on this machine. Stage heaviest trains the network with
every decision at its largest. Stage oneshot makes the supernet of it and trains
paths through that, taught by the heaviest network, which lies in the same run
folder or is named by --teacher.

The run folder keeps settings, metrics and checkpoints. The same command resumes
from the last checkpoint, whatever ended it, and ends with the same weights.
What flags leave open is as the run folder has it, else as in the preset: auto,
which follows from the data, small, for the digits, or paper. What a training of
more than a minute will take is estimated from some steps before the first.
--device cuda trains on a graphics card.

The run keeps which data it was begun with. Other data is refused; a data folder
that was moved or renamed is the same data, and --data says where it is.`,
		Example: `  binas-tui train --stage heaviest --data digits --out runs/digits
  binas-tui train --stage oneshot --data digits --out runs/digits \
    --sampling sandwich --paths 4`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			which := training.Stage(stage)
			if which != training.Heaviest && which != training.OneShot {
				return usagef("--stage %q: expected %s or %s", stage, training.Heaviest, training.OneShot)
			}
			for _, v := range t.Values() {
				if _, has := steps.NewTraining(which).Values().Named(v.Key); !has && cmd.Flags().Changed(v.Flag()) {
					a.notes = append(a.notes, fmt.Sprintf("--%s is not used: stage %s has no such setting", v.Flag(), which))
				}
			}
			t.Settings.Stage = which
			return a.train(cmd, t)
		},
	}
	cmd.Flags().StringVar(&stage, "stage", "", "`STAGE` to train, heaviest or oneshot (required)")
	addParams(cmd, t.Values())
	a.addMetricsJSON(cmd)
	return cmd
}

func (a *app) addMetricsJSON(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&a.json, "json", false, "print metrics as lines of JSON, and the result as the last")
}

func (a *app) train(cmd *cobra.Command, t *steps.Training) error {
	var writing error
	t.Metric = func(m training.Metric) {
		if err := a.writeMetric(m); err != nil && writing == nil {
			writing = err
		}
	}
	if a.json {
		t.Estimated = func(e steps.Estimate) {
			if err := errors.Join(writeJSONLine(a.out, map[string]steps.Estimate{"estimate": e}), a.out.Flush()); err != nil && writing == nil {
				writing = err
			}
		}
	}
	r, _, err := runStep[steps.Trained](cmd, a, t)
	switch {
	case err != nil:
		return err
	case writing != nil:
		return writing
	case a.json:
		return writeJSONLine(a.out, trainedReport{r.Stage, r.Epochs, r.Steps, r.Weights, r.Scores, a.notes, r.TrainUnreadable, r.HeldOutUnreadable})
	}
	_, err = fmt.Fprintf(a.out, "%s: %s, %s; weights in %s\n", r.Stage, phrase.Count(r.Epochs, "epoch"), phrase.Count(r.Steps, "step"), sanitize.Line(r.Weights))
	return err
}

// writeMetric prints a line of metrics at once.
func (a *app) writeMetric(m training.Metric) error {
	if a.json {
		if err := writeJSONLine(a.out, m); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(a.out, metricLine(m))
	}
	return a.out.Flush()
}

func metricLine(m training.Metric) string {
	if len(m.Validation) == 0 {
		line := fmt.Sprintf("epoch %d step %d: loss %.4f, top-1 %.1f%%, lr %.3g", m.Epoch, m.Step, m.Loss, m.Top1, m.LR)
		if m.ImagesPerSecond > 0 { // not known of a single step
			line += fmt.Sprintf(", %.0f images/s", m.ImagesPerSecond)
		}
		if m.KL != 0 || m.Features != 0 {
			line += fmt.Sprintf(" (cross-entropy %.4f, distillation %.4f, features %.3g)", m.CE, m.KL, m.Features)
		}
		return line
	}
	parts := make([]string, len(m.Validation))
	for i, s := range m.Validation {
		parts[i] = fmt.Sprintf("%s %.2f%% (loss %.3f)", s.Network, s.Top1, s.Loss)
	}
	return fmt.Sprintf("epoch %d held out: top-1 %s", m.Epoch, strings.Join(parts, ", "))
}

// trainedReport is the last line of --json.
type trainedReport struct {
	Stage      training.Stage   `json:"stage"`
	Epochs     int              `json:"epochs"`
	Steps      int              `json:"steps"`
	Weights    string           `json:"weights"`
	Validation []training.Score `json:"validation"`
	Notes      []string         `json:"notes,omitempty"`
	// Absent where images are in memory.
	TrainUnreadable   *dataset.Unreadable `json:"train_unreadable,omitempty"`
	HeldOutUnreadable *dataset.Unreadable `json:"held_out_unreadable,omitempty"`
}
