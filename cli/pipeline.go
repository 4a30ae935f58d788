package cli

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/steps"
)

func (a *app) pipelineCommand() *cobra.Command {
	t := steps.NewPipeline()
	cmd := &cobra.Command{
		Use:   "pipeline --data FOLDER|NAME [--out FOLDER]",
		Short: "Run the whole method, from data to exported networks with a report",
		Long: `Run every step of the method in one folder:
` + ansi.Wordwrap(strings.Join(steps.PipelineSteps(), ", "), 78, "") + `.
Batches, epochs, rates and the changes of images follow from the data. What it
will take is estimated from some steps before the first training; with --until
estimate that is all. Killed at any time, it resumes when it is started again
with the same flags, or with --out alone; where its data was moved, with --data
too. Other data is refused. report.md in the folder has the results.`,
		Example: `  binas-tui data digits
  binas-tui pipeline --data digits --out runs/digits
  binas-tui pipeline --out runs/digits              # resume
  binas-tui pipeline --data digits --out runs/quick --heaviest-epochs 1 \
    --oneshot-epochs 1 --samples 50 --test-samples 20`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, _, err := runStep[steps.Finished](cmd, a, t)
			switch {
			case err != nil:
				return err
			case a.json:
				return writeJSON(a.out, pipelineReport{r, a.notes})
			case r.Report != "":
				_, err = fmt.Fprintln(a.out, sanitize.Line(r.Report))
			}
			return err
		},
	}
	addParams(cmd, t.Values())
	a.addJSON(cmd)
	cmd.Flags().SetAnnotation("lut", mayBeEmpty, nil)
	return cmd
}

type pipelineReport struct {
	steps.Finished
	Notes []string `json:"notes,omitempty"`
}
