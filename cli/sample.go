package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
)

func (a *app) sampleCommand() *cobra.Command {
	var (
		v        evaluating
		o        evaluation.SampleOptions
		out, lut string
	)
	cmd := &cobra.Command{
		Use:   "sample --run RUN --num N --out FILE",
		Short: "Evaluate random networks of the supernet",
		Long: `Draw random networks, every decision uniform, take their weights from the
supernet and evaluate them on the images held out from training. Fit
predictors on the file with fit --fit-accuracy-lut.

The file is JSON lines, one more with every network: the same command resumes,
and a larger --num makes it longer. Network i depends on the
seed and i alone. Where the name ends in .pkl the lines go to a .jsonl beside it
and are written as BINAS's pickle at the end.`,
		Example: `  binas-tui sample --run runs/digits --num 1000 --out samples.jsonl
  binas-tui sample --checkpoint supernet.pth --data imagenet \
    --num 500 --images 10000 --out samples.pkl`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkCount(cmd, "num", o.Num, 1, 1<<20); err != nil {
				return err
			}
			if out == "" && v.run == "" {
				return usagef("sample needs --out, the file of the samples")
			}
			if out == "" {
				out = v.inRun("samples.jsonl")
			}
			e, err := v.open(a, cmd)
			if err != nil {
				return err
			}
			o.LUT = lut
			if o.Table, err = lutTable(e.Space, lut); err != nil {
				return err
			}
			return a.sample(cmd.Context(), e, o, out)
		},
	}
	v.addFlags(cmd, "the run's, or 80")
	f := cmd.Flags()
	f.IntVar(&o.Num, "num", 1000, "networks, `N`")
	f.Uint64Var(&o.Seed, "seed", 1, "`SEED` of the networks")
	f.StringVar(&out, "out", "", "`FILE` of the samples (default: samples.jsonl in the run folder)")
	f.StringVar(&lut, "lut", "", "latency table for expected latencies, a `FILE|NAME`")
	a.addJSON(cmd)
	return cmd
}

// recordsBeside is where the lines of an output go: the file itself, or for a
// pickle a file beside it.
func recordsBeside(out string) (records string, pickled bool) {
	if stem, ok := strings.CutSuffix(out, ".pkl"); ok {
		return stem + ".jsonl", true
	}
	return out, false
}

func (a *app) sample(ctx context.Context, e *evaluation.Evaluator, o evaluation.SampleOptions, out string) error {
	var pickled bool
	o.File, pickled = recordsBeside(out)
	if pickled {
		if err := checkWritable(out); err != nil {
			return err
		}
	}
	samples, s, err := runJob(ctx, a, "sample", func(ctx context.Context, j *job.Job) (evaluation.Samples, error) { return e.Sample(ctx, o, j) })
	if err != nil {
		if errors.Is(err, context.Canceled) {
			fmt.Fprintf(a.Err, "binas-tui: the same command resumes there (kept in %s)\n", sanitize.Line(o.File))
			return errEnded
		}
		return err
	}
	if pickled {
		data, err := model.EncodeSamples(e.Space, samples)
		if err != nil {
			return err
		}
		if err := safefile.Replace(out, true, safefile.Bytes(data)); err != nil {
			return err
		}
	}
	r := newSampleReport(samples, e, out)
	r.Seconds, r.Notes, r.imagesReport = explore.Number(s.Elapsed.Seconds()), a.notes, newImagesReport(e.Images)
	return a.print(r, r.write)
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
	Seconds      explore.Number `json:"seconds"` // this call took
	Notes        []string       `json:"notes,omitempty"`
	imagesReport
}

func newSampleReport(samples evaluation.Samples, e *evaluation.Evaluator, out string) sampleReport {
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
		File: out, Samples: len(samples), Images: e.Images.Len(), Data: e.Images.Name, BN: e.BN(),
		Mean: explore.Number(mean), Deviation: explore.Number(deviation),
		Worst: explore.Number(worst.Accuracy), Best: explore.Number(best.Accuracy), BestArch: e.Space.Architecture(best.Path).String(),
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
	r.writeUnreadable(w)
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
