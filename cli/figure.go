package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/binas-tui/binas-tui/internal/figure"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/sanitize"
)

func figureFormat(flag, name string) (string, error) {
	format, err := figure.Format(name)
	if err != nil {
		return "", usagef("--%s %q: %w", flag, name, err)
	}
	return format, nil
}

// figureFile is a figure in any format.
var figureFile = safefile.Kind{Name: "an SVG or PNG image", Begins: []string{"\x89PNG"}, Has: []string{"<svg"}}

// pageFile is what pareto --html writes, tableFile what lut convert, lut measure
// and lut verify do.
var (
	pageFile  = safefile.Kind{Name: "an HTML page", Has: []string{"<!doctype html"}}
	tableFile = safefile.Kind{Name: "a latency table", Begins: []string{"\x80"}, Has: []string{"binas-tui-lut"}}
)

// checkFigure refuses a name that no figure can be written under.
func checkFigure(flag, name string) error {
	_, err := figureFormat(flag, name)
	if err == nil {
		err = checkOutput(flag, name, figureFile)
	}
	return err
}

// checkOutput refuses the file of a flag, "" being none, where nothing of its kind can
// be written.
func checkOutput(flag, name string, kind safefile.Kind) error {
	if name == "" {
		return nil
	}
	if err := kind.Check(name); err != nil {
		return usagef("--%s: %w", flag, err)
	}
	return nil
}

// wrote says that a file was written. JSON stays JSON, and a file that is written to
// a pipe or a device, which may be the output, stays that file.
func (a *app) wrote(name string) {
	if info, err := os.Stat(name); !a.json && err == nil && info.Mode().IsRegular() {
		fmt.Fprintf(a.out, "written to %s\n", sanitize.Line(name))
	}
}

// saveFigure writes a figure to a file, in the format that its name asks for. It
// takes what a Draw returns.
func saveFigure(name string, d *figure.Drawing, err error) error {
	if err != nil {
		return err
	}
	format, err := figureFormat("figure", name)
	if err != nil {
		return err
	}
	return safefile.Replace(name, true, func(w io.Writer) error { return d.Write(w, format) })
}

// chart draws measured over predicted accuracy, with ± one standard deviation
// where the predictor knows it.
func (r *fitReport) chart() (*figure.Drawing, error) {
	s := figure.Series{Label: "networks", Style: figure.Blue}
	for _, p := range r.Scatter {
		s.X, s.Y = append(s.X, float64(p.Predicted)), append(s.Y, float64(p.Measured))
		if p.Deviation != nil {
			s.XError = append(s.XError, float64(*p.Deviation))
		}
	}
	if len(s.XError) < len(s.X) {
		s.XError = nil
	} else {
		s.Label += ", ± one standard deviation"
	}
	return figure.Chart{
		Title: "Accuracy: measured against predicted (" + r.TestedOn + ")\n" + r.subtitle(),
		X:     "predicted accuracy (%)", Y: "measured accuracy (%)", Series: []figure.Series{s}, Diagonal: true,
	}.Draw()
}

// curveChart draws Kendall's tau over the number of samples.
func (r *fitReport) curveChart() (*figure.Drawing, error) {
	s := figure.Series{Label: "mean over fits, ± standard deviation", Style: figure.Blue, Line: figure.Straight}
	for _, p := range r.LearningCurve {
		s.X, s.Y = append(s.X, float64(p.Samples)), append(s.Y, float64(p.Kendall))
		s.YError = append(s.YError, float64(p.KendallSpread))
	}
	return figure.Chart{
		Title: "Learning curve\n" + r.subtitle(), X: "networks fitted on", Y: "Kendall's tau on the test", Series: []figure.Series{s}, LogX: true,
	}.Draw()
}

func (r *fitReport) subtitle() string {
	return fmt.Sprintf("%s, fitted on %d networks of %s: Kendall %.3f (%.3f to %.3f), MSE %.4f",
		r.PredictorType, r.Samples, r.Space, float64(r.Kendall), float64(r.KendallCI[0]), float64(r.KendallCI[1]), float64(r.MSE))
}

// chart draws measured over predicted latency, with bars of two standard errors.
func (r *verifyReport) chart() (*figure.Drawing, error) {
	random := figure.Series{Label: "random networks", Style: figure.BlueRing}
	known := figure.Series{Label: "published networks", Style: figure.Orange}
	for _, n := range r.Checks {
		s := &random
		if n.Name != "" {
			s = &known
		}
		s.X, s.Y = append(s.X, float64(n.PredictedMS)), append(s.Y, float64(n.MeasuredMS))
		s.XError, s.YError = append(s.XError, 2*float64(n.PredictedErrorMS)), append(s.YError, 2*float64(n.MeasuredErrorMS))
	}
	return figure.Chart{
		Title: fmt.Sprintf("Whole networks: measured against predicted latency\n%s, %s, %d %s, %d pixels: level %.3f, shape error %.1f %%, Kendall %.3f",
			r.LUT, r.Runtime, r.Threads, phrase.Plural(r.Threads, "thread"), r.ImageSize, float64(r.Level), 100*float64(r.ShapeMAPE), float64(r.Kendall)),
		X: "predicted latency (ms)", Y: "measured latency (ms)", Series: []figure.Series{random, known}, Diagonal: true,
	}.Draw()
}
