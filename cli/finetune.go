package cli

import (
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/training"
)

func (a *app) finetuneCommand() *cobra.Command {
	var (
		t               trainingRun
		arch            string
		run, checkpoint string
	)
	cmd := &cobra.Command{
		Use:   "finetune --arch ARCH --run RUN --out RUN2",
		Short: "Fine-tune a network of the supernet",
		Long: `Take a network out of the supernet and fine-tune it on this machine, with the
heaviest network as teacher.
` + architectureHelp + `

The supernet is that of a run folder, or a checkpoint: safetensors, or BINAS's
.pth. Where there is no heaviest network beside it, the one inside the supernet
teaches. Image size and preset are those that the supernet was trained with, and
the data must be that of its run. The same command resumes from the last
checkpoint.`,
		Example: `  binas-tui search --profile digits --limit 0.4ms --json |
    binas-tui finetune --arch - --run runs/digits --out runs/mine
  binas-tui finetune --arch network.txt --checkpoint supernet.pth \
    --data imagenet --out runs/network`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if arch == "" {
				return usagef("finetune needs --arch, the architecture, a string or a file")
			}
			if (run == "") == (checkpoint == "") {
				return usagef("finetune needs --run, the run folder of the supernet, or --checkpoint, its file")
			}
			architecture, err := a.architecture(arch)
			if err != nil {
				return err
			}
			var from *origin
			if run != "" {
				from, err = runOrigin(run, training.OneShot)
			} else {
				from, err = checkpointOrigin(checkpoint)
			}
			if err != nil {
				return err
			}
			s, o, err := a.prepare(cmd, &t, training.FineTune, from)
			if err != nil {
				return err
			}
			s.Arch = architecture.String()
			if arch == "-" { // the command that goes on is shown, and has no such input
				arch = s.Arch
			}
			space, err := newSpace(s.Space, s.ImageSize)
			if err != nil {
				return err
			}
			if _, err := space.Path(architecture); err != nil {
				return usagef("--arch: %w", err)
			}
			if err := a.loadSupernet(&t, &o, space, run, checkpoint); err != nil {
				return err
			}
			return a.train(cmd, &t, s, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&arch, "arch", "", "`ARCH` to train (required)")
	f.StringVar(&run, "run", "", "run `FOLDER` of the supernet")
	f.StringVar(&checkpoint, "checkpoint", "", "supernet, a `FILE`")
	t.addFlags(a, cmd, training.FineTune)
	return cmd
}

// loadSupernet reads the supernet and its teacher.
func (a *app) loadSupernet(t *trainingRun, o *training.Options, space *model.Space, run, checkpoint string) error {
	file := checkpoint
	if file == "" {
		file = training.Run{Folder: run}.Weights(training.OneShot)
	}
	c, err := a.loadWeights(file)
	if checkpoint == "" && errors.Is(err, fs.ErrNotExist) {
		return usagef("there is no supernet in %s yet: train it first with --stage %s", run, training.OneShot)
	}
	if err == nil {
		if _, err = supernet.CheckSupernet(space, c.Weights); err != nil {
			err = usagef("%s: %w", file, err)
		}
	}
	if err != nil {
		return err
	}
	o.Supernet = c.Weights
	if t.teacher != "" || checkpoint == "" {
		return a.loadTeacher(t, o, run)
	}
	o.Heaviest, err = supernet.Child(space, c.Weights, supernet.HeaviestPath(space))
	return err
}
