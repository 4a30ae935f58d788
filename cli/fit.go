package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/published"
)

func (a *app) fitCommand() *cobra.Command {
	var (
		fromPublished bool
		profile, out  string
	)
	cmd := &cobra.Command{
		Use:   "fit --published --predictor-ckpt OUT",
		Short: "Fit an accuracy predictor",
		Long: `Fit a bilinear predictor of accuracy on the twelve published networks of the
search space, print how well it predicts networks left out of the fit, and
write it as safetensors.`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			if !fromPublished {
				return usagef("fit needs --published: the twelve published networks are what it fits on")
			}
			if out == "" {
				return usagef("fit needs --predictor-ckpt, the file to write")
			}
			p, err := explore.FindProfile(profile)
			if err != nil {
				return usageError{err}
			}
			space, err := model.NewSpace(p.Space, p.ImageSize)
			if err != nil {
				return err
			}
			predictor, report, err := published.Fit(space)
			if err != nil {
				return err
			}
			data, err := model.EncodePredictor(predictor, model.CheckpointInfo{
				Space: space.Name, Samples: report.Networks, LeaveOneOut: report.LeaveOneOutMAE,
				Source: fmt.Sprintf("fitted on %d published networks, leave-one-out error %.2f points", report.Networks, report.LeaveOneOutMAE),
				Metrics: map[string]float64{
					"leave_one_out_rmse": report.LeaveOneOutRMSE, "leave_one_out_worst": report.LeaveOneOutWorst, "kendall": report.Kendall,
				},
			})
			if err != nil {
				return err
			}
			if err := replaceFile(out, func(w io.Writer) error { _, err := w.Write(data); return err }); err != nil {
				return err
			}
			_, err = io.WriteString(a.out, report.String())
			return err
		},
	}
	f := cmd.Flags()
	f.BoolVar(&fromPublished, "published", false, "fit on the published networks")
	f.StringVar(&profile, "profile", "", "profile `NAME` whose space is used")
	f.StringVar(&out, "predictor-ckpt", "", "`FILE` to write")
	return cmd
}
