package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/model"
)

// fitReport is the JSON of a fit. Metrics are of the test table where there is
// one, else of samples held out of the fit.
type fitReport struct {
	Kendall  explore.Number `json:"kendall"`
	Spearman explore.Number `json:"spearman"`
	Pearson  explore.Number `json:"pearson"`
	MSE      explore.Number `json:"mse"` // squared points

	// 95 % bootstrap intervals.
	KendallCI  [2]explore.Number `json:"kendall_ci"`
	SpearmanCI [2]explore.Number `json:"spearman_ci"`
	PearsonCI  [2]explore.Number `json:"pearson_ci"`
	MSECI      [2]explore.Number `json:"mse_ci"`

	Seconds        explore.Number  `json:"seconds"`
	Lambda         *explore.Number `json:"lambda"`          // penalty of linear weights; null without closed form
	LambdaProducts *explore.Number `json:"lambda_products"` // penalty of products
	ChosenBy       string          `json:"chosen_by"`       // what decided on the penalties or the epoch
	Samples        int             `json:"samples"`         // distinct networks fitted on

	PredictorType  string         `json:"predictor_type"`
	Space          string         `json:"space"`
	InactiveBlocks string         `json:"inactive_blocks"`
	FittedBy       string         `json:"fitted_by"` // closed-form or gradient-descent
	Method         string         `json:"method"`
	Weights        int            `json:"weights"`
	HeldOutError   explore.Number `json:"held_out_error"` // mean absolute, points: left out one at a time, or the validation share
	TestedOn       string         `json:"tested_on"`      // "test", "leave-one-out" or "validation"
	TestSamples    int            `json:"test_samples"`
	Overlap        int            `json:"overlap"` // networks of the test that were fitted on

	DuplicateSamples  int            `json:"duplicate_samples"`  // averaged away
	DifferingNetworks int            `json:"differing_networks"` // sampled more than once, with different accuracies
	WorstDifference   explore.Number `json:"worst_difference"`   // points
	DamagedLines      []string       `json:"damaged_lines,omitempty"`

	// Flat says that the predictor cannot tell networks apart, and why.
	Flat string `json:"flat,omitempty"`

	Scatter       []fitPoint      `json:"scatter"`
	LearningCurve []fitCurvePoint `json:"learning_curve,omitempty"`
}

type fitPoint struct {
	Predicted explore.Number  `json:"predicted"`
	Measured  explore.Number  `json:"measured"`
	Deviation *explore.Number `json:"deviation"` // ±, one standard deviation in points; null where not known
}

type fitCurvePoint struct {
	Samples       int            `json:"samples"`
	Fits          int            `json:"fits"`
	Kendall       explore.Number `json:"kendall"`
	KendallSpread explore.Number `json:"kendall_spread"` // standard deviation over the fits
	Spearman      explore.Number `json:"spearman"`
	Pearson       explore.Number `json:"pearson"`
	MSE           explore.Number `json:"mse"`
}

func newFitReport(f *explore.Fitting, r *explore.FitReport) *fitReport {
	interval := func(i fit.Interval) [2]explore.Number {
		return [2]explore.Number{explore.Number(i.Low), explore.Number(i.High)}
	}
	d := r.Duplicates
	out := &fitReport{
		Kendall: explore.Number(r.Kendall), Spearman: explore.Number(r.Spearman), Pearson: explore.Number(r.Pearson), MSE: explore.Number(r.MSE),
		KendallCI: interval(r.Kendall95), SpearmanCI: interval(r.Spearman95), PearsonCI: interval(r.Pearson95), MSECI: interval(r.MSE95),
		Seconds: explore.Number(r.Elapsed.Seconds()), ChosenBy: r.ChosenBy, Samples: r.Samples,
		PredictorType: r.Kind, Space: f.Settings.Space.Name, InactiveBlocks: r.Inactive.String(), FittedBy: r.FittedBy, Method: r.Method, Weights: r.Weights,
		HeldOutError: explore.Number(r.HeldError()), TestedOn: "test", TestSamples: len(r.Evaluation.Measured), Overlap: f.Overlap,
		DuplicateSamples: d.Samples, DifferingNetworks: d.Differing, WorstDifference: explore.Number(d.WorstRange),
		DamagedLines: f.Lost,
	}
	out.Flat = fit.Flat(r.Predicted, r.Least, r.Most)
	closed := r.FittedBy == fit.ClosedForm
	if closed {
		out.Lambda, out.LambdaProducts = new(explore.Number(r.Penalties.Linear)), new(explore.Number(r.Penalties.Products))
	}
	if !r.Tested {
		if out.TestedOn = "validation"; closed {
			out.TestedOn = "leave-one-out"
		}
	}
	for i, p := range r.Predicted {
		point := fitPoint{Predicted: explore.Number(p), Measured: explore.Number(r.Evaluation.Measured[i])}
		if r.Points != nil {
			point.Deviation = new(explore.Number(r.Points[i]))
		}
		out.Scatter = append(out.Scatter, point)
	}
	return out
}

func (r *fitReport) addCurve(points []fit.CurvePoint) {
	for _, p := range points {
		r.LearningCurve = append(r.LearningCurve, fitCurvePoint{
			p.Samples, p.Fits, explore.Number(p.Mean.Kendall), explore.Number(p.Spread.Kendall),
			explore.Number(p.Mean.Spearman), explore.Number(p.Mean.Pearson), explore.Number(p.Mean.MSE),
		})
	}
}

// warnings are what makes the figures less than they seem.
func (r *fitReport) warnings() []string {
	var out []string
	if r.Flat != "" {
		out = append(out, "the predictor "+r.Flat)
	}
	if r.Overlap > 0 {
		out = append(out, fmt.Sprintf("%d of %d networks tested on were fitted on too: the metrics flatter the predictor", r.Overlap, r.TestSamples))
	}
	if r.DifferingNetworks > 0 {
		out = append(out, fmt.Sprintf("%d networks have samples of different accuracies, up to %.3g points apart: each was fitted on its mean",
			r.DifferingNetworks, float64(r.WorstDifference)))
	}
	return out
}

// writeFit prints a fit for people.
func writeFit(w io.Writer, r *fitReport, out string) error {
	on := map[string]string{
		"test":          fmt.Sprintf("on %d networks of the test table", r.TestSamples),
		"leave-one-out": fmt.Sprintf("on the %d samples, each left out of the fit once", r.TestSamples),
		"validation":    fmt.Sprintf("on %d samples held out of the fit", r.TestSamples),
	}[r.TestedOn]
	sanitize.Fprintf(w, "%s predictor of %s, fitted on %d networks in %.2f s\n", r.PredictorType, r.Space, r.Samples, float64(r.Seconds))
	sanitize.Fprintf(w, "  %s: %s\n", strings.ReplaceAll(r.FittedBy, "-", " "), r.Method)
	if r.Lambda != nil {
		sanitize.Fprintf(w, "  penalties: linear weights %.3g, products %.3g (%s)\n", float64(*r.Lambda), float64(*r.LambdaProducts), r.ChosenBy)
	} else {
		sanitize.Fprintf(w, "  stopped by %s\n", r.ChosenBy)
	}
	if r.Samples < r.Weights && r.Lambda != nil {
		sanitize.Fprintf(w, "  %d samples for %d weights: the penalties decide what the samples leave open\n", r.Samples, r.Weights)
	}
	if r.DuplicateSamples > 0 {
		sanitize.Fprintf(w, "  %d samples were of networks sampled before, and averaged\n", r.DuplicateSamples)
	}
	if r.InactiveBlocks == model.InactiveFree.String() {
		fmt.Fprintln(w, "  blocks that are off are scored too (free): search with --inactive-blocks free")
	}
	sanitize.Fprintf(w, "  mean error on networks held out of the fit: %.3f points\n\n%s:\n", float64(r.HeldOutError), on)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, m := range []struct {
		name  string
		value explore.Number
		ci    [2]explore.Number
	}{{"Kendall", r.Kendall, r.KendallCI}, {"Spearman", r.Spearman, r.SpearmanCI}, {"Pearson", r.Pearson, r.PearsonCI}, {"MSE", r.MSE, r.MSECI}} {
		sanitize.Fprintf(t, "  %s\t%.4f\t95 %% interval %.4f to %.4f\n", m.name, float64(m.value), float64(m.ci[0]), float64(m.ci[1]))
	}
	t.Flush()
	if len(r.LearningCurve) > 0 {
		fmt.Fprintln(w, "\nlearning curve:")
		fmt.Fprintln(t, "  samples\tKendall\t±\tMSE\tfits")
		for _, p := range r.LearningCurve {
			sanitize.Fprintf(t, "  %d\t%.4f\t%.4f\t%.4f\t%d\n", p.Samples, float64(p.Kendall), float64(p.KendallSpread), float64(p.MSE), p.Fits)
		}
		t.Flush()
	}
	_, err := sanitize.Fprintf(w, "\nwritten to %s\n", sanitize.Line(out))
	return err
}
