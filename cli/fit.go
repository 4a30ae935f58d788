package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/fit/published"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/steps"
)

func (a *app) fitCommand() *cobra.Command {
	t := steps.NewFitting()
	var o fitOptions
	cmd := &cobra.Command{
		Use:   "fit --fit-accuracy-lut FILE --predictor-ckpt OUT",
		Short: "Fit an accuracy predictor",
		Long: `Fit a predictor of accuracy on sampled networks whose accuracy was measured,
test it on others, and write it as safetensors. The bilinear and the quadratic
predictor are fitted in closed form, as ridge regressions whose strength is that
of least leave-one-out error, and know how far each prediction may be off; so do
the explorer and the pipeline. With --gradient-descent, and the mlp always, they
are fitted by gradient descent, which stops at the least error on a validation
share.

With --published, fit a bilinear predictor on the twelve published networks.`,
		Example: `  binas-tui fit --predictor-type bilinear \
    --fit-accuracy-lut samples.pkl --test-accuracy-lut test.pkl \
    --predictor-ckpt bilinear.safetensors --figure fit.svg
  binas-tui fit --predictor-type mlp --fit-accuracy-lut samples.jsonl \
    --predictor-ckpt mlp.safetensors
  binas-tui fit --published --predictor-ckpt published.safetensors`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd, t); err != nil {
				return err
			}
			if o.published {
				return a.fitPublished(t.Profile, t.Out)
			}
			return a.fitSamples(cmd, t, o)
		},
	}
	addParams(cmd, t.Values())
	o.addFlags(a, cmd)
	return cmd
}

// fitOptions is the flags of fit beside its parameters: what else is wanted.
type fitOptions struct {
	published   bool
	figure      string
	curve       bool
	curveFigure string
}

func (o *fitOptions) addFlags(a *app, cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.published, "published", false, "fit on the published networks")
	f.StringVar(&o.figure, "figure", "", "draw measured over predicted accuracy to `FILE`, which ends in .svg or .png")
	f.BoolVar(&o.curve, "learning-curve", false, "fit growing shares of the samples too, to say what more would be worth")
	f.StringVar(&o.curveFigure, "learning-curve-figure", "", "draw the learning curve to `FILE`, which ends in .svg or .png")
	a.addJSON(cmd)
}

// check reports flags that do not go together.
func (o *fitOptions) check(cmd *cobra.Command, t *steps.Fitting) error {
	changed := cmd.Flags().Changed
	if o.published {
		for _, v := range t.Values() {
			if changed(v.Flag()) && v.Key != "out" && v.Key != "kind" && v.Key != "profile" {
				return usagef("--published and --%s: expected one of them", v.Flag())
			}
		}
		for _, name := range []string{"figure", "learning-curve", "learning-curve-figure", "json"} {
			if changed(name) {
				return usagef("--published and --%s: expected one of them", name)
			}
		}
		if t.Kind != fit.Bilinear {
			return usagef("--published fits a bilinear predictor: found --predictor-type %s", t.Kind)
		}
		if t.Out == "" {
			return usagef("fit needs --predictor-ckpt, the file to write")
		}
		if err := checkOutput("predictor-ckpt", t.Out, steps.PredictorFile); err != nil {
			return err
		}
	}
	if (o.curve || o.curveFigure != "") && t.Test == "" {
		return usagef("a learning curve needs --test-accuracy-lut, the networks to test on")
	}
	for flag, name := range map[string]string{"figure": o.figure, "learning-curve-figure": o.curveFigure} {
		if changed(flag) {
			if err := checkFigure(flag, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// fitPublished fits on the twelve published networks.
func (a *app) fitPublished(profile, out string) error {
	p, err := explore.FindProfile(profile)
	if err != nil {
		return usageError{err}
	}
	space, err := model.NewSpace(p.Space, p.ImageSize)
	if err != nil {
		return err
	}
	data, report, err := published.Encoded(space)
	if err != nil {
		return err
	}
	if err := safefile.Replace(out, true, safefile.Bytes(data)); err != nil {
		return err
	}
	_, err = io.WriteString(a.out, report.String())
	return err
}
