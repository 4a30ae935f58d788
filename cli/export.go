package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/steps"
)

func (a *app) exportCommand() *cobra.Command {
	t := steps.NewExporting()
	cmd := &cobra.Command{
		Use:   "export [ARCH] --onnx FILE",
		Short: "Write a network as an ONNX file",
		Long: `Write a network as an ONNX file for deployment: batch normalisation is folded
into the convolutions; the input is "image", the output "logits". Weights come
from a checkpoint (what torch saves, or safetensors) of the network, or of a
supernet that holds it; else from a seed: then the file shows how fast the
network is, and its answers mean nothing. ONNX Runtime is needed for --check
alone.

Image size, classes and, of a single network, the architecture are those of the
checkpoint where it says them; the file carries the names of the classes in
their order and how images are prepared (docs/DEPLOYING.md). With --check IMAGE
the written file answers to an image, prepared as is documented, beside the
weights: the command fails where they differ.

--precision fp16 writes floats of 16 bits, for cards; inputs and outputs stay
as they are. With --data it says top-1 on the validation part beside fp32.

--precision int8 quantises the network after training (QDQ; weights by channel,
activations as unsigned bytes; stem and first stages stay in floats), calibrated
on training images of --data. It says top-1 on the validation part beside fp32,
and the latency of both, measured in turn on this machine. ONNX Runtime is
needed for it.
` + architectureHelp,
		Example: `  binas-tui export network.txt --onnx network.onnx
  binas-tui export network.txt --onnx network.onnx \
    --checkpoint model_best.pth.tar
  binas-tui export --onnx network.onnx \
    --checkpoint runs/mine/finetuned.safetensors
  binas-tui export --onnx network-int8.onnx --precision int8 \
    --data photos --checkpoint runs/mine/finetuned.safetensors`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				t.Arch = args[0]
			}
			if err := steps.RefuseONNX(t.Arch); err != nil {
				return err
			}
			if err := a.readArchitecture(&t.Arch); err != nil {
				return err
			}
			e, _, err := runStep[steps.Exported](cmd, a, t)
			if err != nil {
				return err
			}
			r := exportReport{e, a.notes}
			return a.print(r, r.write)
		},
	}
	addParams(cmd, t.Values())
	a.addJSON(cmd)
	return cmd
}

// exportReport is the JSON of an exported network.
type exportReport struct {
	steps.Exported
	Notes []string `json:"notes,omitempty"`
}

func (r *exportReport) write(w io.Writer) error {
	_, err := fmt.Fprintln(w, strings.Join(r.Lines(), "\n"))
	if c := r.Checked; c != nil {
		_, err = fmt.Fprintf(w, "checked    %s: predicted to be %s; the file and the weights differ by %.1g in the logits, %.1g in the prepared image\n",
			sanitize.Line(c.Image), sanitize.Line(c.Class), c.Difference, c.InputDifference)
	}
	return err
}
