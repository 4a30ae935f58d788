package steps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/param"
	"github.com/binas-tui/binas-tui/model"
)

// Fitting is the fit of a predictor on samples.
type Fitting struct {
	Common
	Samples  string `json:"samples"` // file or name; "" is samples.jsonl in the run folder
	Test     string `json:"test"`    // other networks to test on; "" is test.jsonl in the run folder, where there is one
	Out      string `json:"out"`     // file of the predictor; "" is KIND.safetensors in the run folder
	Kind     string `json:"kind"`
	Closed   bool   `json:"closed_form_solution"`
	Descend  bool   `json:"gradient_descent"`
	Inactive string `json:"inactive_blocks"`
	Seed     uint64 `json:"seed"`
	Profile  string `json:"profile"`

	Lambda         float64 `json:"lambda"` // with the next; both 0 are chosen
	LambdaProducts float64 `json:"lambda_products"`
	Epochs         int     `json:"epochs"` // of gradient descent, as the rest; 0 is as in fit.Descent
	BatchSize      int     `json:"batch_size"`
	LearningRate   float64 `json:"learning_rate"`
	WeightDecay    float64 `json:"weight_decay"`
	Paper          bool    `json:"paper_settings"`

	from       *explore.Fitting // the samples, where they are read already
	accuracyOf string           // what they are networks of; "" is not known
	status     string           // before how far the fit is
}

// Fitted is a predictor that was fitted and how it did on networks that it was
// not fitted on.
type Fitted struct {
	Kind string
	File string // of the predictor
	LUT  string // latency table of the run, a file; "" where there is none
	*explore.FitReport
	From *explore.Fitting // nil where a pipeline fitted it
}

// NewFitting is a fit with the defaults of its parameters.
func NewFitting() *Fitting {
	return &Fitting{Kind: fit.Bilinear, Inactive: model.InactiveMean.String(), Seed: 1}
}

// Step implements [Task].
func (*Fitting) Step() Step { return Fit }

// InactiveParam is what skipped blocks are credited with.
var InactiveParam = param.Param{Key: "inactive_blocks", Label: "skipped blocks", Usage: "accuracy credited to skipped blocks, by `MODE`: mean of the options, or free (as in the paper)",
	Choices: []string{model.InactiveMean.String(), model.InactiveFree.String()}}

var fittingParams = param.Table{
	{Key: "run", Label: "run folder", Usage: "run `FOLDER` whose samples are fitted on", Zero: "none"},
	{Key: "samples", Name: "fit-accuracy-lut", Label: "samples file", Usage: "accuracies to fit on, a `FILE|NAME`: a BINAS .pkl or JSON lines of sample", Zero: samplesFile + " in the run folder"},
	{Key: "kind", Name: "predictor-type", Label: "predictor", Usage: "`TYPE` of the predictor", Choices: []string{fit.Bilinear, fit.Quadratic, fit.MLP}},
	{Key: "test", Name: "test-accuracy-lut", Label: "test file", Usage: "accuracies of other networks to test on, a `FILE|NAME`", Zero: testFile + " in the run folder, if there is one", Rare: true},
	{Key: "out", Name: "predictor-ckpt", Label: "predictor file", Usage: "predictor to write, a safetensors `FILE`", Zero: "TYPE.safetensors in the run folder", Rare: true},
	{Key: "closed_form_solution", Label: "closed form", Usage: "fit in closed form: the default of a bilinear and a quadratic predictor", Rare: true},
	{Key: "gradient_descent", Usage: "fit by gradient descent instead of in closed form; an mlp always is", Rare: true},
	InactiveParam.Seldom(),
	{Key: "seed", Usage: "`SEED` of gradient descent, of the bootstrap and of what is drawn", Rare: true},
	{Key: "lambda", Usage: "closed form: penalty `X` of the linear weights", Zero: "chosen", Rare: true},
	{Key: "lambda_products", Usage: "closed form: penalty `X` of the products", Zero: "chosen", Rare: true},
	{Key: "epochs", Usage: "gradient descent: `N` times over the samples", Zero: "25 for an mlp, else 300", Least: 1, Rare: true},
	{Key: "batch_size", Usage: "gradient descent: `N` samples a step", Zero: "32", Least: 1, Rare: true},
	{Key: "learning_rate", Usage: "gradient descent: the first `RATE`", Zero: "0.001 for an mlp, else 0.01", Rare: true},
	{Key: "weight_decay", Usage: "gradient descent: decay `X` of the weights", Zero: "0.5 for an mlp, else 0.1", Rare: true},
	{Key: "paper_settings", Usage: "gradient descent: 30,000 steps over all samples at a rate of 1e-6, as the original does", Rare: true},
	{Key: "profile", Usage: "profile `NAME` whose space is used", Zero: explore.Profiles()[0].Name, Rare: true},
}

// Values implements [Task].
func (f *Fitting) Values() param.Values { return fittingParams.In(f, &f.Common) }

// of names parameters as they were given.
func (f *Fitting) of(key string) string {
	v, _ := f.Values().Named(key)
	return f.called(v.Param)
}

// Check reports parameters that do not go together.
func (f *Fitting) Check() error {
	descends := f.Descend || f.Kind == fit.MLP
	switch {
	case f.File() == "":
		return requestf("fit needs --predictor-ckpt, the file to write")
	case f.Closed && f.Kind == fit.MLP:
		return requestf("%s: an mlp has none; leave it out to fit by gradient descent", f.of("closed_form_solution"))
	case f.Closed && f.Descend:
		return requestf("%s and %s: expected one of them", f.of("closed_form_solution"), f.of("gradient_descent"))
	case f.Given["lambda"] != f.Given["lambda_products"]:
		return requestf("%s and %s: expected both or none", f.of("lambda"), f.of("lambda_products"))
	case f.Given["lambda"] && descends:
		return requestf("%s is of the closed form: found gradient descent", f.of("lambda"))
	}
	for _, key := range []string{"paper_settings", "epochs", "batch_size", "learning_rate", "weight_decay"} {
		if f.Given[key] && !descends {
			return requestf("%s is of gradient descent, and a %s predictor is fitted in closed form: add %s", f.of(key), f.Kind, f.of("gradient_descent"))
		}
		if f.Given[key] && f.Paper && key != "paper_settings" {
			return requestf("%s and %s: expected one of them", f.of("paper_settings"), f.of(key))
		}
	}
	return nil
}

// File is the predictor that is written.
func (f *Fitting) File() string { return f.inRun(f.Out, predictorFile(f.Kind)) }

// Plan implements [Task].
func (f *Fitting) Plan() (plan Plan, err error) {
	plan.Task = Clone(f)
	if plan.Data, err = runData(f.Run); err != nil {
		return plan, err
	}
	plan.Have, plan.Recorded, err = countRecords(f.inRun(f.Samples, samplesFile), model.SamplesFormat, 1)
	return plan, err
}

// Work implements [Task]: the result is a [Fitted].
func (f *Fitting) Work(ctx context.Context, j *job.Job) (any, error) {
	f.begin(j)
	from, err := f.load()
	if err != nil {
		return nil, err
	}
	for _, lost := range from.Lost { // before what it may be the cause of
		j.Log("warning: " + lost)
	}
	if err := f.ready(); err != nil {
		return nil, err
	}
	fitted, err := from.Run(ctx, func(p fit.Progress) { j.Progress(p.Done, p.Total, p.Left, f.status+explore.FittingStatus(p)) })
	if err != nil {
		return nil, err
	}
	if f.accuracyOf != "" {
		fitted.Source = fmt.Sprintf("fitted on %d networks of %s", fitted.Samples, f.accuracyOf)
	}
	out := Fitted{f.Kind, f.File(), tableFile(f.Run), fitted, from}
	data, err := fitted.Encode(from.Settings.Space)
	return out, save(out.File, data, err)
}

// load reads the samples to fit on and to test on.
func (f *Fitting) load() (*explore.Fitting, error) {
	if f.from != nil {
		from := *f.from
		from.Settings = f.settings(from.Settings.Space)
		return &from, nil
	}
	samples, test := f.inRun(f.Samples, samplesFile), f.inRun(f.Test, testFile)
	if samples == "" {
		return nil, requestf("fit needs --fit-accuracy-lut, the networks to fit on, or --published for the twelve published ones")
	}
	if err := f.Check(); err != nil {
		return nil, err
	}
	if err := f.apart(f, "out", f.File(), PredictorFile, samples, test); err != nil {
		return nil, err
	}
	if _, err := os.Stat(samples); f.Run != "" && errors.Is(err, fs.ErrNotExist) && filepath.Dir(samples) == filepath.Clean(f.Run) {
		return nil, requestf("there are no samples in %s yet: start with %s", samples, Sample)
	}
	if f.Test == "" && !exists(test) {
		test = ""
	}
	return explore.LoadFitting(f.Profile, samples, test, f.settings(nil))
}

// settings are those of the fit; the space may be that of the samples later.
func (f *Fitting) settings(space *model.Space) fit.Settings {
	s := fit.Settings{
		Space: space, Kind: f.Kind, Descend: f.Descend, Seed: f.Seed, Penalties: fit.Penalties{Linear: f.Lambda, Products: f.LambdaProducts},
		Descent: fit.Descent{Epochs: f.Epochs, Batch: f.BatchSize, LearningRate: f.LearningRate, WeightDecay: f.WeightDecay},
	}
	if f.Inactive == model.InactiveFree.String() {
		s.Inactive = model.InactiveFree
	}
	if f.Paper {
		s.Descent = fit.PaperDescent
	}
	return s
}

// FittedBy lists the predictors of a pipeline, the one it searches with last.
func FittedBy(p Ranked) (out []Fitted) {
	var chosen []Fitted
	for _, r := range p.Rankings {
		f := Fitted{r.Predictor, p.File(r.Predictor), p.LUT(), &explore.FitReport{
			Report:     &fit.Report{Kind: r.Predictor, Method: r.Method, Samples: r.Samples},
			Evaluation: &fit.Evaluation{Metrics: r.Metrics, Kendall95: r.Kendall95, Predicted: r.Predicted, Measured: p.Measured},
			Tested:     true,
		}, nil}
		if r.Predictor == p.Chosen {
			chosen = append(chosen, f)
		} else {
			out = append(out, f)
		}
	}
	return append(out, chosen...)
}
