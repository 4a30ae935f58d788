package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
)

func (a *app) validateCommand() *cobra.Command {
	var (
		v    evaluating
		arch string
	)
	cmd := &cobra.Command{
		Use:   "validate --arch ARCH --checkpoint FILE --data FOLDER",
		Short: "Evaluate one network: top-1, top-5, loss, images per second",
		Long: `Evaluate one network on the validation part of a data set, with weights of its
own or those it has in a supernet. An ONNX file needs no --arch, and one
that takes images of any size needs --image-size. A checkpoint of one network
that train or finetune wrote says which that is, its image size and its classes,
and so does a run folder of finetune. With --train-percent 80 the images are
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
			if !onnx.CanRun() { // before anything is read
				return onnx.ErrNoCgo
			}
			var architecture model.Architecture
			var err error
			if arch != "" {
				if architecture, err = a.architecture(arch); err != nil {
					return err
				}
			}
			o, architecture, err := v.network(a, cmd, architecture)
			if err != nil {
				return err
			}
			return a.validate(cmd, &v, o, architecture)
		},
	}
	v.addFlags(cmd, "100")
	f := cmd.Flags()
	f.StringVar(&arch, "arch", "", "`ARCH` to evaluate")
	a.addJSON(cmd)
	return cmd
}

// network finds the network of a run: that of a fine-tuned one, or a child of its
// supernet; or that of a checkpoint, which may say which it is.
func (v *evaluating) network(a *app, cmd *cobra.Command, arch model.Architecture) (*origin, model.Architecture, error) {
	stage := training.OneShot
	if v.run != "" {
		r, err := training.ReadRun(v.run)
		if err != nil {
			return nil, nil, usageError{err}
		}
		if _, tuned := r.Stages[training.FineTune]; tuned {
			stage = training.FineTune
		} else if arch == nil {
			return nil, nil, usagef("validate needs --arch: the run has no network that was fine-tuned")
		}
	}
	o, err := v.resolve(a, cmd, stage)
	if err != nil {
		return nil, nil, err
	}
	// The network is judged on images that no decision was made with.
	if !cmd.Flags().Changed("train-percent") {
		v.src.TrainPercent = 100
	}
	arch, err = o.arch(arch)
	return o, arch, err
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
	Fingerprint     string         `json:"data_fingerprint"`
	Notes           []string       `json:"notes,omitempty"`
	imagesReport
}

func (a *app) validate(cmd *cobra.Command, v *evaluating, o *origin, arch model.Architecture) error {
	ctx := cmd.Context()
	n, images, err := evaluation.OpenNetwork(ctx, arch, v.src)
	if err != nil {
		return v.sourceError(err)
	}
	defer n.Close()
	a.noteData(images.Set())
	a.noteChoice(v.src.Checkpoint, n.Choice)
	v.noteAssumed(a, cmd, o, images)
	v.noteTrainedOn(a, o)
	a.sayNotes()
	r := validateReport{Checkpoint: v.src.Checkpoint, Fingerprint: images.Fingerprint, Notes: a.notes}
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
	r.imagesReport = newImagesReport(images)
	return a.print(r, r.write)
}

func (r validateReport) write(w io.Writer) error {
	_, err := fmt.Fprintf(w, "top-1   %.2f %%\ntop-5   %.2f %%\nloss    %.4f\nimages  %d (%s), %.0f a second\n",
		float64(r.Top1), float64(r.Top5), float64(r.Loss), r.Images, sanitize.Line(r.Data), float64(r.ImagesPerSecond))
	r.writeUnreadable(w)
	return err
}
