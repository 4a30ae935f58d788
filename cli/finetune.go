package cli

import (
	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/supernet/training"
)

func (a *app) finetuneCommand() *cobra.Command {
	t := steps.NewTraining(training.FineTune)
	cmd := &cobra.Command{
		Use:   "finetune --arch ARCH --run RUN [--out RUN2]",
		Short: "Fine-tune a network of the supernet",
		Long: `Take a network out of the supernet and fine-tune it on this machine, with the
heaviest network as teacher.
` + architectureHelp + `

The supernet is that of a run folder, or a checkpoint: safetensors, or BINAS's
.pth. Where there is no heaviest network beside it, the one inside the supernet
teaches. A checkpoint may be of the network itself too, such as timm's
hardcorenas_f, and the data have other classes than it: the classifier begins
anew then. Image size and preset are those that the supernet was trained with,
and the data must be that of its run. The same command resumes from the last
checkpoint; --out alone does too.`,
		Example: `  binas-tui search --profile digits --limit 0.4ms --json |
    binas-tui finetune --arch - --run runs/digits --out runs/mine
  binas-tui finetune --arch network.txt --checkpoint supernet.pth \
    --data imagenet --out runs/network`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := t.GoOn(); err != nil {
				return err
			}
			// The command that resumes is shown with the architecture itself: standard
			// input is not there again.
			if (t.Run == "") != (t.Checkpoint == "") { // else that is refused
				if err := a.readArchitecture(&t.Settings.Arch); err != nil {
					return err
				}
			}
			return a.train(cmd, t)
		},
	}
	addParams(cmd, t.Values())
	a.addMetricsJSON(cmd)
	return cmd
}

// readArchitecture puts the architecture in place of a file of it, or of - for
// standard input; none stays none.
func (a *app) readArchitecture(arch *string) error {
	if *arch == "" {
		return nil
	}
	architecture, err := a.architecture(*arch)
	if err == nil {
		*arch = architecture.String()
	}
	return err
}
