package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/fit/published"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/model"
)

func (a *app) fitCommand() *cobra.Command {
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
			if err := o.check(cmd); err != nil {
				return err
			}
			if o.published {
				return a.fitPublished(o.profile, o.out)
			}
			return a.fitSamples(cmd.Context(), o)
		},
	}
	o.addFlags(a, cmd)
	return cmd
}

// fitOptions is the flags of fit.
type fitOptions struct {
	published     bool
	profile, out  string
	kind          string
	closed        bool
	descend       bool
	samples, test string
	inactive      string
	figure        string
	curve         bool
	curveFigure   string
	seed          uint64

	penalties fit.Penalties
	descent   fit.Descent
	paper     bool
}

func (o *fitOptions) addFlags(a *app, cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.published, "published", false, "fit on the published networks")
	f.StringVar(&o.profile, "profile", "", "profile `NAME` whose space is used (default "+explore.Profiles()[0].Name+")")
	f.StringVar(&o.kind, "predictor-type", fit.Bilinear, "`TYPE` of the predictor: bilinear, quadratic or mlp")
	f.BoolVar(&o.closed, "closed-form-solution", false, "fit in closed form: the default of a bilinear and a quadratic predictor")
	f.BoolVar(&o.descend, "gradient-descent", false, "fit by gradient descent instead of in closed form; an mlp always is")
	f.StringVar(&o.samples, "fit-accuracy-lut", "", "accuracies to fit on, a `FILE|NAME`: a BINAS .pkl or JSON lines of sample")
	f.StringVar(&o.test, "test-accuracy-lut", "", "accuracies of other networks to test on, a `FILE|NAME`")
	f.StringVar(&o.out, "predictor-ckpt", "", "predictor to write, a safetensors `FILE` (required)")
	addInactive(cmd, &o.inactive)
	f.StringVar(&o.figure, "figure", "", "draw measured over predicted accuracy to `FILE`, which ends in .svg or .png")
	f.BoolVar(&o.curve, "learning-curve", false, "fit growing shares of the samples too, to say what more would be worth")
	f.StringVar(&o.curveFigure, "learning-curve-figure", "", "draw the learning curve to `FILE`, which ends in .svg or .png")
	a.addJSON(cmd)
	f.Uint64Var(&o.seed, "seed", 1, "`SEED` of gradient descent, of the bootstrap and of what is drawn")
	f.Float64Var(&o.penalties.Linear, "lambda", 0, "closed form: penalty `X` of the linear weights (default: chosen)")
	f.Float64Var(&o.penalties.Products, "lambda-products", 0, "closed form: penalty `X` of the products (default: chosen)")
	f.IntVar(&o.descent.Epochs, "epochs", 0, "gradient descent: `N` times over the samples (default 25 for an mlp, else 300)")
	f.IntVar(&o.descent.Batch, "batch-size", 0, "gradient descent: `N` samples a step (default 32)")
	f.Float64Var(&o.descent.LearningRate, "learning-rate", 0, "gradient descent: the first `RATE` (default 0.001 for an mlp, else 0.01)")
	f.Float64Var(&o.descent.WeightDecay, "weight-decay", 0, "gradient descent: decay `X` of the weights (default 0.5 for an mlp, else 0.1)")
	f.BoolVar(&o.paper, "paper-settings", false, "gradient descent: 30,000 steps over all samples at a rate of 1e-6, as the original does")
}

// descentFlags are the flags of gradient descent.
var descentFlags = []string{"paper-settings", "epochs", "batch-size", "learning-rate", "weight-decay"}

// check reports flags that do not go together.
func (o *fitOptions) check(cmd *cobra.Command) error {
	changed := cmd.Flags().Changed
	if !o.published && o.samples == "" {
		return usagef("fit needs --fit-accuracy-lut, the networks to fit on, or --published for the twelve published ones")
	}
	if o.published {
		for _, name := range []string{"fit-accuracy-lut", "test-accuracy-lut", "closed-form-solution", "gradient-descent", "figure", "learning-curve", "learning-curve-figure", "json", "lambda"} {
			if changed(name) {
				return usagef("--published and --%s: expected one of them", name)
			}
		}
		if o.kind != fit.Bilinear {
			return usagef("--published fits a bilinear predictor: found --predictor-type %s", o.kind)
		}
	}
	if o.out == "" {
		return usagef("fit needs --predictor-ckpt, the file to write")
	}
	if o.kind != fit.Bilinear && o.kind != fit.Quadratic && o.kind != fit.MLP {
		return usagef("--predictor-type %q: expected %s, %s or %s", o.kind, fit.Bilinear, fit.Quadratic, fit.MLP)
	}
	if o.closed && o.kind == fit.MLP {
		return usagef("--closed-form-solution: an mlp has none; leave the flag out to fit it by gradient descent")
	}
	if o.closed && o.descend {
		return usagef("--closed-form-solution and --gradient-descent: expected one of them")
	}
	descends := o.descend || o.kind == fit.MLP
	if changed("lambda") != changed("lambda-products") {
		return usagef("--lambda and --lambda-products: expected both or none")
	}
	if changed("lambda") && descends {
		return usagef("--lambda is of the closed form: found gradient descent")
	}
	if (o.curve || o.curveFigure != "") && o.test == "" {
		return usagef("a learning curve needs --test-accuracy-lut, the networks to test on")
	}
	for _, name := range descentFlags {
		if changed(name) && !descends {
			return usagef("--%s is of gradient descent, and a %s predictor is fitted in closed form: add --gradient-descent", name, o.kind)
		}
		if changed(name) && o.paper && name != "paper-settings" {
			return usagef("--paper-settings and --%s: expected one of them", name)
		}
	}
	if o.paper {
		o.descent = fit.PaperDescent
	}
	for flag, name := range map[string]string{"figure": o.figure, "learning-curve-figure": o.curveFigure} {
		if changed(flag) {
			if _, err := figureFormat(flag, name); err != nil {
				return err
			}
		}
	}
	_, err := inactiveBlocks(o.inactive)
	return err
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
	if err := safefile.Replace(out, true, safefile.Bytes(data)); err != nil {
		return err
	}
	_, err = io.WriteString(a.out, report.String())
	return err
}
