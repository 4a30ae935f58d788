package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/steps"
)

func (a *app) contributeCommand() *cobra.Command {
	t := steps.NewContributing()
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
larger --num-samples refines the estimator.

With --shard K/N the measurements i with i % N = K alone are made, 256 for each
network, K from 0 to N-1 as job arrays count, into a file of their own:
contributions.jsonl becomes contributions.K-of-N.jsonl. records merge makes of
all of them the file that one process writes; --from-lut makes the estimator of
that.`,
		Example: `  binas-tui contribute --run runs/digits --num-samples 20
  binas-tui contribute --from-lut accuracy_contributions_lut.pkl \
    --out estimator.safetensors
  binas-tui contribute --run runs/mine --shard $SLURM_ARRAY_TASK_ID/8`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if t.Shard != "" {
				return a.runShard(cmd, t)
			}
			out, pickle := t.Files()
			e, s, err := runStep[steps.Estimator](cmd, a, t, out, pickle)
			if err != nil {
				return err
			}
			r := contributeReport{
				Estimator: e.File, Records: e.Records, Base: explore.Number(e.Base), Images: e.Images, Spread: explore.Number(e.MedianSpread()),
				Source: e.From, callReport: a.callReport(s, e.ImagesReport),
			}
			if e.Contribution != nil {
				r.Networks = e.Networks
			}
			return a.print(r, r.write)
		},
	}
	addParams(cmd, t.Values())
	a.addJSON(cmd)
	return cmd
}

// contributeReport is the JSON of an estimator.
type contributeReport struct {
	Estimator string         `json:"estimator"`
	Records   string         `json:"records,omitempty"`
	Base      explore.Number `json:"base"`               // percent
	Networks  int            `json:"networks,omitempty"` // that each decision was pinned in
	Images    int            `json:"images,omitempty"`   // each was evaluated on
	Spread    explore.Number `json:"standard_error"`     // of an option's contribution, median, in points
	Source    string         `json:"source"`
	callReport
}

func (r contributeReport) write(w io.Writer) error {
	fmt.Fprintf(w, "estimator from %s\n", sanitize.Line(r.Source))
	fmt.Fprintf(w, "base       %.2f %%\n", float64(r.Base))
	writeUnreadable(w, r.ImagesReport)
	if r.Spread.Finite() {
		fmt.Fprintf(w, "certainty  the contribution of an option has a standard error of %.2f points (median)\n", float64(r.Spread))
	}
	_, err := fmt.Fprintf(w, "written to %s\nuse it with --predictor %s\n", sanitize.Line(r.Estimator), sanitize.Line(phrase.ShellWord(r.Estimator)))
	return err
}
