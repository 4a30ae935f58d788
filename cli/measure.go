package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

func (a *app) measureCommand() *cobra.Command {
	var m measuring
	var imageSize int
	cmd := &cobra.Command{
		Use:   "measure ARCH",
		Short: "Measure the latency of one network on this machine",
		Long: `Measure a whole network with ONNX Runtime on this machine, beside what a latency
table predicts. With --lut, what other flags leave open is as in the table.
` + architectureHelp,
		Example: `  binas-tui search --limit 5ms --json | binas-tui measure -
  binas-tui measure network.txt --lut laptop --json`,
		Args: arguments("the architecture, a string or a file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := m.check(cmd); err != nil {
				return err
			}
			if err := checkCount(cmd, "image-size", imageSize, 16, model.MaxImageSize); err != nil {
				return err
			}
			arch, err := a.architecture(args[0])
			if err != nil {
				return err
			}
			lut, name, _, err := m.table()
			if err != nil {
				return err
			}
			like := latency.Provenance{}
			if m.lut != "" {
				like = lut.Provenance
				if !cmd.Flags().Changed("image-size") && like.ImageSize != 0 {
					imageSize = like.ImageSize
				}
			}
			if err := m.like(like); err != nil {
				return err
			}
			device, err := m.open(cmd.Context(), a)
			if err != nil {
				return err
			}
			defer device.Close()
			r := networkReport{
				Architecture: arch.String(), LUT: name, Threads: m.threads, Batch: m.batch, Target: m.target, Precision: m.precision,
				ImageSize: imageSize,
			}
			r.Host, r.Processor, r.Runtime = device.Provenance().Host, device.Provenance().Processor, device.Provenance().Runtime
			r.predict(lut, arch)
			progress := a.newMeasureStatus()
			o := m.options(a, device)
			o.Progress = progress.report
			measured, err := latency.MeasureNetwork(cmd.Context(), arch, imageSize, o)
			progress.end()
			if err != nil {
				return measureError(err)
			}
			r.MedianMS, r.MinMS = explore.Number(measured.MedianMS), explore.Number(measured.MinMS)
			r.Spread, r.Rounds = explore.Number(measured.Spread), measured.Rounds
			return a.print(r, r.write)
		},
	}
	m.addFlags(cmd, "the table's, else as for lut measure")
	m.addLUT(cmd, " that predicts")
	f := cmd.Flags()
	f.IntVar(&imageSize, "image-size", 224, "side of the input image in `PIXELS` (default: the table's, else 224)")
	f.Lookup("image-size").DefValue = "0" // the text has it
	a.addJSON(cmd)
	return cmd
}

// networkReport is the JSON of one network that was measured.
type networkReport struct {
	Architecture string          `json:"architecture"`
	MedianMS     explore.Number  `json:"median_ms"`
	MinMS        explore.Number  `json:"min_ms"`
	Spread       explore.Number  `json:"spread"` // (q75-q25)/median over rounds
	Rounds       int             `json:"rounds"`
	PredictedMS  *explore.Number `json:"predicted_ms"`
	NoPrediction string          `json:"no_prediction,omitempty"` // why it is null
	LUT          string          `json:"lut"`
	Threads      int             `json:"threads"`
	Batch        int             `json:"batch"`
	Host         string          `json:"host,omitempty"` // empty: this machine
	Processor    string          `json:"processor"`
	Target       string          `json:"target"`
	Precision    onnx.Precision  `json:"precision"`
	ImageSize    int             `json:"image_size"`
	Runtime      string          `json:"runtime"`
}

// predict fills in what the table predicts, where it is about this network
// measured in this way, or else why not.
func (r *networkReport) predict(lut *latency.LUT, arch model.Architecture) {
	p := lut.Provenance
	profile, err := explore.FindProfile("")
	if err != nil {
		r.NoPrediction = err.Error()
		return
	}
	space, err := explore.SpaceOf(lut, profile)
	if err != nil {
		r.NoPrediction = err.Error()
		return
	}
	switch {
	case space.ImageSize != r.ImageSize:
		r.NoPrediction = fmt.Sprintf("the table is for %d pixels", space.ImageSize)
	case p.Threads != 0 && p.Threads != r.Threads:
		r.NoPrediction = fmt.Sprintf("the table is for %d %s", p.Threads, phrase.Plural(p.Threads, "thread"))
	case p.Batch != 0 && p.Batch != r.Batch:
		r.NoPrediction = fmt.Sprintf("the table is for batch %d", p.Batch)
	case p.Elsewhere(latency.Provenance{Host: r.Host, Processor: r.Processor}):
		r.NoPrediction = "the table is for " + p.Machine()
	case p.Device != "" && p.Device != r.Target:
		r.NoPrediction = fmt.Sprintf("the table is for target %s", p.Device)
	case p.ComputesIn() != r.Precision:
		r.NoPrediction = fmt.Sprintf("the table is for %s", p.ComputesIn())
	}
	if r.NoPrediction != "" {
		return
	}
	path, err := space.Path(arch)
	if err != nil {
		r.NoPrediction = fmt.Sprintf("the network is not of %s: %v", space.Name, err)
		return
	}
	table, err := lut.Table(space)
	if err != nil {
		r.NoPrediction = err.Error()
		return
	}
	r.PredictedMS = new(explore.Number(table.LatencyMS(space, path)))
}

func (r *networkReport) write(w io.Writer) error {
	sanitize.Fprintf(w, "latency    %s ms over %d rounds (fastest %s ms, interquartile range %.1f %%)\n",
		phrase.MS(float64(r.MedianMS), 4), r.Rounds, phrase.MS(float64(r.MinMS), 4), 100*float64(r.Spread))
	if p := r.PredictedMS; p != nil {
		sanitize.Fprintf(w, "predicted  %s ms by %s (%+.1f %%)\n", phrase.MS(float64(*p), 4), sanitize.Line(r.LUT), 100*(float64(*p)/float64(r.MedianMS)-1))
	} else {
		fmt.Fprintf(w, "predicted  not by %s: %s\n", sanitize.Line(r.LUT), sanitize.Line(r.NoPrediction))
	}
	if r.Host != "" {
		fmt.Fprintf(w, "on         %s\n", sanitize.Line(latency.Provenance{Host: r.Host, Processor: r.Processor}.Machine()))
	}
	_, err := fmt.Fprintf(w, "with       %s, %s, %s, %d %s, batch %d, %d pixels\n",
		r.Runtime, r.Target, r.Precision, r.Threads, phrase.Plural(r.Threads, "thread"), r.Batch, r.ImageSize)
	return err
}
