package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
)

func (a *app) recordsMergeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "merge OUT IN...",
		Short: "Make one file of the shards of sample or contribute",
		Long: `Put together what sample --shard or contribute --shard have written, in any
order, to the file that one process would have written, byte for byte. The
shards must be of one supernet, the same images and settings, and all be there,
once and whole: else nothing is written. OUT may be there if it is the beginning
of what the shards have, as after they were made longer.

The last digits depend on the processor and the version of ONNX Runtime: where
the shards were computed with several, a note says which.`,
		Example: `  binas-tui records merge samples.jsonl samples.*-of-64.jsonl
  binas-tui records merge runs/mine/contributions.jsonl \
    runs/mine/contributions.*-of-8.jsonl`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return fmt.Errorf("%s needs the file to write and the shards", called(cmd))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := evaluation.Merge(cmd.Context(), args[0], args[1:])
			if err != nil {
				return err
			}
			if len(m.Computed) > 1 {
				a.notes = append(a.notes, "the shards were "+evaluation.Differently(m.Computed))
			}
			a.sayNotes()
			r := mergeReport{m, a.notes}
			return a.print(r, r.write)
		},
	}
	a.addJSON(cmd)
	return cmd
}

// mergeReport is the JSON of merged shards.
type mergeReport struct {
	evaluation.Merged
	Notes []string `json:"notes,omitempty"`
}

func (r mergeReport) write(w io.Writer) error {
	what := "samples"
	if r.Format == model.ContributionsFormat {
		what = fmt.Sprintf("measurements of %s", phrase.Count(r.Networks, "network"))
	}
	_, err := fmt.Fprintf(w, "%d %s of %s written to %s\n", r.Records, what, phrase.Count(r.Shards, "shard"), sanitize.Line(r.File))
	return err
}

func (a *app) runShard(cmd *cobra.Command, t steps.Task) error {
	sharded, s, err := runStep[steps.Sharded](cmd, a, t)
	if err != nil {
		return err
	}
	r := shardReport{
		Shard: sharded.Shard.String(), File: sharded.File, Records: sharded.Records, Networks: sharded.Networks, Images: sharded.Images, Data: sharded.Data,
		BN: sharded.BN, callReport: a.callReport(s, sharded.ImagesReport),
	}
	return a.print(r, r.write)
}

// shardReport is the JSON of a shard of samples or contributions.
type shardReport struct {
	Shard    string `json:"shard"`
	File     string `json:"file"`
	Records  int    `json:"records"`  // of the shard
	Networks int    `json:"networks"` // of all shards
	Images   int    `json:"images"`   // each was evaluated on
	Data     string `json:"data"`
	BN       string `json:"bn"`
	callReport
}

func (r shardReport) write(w io.Writer) error {
	fmt.Fprintf(w, "shard %s: %s on %d images (%s), %s statistics\n", r.Shard, phrase.Count(r.Records, "record"), r.Images, sanitize.Line(r.Data), r.BN)
	writeUnreadable(w, r.ImagesReport)
	_, err := fmt.Fprintf(w, "written to %s\nwhen all shards are done: binas-tui records merge OUT IN...\n", sanitize.Line(r.File))
	return err
}
