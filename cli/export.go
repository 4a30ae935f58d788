package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/sanitize"
)

func (a *app) exportCommand() *cobra.Command {
	var (
		file, checkpoint          string
		imageSize, classes, batch int
		seed                      uint64
		asJSON                    bool
	)
	cmd := &cobra.Command{
		Use:   "export ARCH --onnx FILE",
		Short: "Write a network as an ONNX file",
		Long: `Write a network as an ONNX file for deployment: batch normalisation is folded
into the convolutions; the input is "image", the output "logits". Weights come
from a checkpoint (what torch saves, or safetensors) of the network, or of a
supernet that holds it; else from a seed: then the file shows how fast the
network is, and its answers mean nothing. ONNX Runtime is not needed.
` + architectureHelp,
		Example: `  binas-tui export network.txt --onnx network.onnx
  binas-tui export network.txt --onnx network.onnx \
    --checkpoint model_best.pth.tar
  binas-tui export network.txt --onnx network.onnx \
    --checkpoint supernet.safetensors --image-size 32`,
		Args: arguments("the architecture, a string or a file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case file == "":
				return usagef("export needs --onnx, the file to write")
			case checkpoint != "" && cmd.Flags().Changed("seed"):
				return usagef("--checkpoint and --seed: expected one of them")
			}
			for _, n := range []struct {
				name               string
				value, least, most int
			}{{"image-size", imageSize, 16, model.MaxImageSize}, {"classes", classes, 1, 1 << 20}, {"batch", batch, 0, maxBatch}} {
				if err := checkCount(cmd, n.name, n.value, n.least, n.most); err != nil {
					return err
				}
			}
			arch, err := a.architecture(args[0])
			if err != nil {
				return err
			}
			r := exportReport{File: file, ImageSize: imageSize, Classes: classes, Batch: batch, Architecture: arch.String()}
			var weights onnx.Weights = onnx.RandomWeights{Seed: seed}
			r.Weights = fmt.Sprintf("random, seed %d", seed)
			if checkpoint != "" {
				trained, err := loadTrained(checkpoint, arch)
				if err != nil {
					return err
				}
				weights, r.Weights, r.Trained = trained, trained.from, true
				if !cmd.Flags().Changed("classes") {
					r.Classes = trained.classes()
				}
			}
			return a.export(arch, weights, r, asJSON)
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "onnx", "", "`FILE` to write (required)")
	f.StringVar(&checkpoint, "checkpoint", "", "trained weights of the network or of its supernet, a torch or safetensors `FILE`")
	f.IntVar(&imageSize, "image-size", 224, "side of the input image in `PIXELS`")
	f.IntVar(&classes, "classes", 1000, "classes, `N` (default: the checkpoint's, else 1000)")
	f.Lookup("classes").DefValue = "0" // the text has it
	f.IntVar(&batch, "batch", 1, "images at once, `N`; 0 leaves it open until the network runs")
	f.Uint64Var(&seed, "seed", 1, "`SEED` of random weights")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// exportReport is the JSON of an exported network.
type exportReport struct {
	Params       int64  `json:"params"`
	MACs         int64  `json:"macs"` // for one image
	File         string `json:"file"`
	Bytes        int64  `json:"bytes"`
	Weights      string `json:"weights"`
	Trained      bool   `json:"trained"` // the weights are of a checkpoint
	ImageSize    int    `json:"image_size"`
	Classes      int    `json:"classes"`
	Batch        int    `json:"batch"` // 0 is open
	Architecture string `json:"architecture"`
}

func (a *app) export(arch model.Architecture, weights onnx.Weights, r exportReport, asJSON bool) error {
	cost, err := arch.Cost(r.ImageSize, r.Classes)
	if err != nil {
		return usageError{err}
	}
	r.Params, r.MACs = cost.Params, cost.MACs
	batch := r.Batch
	if batch == 0 {
		batch = onnx.Batch
	}
	graph, err := onnx.Network(arch, weights, onnx.NetworkOptions{ImageSize: r.ImageSize, Classes: r.Classes, Batch: batch})
	if t, ok := weights.(*trained); ok && err == nil {
		err = t.checkUsed()
	}
	if err != nil {
		return checkpointError(r.Weights, err)
	}
	graph.Metadata("weights", r.Weights)
	if err := safefile.Replace(r.File, true, safefile.Bytes(graph.Marshal())); err != nil {
		return err
	}
	if info, err := os.Stat(r.File); err == nil {
		r.Bytes = info.Size()
	}
	if asJSON {
		return writeJSON(a.out, r)
	}
	return r.write(a.out)
}

func (r *exportReport) write(w io.Writer) error {
	fmt.Fprintf(w, "parameters %.3f M (%d)\n", float64(r.Params)/1e6, r.Params)
	fmt.Fprintf(w, "MACs       %.1f M (%d) at %d pixels\n", float64(r.MACs)/1e6, r.MACs, r.ImageSize)
	note := ""
	if !r.Trained {
		note = ": the answers mean nothing, the latency does"
	}
	fmt.Fprintf(w, "weights    %s%s\n", sanitize.Line(r.Weights), note)
	_, err := fmt.Fprintf(w, "written to %s (%.1f MB)\n", sanitize.Line(r.File), float64(r.Bytes)/1e6)
	return err
}
