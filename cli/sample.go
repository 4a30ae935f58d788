package cli

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/steps"
)

func (a *app) sampleCommand() *cobra.Command {
	t := steps.NewSampling()
	cmd := &cobra.Command{
		Use:   "sample --run RUN --num N --out FILE",
		Short: "Evaluate random networks of the supernet",
		Long: `Draw random networks, every decision uniform, take their weights from the
supernet and evaluate them on the images held out from training. Fit
predictors on the file with fit --fit-accuracy-lut.

The file is JSON lines, one more with every network: the same command resumes,
and a larger --num makes it longer. Network i depends on the
seed and i alone. Where the name ends in .pkl the lines go to a .jsonl beside it
and are written as BINAS's pickle at the end.

With --shard K/N the networks i with i % N = K alone are evaluated, K from 0 to
N-1 as the job arrays of Slurm and Kubernetes count, into a file of their own:
samples.jsonl becomes samples.K-of-N.jsonl. Shards need nothing of one another;
records merge makes of all of them the file that one process writes.`,
		Example: `  binas-tui sample --run runs/digits --num 1000 --out samples.jsonl
  binas-tui sample --checkpoint supernet.pth --data imagenet \
    --num 500 --images 10000 --out samples.pkl
  binas-tui sample --run runs/mine --num 1000 --shard $SLURM_ARRAY_TASK_ID/64`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if t.Shard != "" {
				return a.runShard(cmd, t)
			}
			pickle := ""
			if strings.HasSuffix(t.Out, ".pkl") {
				pickle = t.Out
			}
			samples, s, err := runStep[steps.Sampled](cmd, a, t, pickle)
			if err != nil {
				return err
			}
			r := newSampleReport(samples)
			r.callReport = a.callReport(s, samples.ImagesReport)
			return a.print(r, r.write)
		},
	}
	addParams(cmd, t.Values())
	a.addJSON(cmd)
	return cmd
}

// sampleReport is the JSON of sampled networks.
type sampleReport struct {
	File      string         `json:"file"`
	Samples   int            `json:"samples"`
	Images    int            `json:"images"` // each was evaluated on
	Data      string         `json:"data"`
	BN        string         `json:"bn"`
	Mean      explore.Number `json:"mean_accuracy"`
	Deviation explore.Number `json:"deviation"` // of accuracies, in points
	Worst     explore.Number `json:"worst_accuracy"`
	Best      explore.Number `json:"best_accuracy"`
	BestArch  string         `json:"best_architecture"`
	// NoiseCeiling is Kendall's tau between two halves of the images.
	NoiseCeiling explore.Number `json:"noise_ceiling"`
	callReport
}

// callReport is the end of the JSON of samples, contributions and their shards.
type callReport struct {
	Seconds explore.Number `json:"seconds"` // this call took
	Notes   []string       `json:"notes,omitempty"`
	steps.ImagesReport
}

func (a *app) callReport(s job.Snapshot, images steps.ImagesReport) callReport {
	return callReport{explore.Number(s.Elapsed.Seconds()), a.notes, images}
}

func newSampleReport(sampled steps.Sampled) sampleReport {
	samples := sampled.Samples
	mean, deviation := samples.Accuracy()
	worst, best := samples[0], samples[0]
	for _, s := range samples {
		if s.Accuracy < worst.Accuracy {
			worst = s
		}
		if s.Accuracy > best.Accuracy {
			best = s
		}
	}
	r := sampleReport{
		File: sampled.File, Samples: len(samples), Images: sampled.Images, Data: sampled.Data, BN: sampled.BN,
		Mean: explore.Number(mean), Deviation: explore.Number(deviation),
		Worst: explore.Number(worst.Accuracy), Best: explore.Number(best.Accuracy), BestArch: sampled.Space.Architecture(best.Path).String(),
	}
	ceiling, err := model.NoiseCeiling(samples)
	if err != nil {
		ceiling = math.NaN()
	}
	r.NoiseCeiling = explore.Number(ceiling)
	return r
}

func (r sampleReport) write(w io.Writer) error {
	fmt.Fprintf(w, "%d networks on %d images (%s), %s statistics\n", r.Samples, r.Images, sanitize.Line(r.Data), r.BN)
	writeUnreadable(w, r.ImagesReport)
	fmt.Fprintf(w, "accuracy   %.2f %% to %.2f %%", float64(r.Worst), float64(r.Best))
	if r.Deviation.Finite() {
		fmt.Fprintf(w, ", mean %.2f %%, deviation %.2f points", float64(r.Mean), float64(r.Deviation))
	}
	if r.NoiseCeiling.Finite() {
		fmt.Fprintf(w, "\nagreement  Kendall %.3f between two halves of the images\n", float64(r.NoiseCeiling))
	} else {
		fmt.Fprintln(w)
	}
	_, err := fmt.Fprintf(w, "written to %s\nfit a predictor: binas-tui fit --fit-accuracy-lut %s --predictor-type bilinear --predictor-ckpt OUT\n",
		sanitize.Line(r.File), sanitize.Line(phrase.ShellWord(r.File)))
	return err
}
