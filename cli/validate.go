package cli

import (
	"cmp"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/steps"
)

func (a *app) validateCommand() *cobra.Command {
	t := steps.NewValidating()
	cmd := &cobra.Command{
		Use:   "validate --arch ARCH --checkpoint FILE --data FOLDER",
		Short: "Evaluate one network: top-1, top-5, loss, images per second",
		Long: `Evaluate one network on the validation part of a data set, with weights of its
own or those it has in a supernet. An ONNX file needs no --arch, and one that
takes images of any size needs --image-size. A checkpoint of one network that
train or finetune wrote says which that is, its image size and its classes, and
so does a run folder of finetune. With --train-percent 80 the images are instead
those of the training part that train --train-percent 80 holds out. With
--predictions FILE every answer is written, one line of JSON an image: whoever
deploys the network can prove that it answers likewise.
` + architectureHelp,
		Example: `  binas-tui validate --arch network.txt --checkpoint model_best.pth.tar \
    --data imagenet
  binas-tui validate --run runs/mine --json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.readArchitecture(&t.Arch); err != nil {
				return err
			}
			v, _, err := runStep[steps.Validated](cmd, a, t, t.Predictions)
			if err != nil {
				return err
			}
			r := validateReport{
				Top1: explore.Number(v.Top1), Top5: explore.Number(v.Top5), Loss: explore.Number(v.Loss), Images: v.Images,
				ImagesPerSecond: explore.Number(v.ImagesPerSecond), Device: cmp.Or(t.Device, string(onnx.CPU)), Data: v.Data, Checkpoint: v.Checkpoint, Architecture: v.Accuracy.Architecture,
				Fingerprint: v.Accuracy.Fingerprint, Predictions: t.Predictions, Notes: a.notes, ImagesReport: v.ImagesReport,
			}
			return a.print(r, r.write)
		},
	}
	addParams(cmd, t.Values())
	a.addJSON(cmd)
	return cmd
}

// validateReport is the JSON of a network that was evaluated.
type validateReport struct {
	Top1            explore.Number `json:"top1"` // percent
	Top5            explore.Number `json:"top5"` // percent
	Loss            explore.Number `json:"loss"` // mean cross-entropy
	Images          int            `json:"images"`
	ImagesPerSecond explore.Number `json:"images_per_second"`
	Device          string         `json:"device"` // that the network ran on
	Data            string         `json:"data"`
	Checkpoint      string         `json:"checkpoint"`
	Architecture    string         `json:"architecture,omitempty"`
	Fingerprint     string         `json:"data_fingerprint"`
	Predictions     string         `json:"predictions,omitempty"` // file
	Notes           []string       `json:"notes,omitempty"`
	steps.ImagesReport
}

func (r validateReport) write(w io.Writer) error {
	_, err := fmt.Fprintf(w, "top-1   %.2f %%\ntop-5   %.2f %%\nloss    %.4f\nimages  %d (%s), %.0f a second\n",
		float64(r.Top1), float64(r.Top5), float64(r.Loss), r.Images, sanitize.Line(r.Data), float64(r.ImagesPerSecond))
	writeUnreadable(w, r.ImagesReport)
	if r.Predictions != "" {
		_, err = fmt.Fprintf(w, "written to %s\n", sanitize.Line(r.Predictions))
	}
	return err
}
