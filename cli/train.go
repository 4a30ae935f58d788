package cli

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/supernet/training"
)

func (a *app) trainCommand() *cobra.Command {
	var (
		t     trainingRun
		stage string
	)
	cmd := &cobra.Command{
		Use:   "train --stage heaviest|oneshot --data FOLDER --out RUN",
		Short: "Train the heaviest network, then the supernet",
		Long: `Train with ONNX Runtime on this machine. Stage heaviest trains the network with
every decision at its largest. Stage oneshot makes the supernet of it and trains
paths through that, taught by the heaviest network, which lies in the same run
folder or is named by --teacher.

The run folder keeps settings, metrics and checkpoints. The same command resumes
from the last checkpoint, whatever ended it, and ends with the same weights.
What flags leave open is as the run folder has it, else as in the preset: paper,
the paper's settings, or small, for small images and a few processor cores.

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
			s, o, err := a.prepare(cmd, &t, which, nil)
			if err != nil {
				return err
			}
			if which == training.OneShot {
				if err := a.loadTeacher(&t, &o, t.out); err != nil {
					return err
				}
			}
			return a.train(cmd, &t, s, o)
		},
	}
	cmd.Flags().StringVar(&stage, "stage", "", "`STAGE` to train, heaviest or oneshot (required)")
	t.addFlags(a, cmd, training.Heaviest, training.OneShot)
	return cmd
}

// loadTeacher reads the heaviest network of a run folder, or that of --teacher.
func (a *app) loadTeacher(t *trainingRun, o *training.Options, run string) error {
	file := t.teacher
	if file == "" {
		file = training.Run{Folder: run}.Weights(training.Heaviest)
	}
	c, err := a.loadWeights(file)
	if t.teacher == "" && errors.Is(err, fs.ErrNotExist) {
		return usagef("there is no heaviest network in %s yet: train it first with --stage %s, or name one with --teacher", run, training.Heaviest)
	}
	if err != nil {
		return err
	}
	if epoch, epochs := c.Meta["epoch"], c.Meta["epochs"]; epoch != epochs {
		a.note(fmt.Sprintf("the heaviest network in %s was trained for %s of %s epochs so far", file, epoch, epochs))
	}
	o.Heaviest = c.Weights
	if t.teacher == "" { // it is of the run, and so is the data
		return nil
	}
	from, err := checkpointOrigin(file)
	if err != nil {
		return err
	}
	return a.suits(from, *o.Data)
}
