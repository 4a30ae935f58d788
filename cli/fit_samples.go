package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/steps"
)

// fitSamples fits on sampled networks, tests, and writes what was asked for.
func (a *app) fitSamples(cmd *cobra.Command, t *steps.Fitting, o fitOptions) error {
	if _, err := explore.FindProfile(t.Profile); err != nil {
		return usageError{err}
	}
	fitted, _, err := runStep[steps.Fitted](cmd, a, t, t.File(), o.figure, o.curveFigure)
	if err != nil {
		return err
	}
	ctx, line, fitting := cmd.Context(), a.newStatusLine(), fitted.From
	report := newFitReport(fitting, fitted.FitReport)
	if o.curve || o.curveFigure != "" {
		points, err := fit.LearningCurve(ctx, fitting.Settings, fitting.Samples, fitting.Test, func(p fit.CurvePoint) {
			line.show(func() string {
				return fmt.Sprintf("learning curve: %d samples, Kendall %.3f", p.Samples, p.Mean.Kendall)
			})
		})
		line.end()
		if err != nil {
			return err
		}
		report.addCurve(points)
		if o.curveFigure != "" {
			d, err := report.curveChart()
			if err := saveFigure(o.curveFigure, d, err); err != nil {
				return err
			}
			a.wrote(o.curveFigure)
		}
	}
	if o.figure != "" {
		d, err := report.chart()
		if err := saveFigure(o.figure, d, err); err != nil {
			return err
		}
		a.wrote(o.figure)
	}
	for _, w := range report.warnings() {
		fmt.Fprintln(a.Err, "binas-tui: warning: "+sanitize.Line(w))
	}
	return a.print(report, func(w io.Writer) error { return writeFit(w, report, fitted.File) })
}
