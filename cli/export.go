package cli

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/internal/memory"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

func (a *app) exportCommand() *cobra.Command {
	var (
		file, checkpoint          string
		imageSize, classes, batch int
		seed                      uint64
	)
	cmd := &cobra.Command{
		Use:   "export [ARCH] --onnx FILE",
		Short: "Write a network as an ONNX file",
		Long: `Write a network as an ONNX file for deployment: batch normalisation is folded
into the convolutions; the input is "image", the output "logits". Weights come
from a checkpoint (what torch saves, or safetensors) of the network, or of a
supernet that holds it; else from a seed: then the file shows how fast the
network is, and its answers mean nothing. ONNX Runtime is not needed.

Image size, classes and, of a single network, the architecture are those of the
checkpoint where it says them; the file carries the names of the classes in
their order and how images are normalised.
` + architectureHelp,
		Example: `  binas-tui export network.txt --onnx network.onnx
  binas-tui export network.txt --onnx network.onnx \
    --checkpoint model_best.pth.tar
  binas-tui export --onnx network.onnx \
    --checkpoint runs/mine/finetuned.safetensors`,
		Args: atMost(1),
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
			var (
				arch model.Architecture
				err  error
			)
			if len(args) > 0 {
				if arch, err = a.architecture(args[0]); err != nil {
					return err
				}
			}
			r := exportReport{File: file, ImageSize: imageSize, Classes: classes, Batch: batch}
			var weights onnx.Weights = onnx.RandomWeights{Seed: seed}
			r.Weights = fmt.Sprintf("random, seed %d", seed)
			if checkpoint != "" {
				trained, err := a.exportTrained(cmd, checkpoint, &arch, &r)
				if err != nil {
					return err
				}
				weights = trained
			}
			if arch == nil {
				return usagef("export needs the architecture, a string or a file")
			}
			r.Architecture = arch.String()
			return a.export(arch, weights, r)
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "onnx", "", "`FILE` to write (required)")
	f.StringVar(&checkpoint, "checkpoint", "", "trained weights of the network or of its supernet, a torch or safetensors `FILE`")
	f.IntVar(&imageSize, "image-size", defaultImageSize, "side of the input image in `PIXELS` (default: that of the checkpoint, else 224)")
	f.Lookup("image-size").DefValue = "0" // the text has it
	f.IntVar(&classes, "classes", 1000, "classes, `N` (default: the checkpoint's, else 1000)")
	f.Lookup("classes").DefValue = "0" // the text has it
	f.IntVar(&batch, "batch", 1, "images at once, `N`; 0 leaves it open until the network runs")
	f.Uint64Var(&seed, "seed", 1, "`SEED` of random weights")
	a.addJSON(cmd)
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

	Notes []string `json:"notes,omitempty"`

	metadata map[string]string // of the file
}

// maxONNX is what protobuf can hold, in bytes.
const maxONNX = 2 << 30

// defaultImageSize is that of networks of which nothing is known.
const defaultImageSize = 224

// exportTrained reads the weights to export, and what is known of them.
func (a *app) exportTrained(cmd *cobra.Command, checkpoint string, arch *model.Architecture, r *exportReport) (*trained, error) {
	o, err := checkpointOrigin(checkpoint)
	if err != nil {
		return nil, err
	}
	if *arch, err = o.arch(*arch); err != nil {
		return nil, err
	}
	if *arch == nil {
		return nil, usagef("export needs the architecture, a string or a file: %s does not say it", checkpoint)
	}
	t, err := a.loadTrained(checkpoint, *arch)
	if err != nil {
		return nil, err
	}
	r.Weights, r.Trained = t.from, true
	changed := cmd.Flags().Changed
	if !changed("classes") {
		r.Classes = t.classes()
	}
	switch {
	case o.known == nil && !changed("image-size"):
		a.note(fmt.Sprintf("%s does not say at which image size it was trained: %d pixels are assumed", checkpoint, r.ImageSize))
	case o.known == nil:
	case !changed("image-size"):
		r.ImageSize = o.known.ImageSize
	case r.ImageSize != o.known.ImageSize:
		a.note(fmt.Sprintf("%s was trained at %d pixels: it is exported at %d", checkpoint, o.known.ImageSize, r.ImageSize))
	}
	if r.metadata = o.data.Metadata(); r.metadata != nil && o.crop > 0 {
		r.metadata["crop_pct"], r.metadata["interpolation"] = strconv.FormatFloat(o.crop, 'g', -1, 64), "bicubic"
	}
	return t, nil
}

func (a *app) export(arch model.Architecture, weights onnx.Weights, r exportReport) error {
	cost, err := arch.Cost(r.ImageSize, r.Classes)
	if err != nil {
		return usageError{err}
	}
	r.Params, r.MACs = cost.Params, cost.MACs
	if bytes := 4 * cost.Params; bytes >= maxONNX {
		return usagef("%d classes: the weights are %d bytes: an ONNX file ends at 2 GiB", r.Classes, bytes)
	}
	what := fmt.Sprintf("a network of %d classes", r.Classes)
	if err := memory.Check(what, 12*float64(cost.Params)); err != nil { // the weights, and twice the file
		return err
	}
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
	for _, name := range slices.Sorted(maps.Keys(r.metadata)) {
		graph.Metadata(name, r.metadata[name])
	}
	r.Notes = a.notes
	if err := safefile.Replace(r.File, true, safefile.Bytes(graph.Marshal())); err != nil {
		return err
	}
	a.sayNotes()
	if info, err := os.Stat(r.File); err == nil {
		r.Bytes = info.Size()
	}
	return a.print(r, r.write)
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
