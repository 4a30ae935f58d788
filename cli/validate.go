package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/job"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/sanitize"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
)

func (a *app) validateCommand() *cobra.Command {
	var (
		v      evaluating
		arch   string
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "validate --arch ARCH --checkpoint FILE --data FOLDER",
		Short: "Evaluate one network: top-1, top-5, loss, images per second",
		Long: `Evaluate one network on the validation part of a data set, with weights of its
own or those it has in a one-shot model. An ONNX file needs no --arch, and one
that takes images of any size needs --image-size. A run folder of finetune knows
its network. With --train-percent 80 the images are
instead those of the training part that train --train-percent 80 holds out.
` + architectureHelp,
		Example: `  binas-tui validate --arch network.txt --checkpoint model_best.pth.tar \
    --data imagenet
  binas-tui validate --run runs/mine --json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := v.check(cmd); err != nil {
				return err
			}
			var architecture model.Architecture
			var err error
			if arch != "" {
				if architecture, err = a.architecture(arch); err != nil {
					return err
				}
			}
			if architecture, err = v.network(cmd, architecture); err != nil {
				return err
			}
			return a.validate(cmd.Context(), &v, architecture, asJSON)
		},
	}
	v.addFlags(cmd, "100")
	f := cmd.Flags()
	f.StringVar(&arch, "arch", "", "`ARCH` to evaluate")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// network finds the network of a run: that of a fine-tuned one, or a child of its
// one-shot model.
func (v *evaluating) network(cmd *cobra.Command, arch model.Architecture) (model.Architecture, error) {
	stage := training.OneShot
	if v.run != "" {
		r, err := training.ReadRun(v.run)
		if err != nil {
			return nil, usageError{err}
		}
		if _, tuned := r.Stages[training.FineTune]; tuned {
			stage = training.FineTune
		} else if arch == nil {
			return nil, usagef("validate needs --arch: the run has no network that was fine-tuned")
		}
	}
	s, err := v.resolve(cmd, stage)
	if err != nil {
		return nil, err
	}
	// The network is judged on images that no decision was made with.
	if !cmd.Flags().Changed("train-percent") {
		v.src.TrainPercent = 100
	}
	if s.Arch == "" {
		return arch, nil
	}
	own, err := model.ParseArchitecture(s.Arch)
	if err == nil && arch != nil && arch.String() != own.String() {
		err = usagef("--arch is another network than that of %s: leave it out", v.run)
	}
	return own, err
}

// validateReport is the JSON of a network that was evaluated.
type validateReport struct {
	Top1            explore.Number `json:"top1"` // percent
	Top5            explore.Number `json:"top5"` // percent
	Loss            explore.Number `json:"loss"` // mean cross-entropy
	Images          int            `json:"images"`
	ImagesPerSecond explore.Number `json:"images_per_second"`
	Data            string         `json:"data"`
	Checkpoint      string         `json:"checkpoint"`
	Architecture    string         `json:"architecture,omitempty"`
}

func (a *app) validate(ctx context.Context, v *evaluating, arch model.Architecture, asJSON bool) error {
	n, images, err := evaluation.OpenNetwork(ctx, arch, v.src)
	if err != nil {
		return v.sourceError(err)
	}
	defer n.Close()
	r := validateReport{Checkpoint: v.src.Checkpoint}
	if arch != nil {
		r.Architecture = arch.String()
	}
	result, _, err := runJob(ctx, a, "validate", func(ctx context.Context, j *job.Job) (evaluation.Validation, error) {
		return evaluation.Validate(ctx, n, images, v.src.Threads, j)
	})
	if err != nil {
		return err
	}
	r.Top1, r.Top5, r.Loss = explore.Number(result.Top1), explore.Number(result.Top5), explore.Number(result.Loss)
	r.Images, r.ImagesPerSecond, r.Data = result.Images, explore.Number(result.ImagesPerSecond), result.Data
	if asJSON {
		return writeJSON(a.out, r)
	}
	return r.write(a.out)
}

func (r validateReport) write(w io.Writer) error {
	_, err := fmt.Fprintf(w, "top-1   %.2f %%\ntop-5   %.2f %%\nloss    %.4f\nimages  %d (%s), %.0f a second\n",
		float64(r.Top1), float64(r.Top5), float64(r.Loss), r.Images, sanitize.Line(r.Data), float64(r.ImagesPerSecond))
	return err
}
