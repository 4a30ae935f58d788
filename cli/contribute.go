package cli

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
)

// contributing is the flags of contribute.
type contributing struct {
	evaluating
	o                 evaluation.ContributeOptions
	fromLUT, out, pkl string
	space             string
}

func (a *app) contributeCommand() *cobra.Command {
	var c contributing
	cmd := &cobra.Command{
		Use:   "contribute --run RUN | --from-lut FILE --out CKPT",
		Short: "Measure what every decision contributes: the estimator",
		Long: `Measure the estimator of the paper on the images held out from training: the
mean accuracy of random networks, and for each of 255 decisions (an option of a
block, which is then on, or the depth of a stage) that of the same networks with
the decision pinned. All decisions share the same random networks and images, so
that what these have in common cancels.

With --from-lut nothing is measured: the estimator is built from contributions,
BINAS's .pkl or this command's lines, or from sampled networks, as the means
over those which have a decision.

Measurements are JSON lines, added one by one: the same command resumes, and a
larger --num-samples refines the estimator.`,
		Example: `  binas-tui contribute --run runs/digits --num-samples 20
  binas-tui contribute --from-lut accuracy_contributions_lut.pkl \
    --out estimator.safetensors`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if c.out == "" {
				c.out = c.inRun("estimator.safetensors")
			}
			if c.out == "" {
				return usagef("contribute needs --out, the file of the estimator")
			}
			if c.fromLUT != "" {
				if c.run != "" || c.src.Checkpoint != "" {
					return usagef("--from-lut and --run or --checkpoint: expected one of them")
				}
				return a.contributeFrom(c)
			}
			for _, n := range []struct {
				name  string
				value int
			}{{"num-samples", c.o.Networks}, {"images-per-network", c.o.Images}} {
				if err := checkCount(cmd, n.name, n.value, 1, 1<<20); err != nil {
					return err
				}
			}
			e, err := c.open(a, cmd)
			if err != nil {
				return err
			}
			return a.contribute(cmd.Context(), e, c)
		},
	}
	c.addFlags(cmd, "the run's, or 80")
	f := cmd.Flags()
	f.StringVar(&c.fromLUT, "from-lut", "", "contributions or samples, a `FILE`: BINAS's .pkl or JSON lines")
	f.StringVar(&c.out, "out", "", "estimator to write, a `FILE` (default: estimator.safetensors in the run folder)")
	f.StringVar(&c.o.File, "records", "", "`FILE` of the measurements (default: contributions.jsonl in the run folder, or beside the estimator)")
	f.StringVar(&c.pkl, "pkl", "", "contributions as BINAS's .pkl, a `FILE` to write")
	f.IntVar(&c.o.Networks, "num-samples", 10, "random networks for every decision, `N`")
	f.IntVar(&c.o.Images, "images-per-network", 1000, "images that each random network is evaluated on, `N`")
	f.Uint64Var(&c.o.Seed, "seed", 1, "`SEED` of the networks")
	f.StringVar(&c.space, "space", model.MobileNASNet, "search `SPACE` of --from-lut where the file does not say it")
	a.addJSON(cmd)
	return cmd
}

// contribute measures and writes the estimator.
func (a *app) contribute(ctx context.Context, e *evaluation.Evaluator, c contributing) error {
	if c.o.File == "" {
		c.o.File = c.inRun("contributions.jsonl")
	}
	if c.o.File == "" {
		c.o.File = c.out + ".jsonl"
	}
	for _, file := range []string{c.out, c.pkl} {
		if file != "" {
			if err := checkWritable(file); err != nil {
				return err
			}
		}
	}
	measured, s, err := runJob(ctx, a, "contribute", func(ctx context.Context, j *job.Job) (*evaluation.Contribution, error) {
		return e.Contribute(ctx, c.o, j)
	})
	if err != nil {
		if errors.Is(err, context.Canceled) {
			fmt.Fprintf(a.Err, "binas-tui: the same command resumes there (kept in %s)\n", sanitize.Line(c.o.File))
			return errEnded
		}
		return err
	}
	r := contributeReport{
		Networks: measured.Networks, Images: min(c.o.Images, e.Images.Len()), Spread: explore.Number(measured.MedianSpread()),
		Records: c.o.File, Seconds: explore.Number(s.Elapsed.Seconds()),
		Source: fmt.Sprintf("%d decisions pinned in %d networks on %d images each of %s", len(e.Space.Decisions())-1, measured.Networks, min(c.o.Images, e.Images.Len()), e.Images.Name),
	}
	r.imagesReport = newImagesReport(e.Images)
	return a.writeEstimator(e.Space, &measured.Contributions, r, c)
}

// contributeFrom builds the estimator from a file.
func (a *app) contributeFrom(c contributing) error {
	data, err := safefile.Read(c.fromLUT, 64<<20)
	if err != nil {
		return err
	}
	space, contributions, from, err := evaluation.DecodeEstimator(data, c.space)
	if err != nil {
		return usageError{fmt.Errorf("%s: %w", c.fromLUT, err)}
	}
	return a.writeEstimator(space, contributions, contributeReport{Source: from, Spread: explore.Number(math.NaN())}, c)
}

// contributeReport is the JSON of an estimator.
type contributeReport struct {
	Estimator string         `json:"estimator"`
	Records   string         `json:"records,omitempty"`
	Base      explore.Number `json:"base"`               // percent
	Networks  int            `json:"networks,omitempty"` // that each decision was pinned in
	Images    int            `json:"images,omitempty"`   // each was asked about
	Spread    explore.Number `json:"standard_error"`     // of an option's contribution, median, in points
	Source    string         `json:"source"`
	Seconds   explore.Number `json:"seconds"` // this call took
	Notes     []string       `json:"notes,omitempty"`
	imagesReport
}

// writeEstimator writes the estimator, and the contributions where they are
// asked for, and reports.
func (a *app) writeEstimator(s *model.Space, contributions *model.Contributions, r contributeReport, c contributing) error {
	info := model.CheckpointInfo{Space: s.Name, Source: "estimator of contributions: " + r.Source, Samples: r.Networks * len(s.Decisions())}
	data, err := model.EncodePredictor(contributions.Estimator(s), info)
	if err != nil {
		return err
	}
	if err := safefile.Replace(c.out, true, safefile.Bytes(data)); err != nil {
		return err
	}
	if c.pkl != "" {
		if data, err = model.EncodeContributions(s, contributions); err != nil {
			return err
		}
		if err := safefile.Replace(c.pkl, true, safefile.Bytes(data)); err != nil {
			return err
		}
	}
	r.Estimator, r.Base, r.Notes = c.out, explore.Number(contributions.Base), a.notes
	if a.json {
		return writeJSON(a.out, r)
	}
	fmt.Fprintf(a.out, "estimator from %s\n", sanitize.Line(r.Source))
	fmt.Fprintf(a.out, "base       %.2f %%\n", contributions.Base)
	r.writeUnreadable(a.out)
	if r.Spread.Finite() {
		fmt.Fprintf(a.out, "certainty  the contribution of an option has a standard error of %.2f points (median)\n", float64(r.Spread))
	}
	_, err = fmt.Fprintf(a.out, "written to %s\nuse it with --predictor %s\n", sanitize.Line(c.out), sanitize.Line(phrase.ShellWord(c.out)))
	return err
}
