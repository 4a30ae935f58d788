package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/sanitize"
)

// fitSamples fits on sampled networks, tests, and writes what was asked for.
func (a *app) fitSamples(ctx context.Context, o fitOptions) error {
	if _, err := explore.FindProfile(o.profile); err != nil {
		return usageError{err}
	}
	inactive, err := inactiveBlocks(o.inactive)
	if err != nil {
		return err
	}
	fitting, err := explore.LoadFitting(o.profile, o.samples, o.test, fit.Settings{
		Kind: o.kind, Descend: o.descend, Inactive: inactive, Seed: o.seed, Penalties: o.penalties, Descent: o.descent,
	})
	if err != nil {
		return err
	}
	for _, lost := range fitting.Lost { // before what it may be the cause of
		fmt.Fprintln(a.Err, "binas-tui: warning: "+sanitize.Line(lost))
	}
	for _, file := range []string{o.out, o.figure, o.curveFigure} {
		if file == "" {
			continue
		}
		if err := checkWritable(file); err != nil { // before the minutes that a fit can take
			return err
		}
	}
	line := a.newStatusLine()
	fitted, err := fitting.Run(ctx, func(p fit.Progress) { line.show(func() string { return fitProgress(p) }) })
	line.end()
	if err != nil {
		return err
	}
	data, err := fitted.Encode(fitting.Settings.Space)
	if err != nil {
		return err
	}
	if err := safefile.Replace(o.out, true, safefile.Bytes(data)); err != nil {
		return err
	}
	report := newFitReport(fitting, fitted)
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
		}
	}
	if o.figure != "" {
		d, err := report.chart()
		if err := saveFigure(o.figure, d, err); err != nil {
			return err
		}
	}
	for _, w := range report.warnings() {
		fmt.Fprintln(a.Err, "binas-tui: warning: "+sanitize.Line(w))
	}
	return a.print(report, func(w io.Writer) error { return writeFit(w, report, o.out) })
}

func fitProgress(p fit.Progress) string {
	text := explore.FittingStatus(p)
	if p.Left > 0 {
		text += ", " + phrase.Duration(p.Left) + " left"
	}
	return text
}
