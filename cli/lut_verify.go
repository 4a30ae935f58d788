package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// maxVerified bounds how many networks are measured at once: each holds about
// 30 MB.
const maxVerified = 200

// verifying is the flags of lut verify.
type verifying struct {
	measuring
	out, figure, folder string
	compared            int // networks
	calibrate           bool
}

func (a *app) lutVerifyCommand() *cobra.Command {
	v := verifying{}
	cmd := &cobra.Command{
		Use:   "verify [--lut FILE|NAME]",
		Short: "Measure how well a latency table predicts networks",
		Long: `Measure whole networks, published and random ones, on this machine or on the
host of the table or of --on, and compare them with what the table predicts.
Every network is opened anew in each round and run between the others, so that
what other programs take is taken out.

The level is one factor common to all networks: it drifts with the machine. The
shape is what is left: the error of their proportions. The ceiling is how far
two halves of the measurement are apart themselves: no table can do much better.

A table of blocks alone needs --calibrate: half as many other networks are
measured too, a line from the table's sum to the latency of networks is fitted
on those, checked on the networks it was not fitted on, and stored in the table;
--out writes a copy.

What was measured is kept in a run folder until all networks are: the same
command resumes.`,
		Example: `  binas-tui lut verify --lut laptop
  binas-tui lut verify --lut laptop --networks 40 --figure laptop.svg
  binas-tui lut verify --lut pi --on pi
  binas-tui lut verify --lut alone.json --calibrate`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := v.check(cmd); err != nil {
				return err
			}
			lut, name, profile, err := v.table()
			if err != nil {
				return err
			}
			r := verifyReport{LUT: name, Calibrated: v.calibrate}
			if r.space, err = explore.SpaceOf(lut, profile); err != nil {
				return err
			}
			if err := v.like(lut.Provenance); err != nil {
				return err
			}
			file := lutFile{}
			if v.calibrate && lut.Provenance.Method == latency.InContext {
				return usagef("--calibrate: %w", explore.ErrCalibrated)
			}
			if v.calibrate {
				if file, err = calibratedFile(name, v.out); err != nil {
					return err
				}
			}
			device, err := v.open(cmd.Context(), a)
			if err != nil {
				return err
			}
			defer device.Close()
			for _, path := range []string{file.path, v.figure} {
				if path == "" {
					continue
				}
				if err := checkWritable(path); err != nil {
					return err
				}
			}
			o := v.options(a, device)
			if o.Folder = v.folder; v.folder == "" {
				o.Folder = verifyFolder(name)
			}
			if err := a.verify(cmd.Context(), &r, lut, v.compared, o, file); err != nil {
				return err
			}
			if v.figure != "" {
				d, err := r.chart()
				if err := saveFigure(v.figure, d, err); err != nil {
					return err
				}
				a.wrote(v.figure)
			}
			return a.print(r, r.write)
		},
	}
	v.addFlags(cmd, "the table's")
	v.addLUT(cmd, "")
	f := cmd.Flags()
	f.IntVar(&v.compared, "networks", 30, "networks to compare, `N`")
	f.BoolVar(&v.calibrate, "calibrate", false, "fit a calibration on other networks and store it in the table")
	f.StringVar(&v.out, "out", "", "with --calibrate, write the table to `FILE|NAME` instead")
	f.StringVar(&v.folder, "folder", "", "`FOLDER` that keeps finished rounds (default runs/verify-NAME in the user's data folder)")
	f.StringVar(&v.figure, "figure", "", "draw predicted against measured to `FILE`, which ends in .svg or .png")
	a.addJSON(cmd)
	return cmd
}

// verifyFolder is where the rounds of a verification are kept: in the user's
// data folder, under the name of the table; "" where nothing can be written
// there, which is no reason not to measure.
func verifyFolder(lut string) string {
	base := filepath.Base(lut)
	runs := filepath.Join(explore.DataDir(), "runs")
	if err := safefile.MkdirAll(runs); err != nil {
		return ""
	}
	return filepath.Join(runs, "verify-"+strings.TrimSuffix(base, filepath.Ext(base)))
}

// check refuses flags that cannot be measured with, or do not go together.
func (v *verifying) check(cmd *cobra.Command) error {
	if err := v.measuring.check(cmd); err != nil {
		return err
	}
	if v.compared < 2 || v.compared > maxVerified {
		return usagef("--networks %d: expected 2 to %d", v.compared, maxVerified)
	}
	if v.out != "" && !v.calibrate {
		return usagef("--out is for --calibrate: nothing else changes the table")
	}
	if cmd.Flags().Changed("figure") {
		return checkFigure("figure", v.figure)
	}
	return nil
}

// calibratedFile is where a calibrated table goes: out where it is given, else
// the file the table was read from, which must be of a form that has room for
// a calibration.
func calibratedFile(name, out string) (lutFile, error) {
	if out != "" {
		f, err := newLUTFile(out)
		if err == nil && f.pickle {
			err = usagef("--out %q: BINAS's pickle has no room for a calibration: expected a name that ends in .json", out)
		}
		if err == nil {
			err = f.makeFolder()
		}
		if err == nil {
			err = checkOutput("out", f.path, tableFile)
		}
		return f, err
	}
	f := lutFile{path: name}
	for _, s := range explore.LUTs() {
		if s.Name == name {
			f.path = s.Path
		}
	}
	if f.path == "" {
		return f, usagef("%s is built in and cannot be changed: give --out, a file or name for the calibrated table", name)
	}
	data, err := explore.ReadFile(f.path)
	if err != nil {
		return f, err
	}
	if !strings.HasPrefix(strings.TrimSpace(string(data[:min(len(data), 64)])), "{") {
		return f, usagef("%s is BINAS's pickle, which has no room for a calibration: give --out, a .json file or a name", name)
	}
	return f, nil
}

// verify measures and fills in the report; file gets a calibrated table.
func (a *app) verify(ctx context.Context, r *verifyReport, lut *latency.LUT, networks int, o latency.MeasureOptions, file lutFile) error {
	progress := a.newMeasureStatus()
	o.Progress = progress.report
	v, c, err := explore.Verify(ctx, lut, r.space, networks, r.Calibrated, o)
	progress.end()
	if err != nil {
		return a.measuredNot(err, progress, o.Folder)
	}
	lut.Calibration = c
	r.fill(v, lut, o.Device.Provenance())
	if r.Calibrated {
		r.File = file.path
		if file.name != "" { // a copy
			lut.Provenance.Name = file.name
		}
		if _, err := file.write(lut); err != nil {
			return err
		}
	}
	latency.RemoveRun(o.Folder)
	return nil
}

// fill takes over the figures.
func (r *verifyReport) fill(v *latency.Verification, lut *latency.LUT, p latency.Provenance) {
	r.inContext = lut.Provenance.Method == latency.InContext
	r.Networks, r.MAPE, r.Kendall = len(v.Networks), explore.Number(v.MAPE), explore.Number(v.Kendall)
	r.Level, r.ShapeMAPE, r.ShapeWorst, r.Within5 = explore.Number(v.Level), explore.Number(v.ShapeMAPE), explore.Number(v.ShapeWorst), explore.Number(v.Within5)
	r.CeilingMAPE, r.CeilingKendall = explore.Number(v.CeilingMAPE), explore.Number(v.CeilingKendall)
	r.Worst = explore.Number(math.Abs(v.Networks[v.Worst].Error()))
	r.Slope, r.InterceptMS = explore.Number(v.Slope), explore.Number(v.InterceptMS)
	if c := lut.Calibration; c.Set() {
		r.Calibration = &c
		if r.Calibrated {
			r.Slope, r.InterceptMS, r.FittedOn = explore.Number(c.Slope), explore.Number(c.InterceptMS), c.Networks
		}
	}
	r.Host, r.Precision = p.Host, p.ComputesIn()
	r.Threads, r.Batch, r.Target, r.Runtime, r.ImageSize, r.Space = p.Threads, p.Batch, p.Device, p.Runtime, r.space.ImageSize, r.space.Name
	for _, n := range v.Networks {
		r.Checks = append(r.Checks, verifiedNetwork{
			Name: publishedName(n.Architecture), Architecture: n.Architecture.String(), PredictedMS: explore.Number(n.PredictedMS),
			PredictedErrorMS: explore.Number(n.PredictedErrorMS), MeasuredErrorMS: explore.Number(n.Measurement.StandardErrorMS),
			MeasuredMS: explore.Number(n.MeasuredMS), MinMS: explore.Number(n.Measurement.MinMS),
			Spread: explore.Number(n.Measurement.Spread), Error: explore.Number(n.Error()),
		})
	}
	slices.SortStableFunc(r.Checks, func(a, b verifiedNetwork) int {
		switch {
		case a.MeasuredMS < b.MeasuredMS:
			return -1
		case a.MeasuredMS > b.MeasuredMS:
			return 1
		}
		return 0
	})
}

// verifyReport is the JSON of a verification; errors are fractions of what was
// measured.
type verifyReport struct {
	Networks int            `json:"networks"` // compared; none of them was fitted on
	Level    explore.Number `json:"level"`    // networks take that many times what is predicted
	MAPE     explore.Number `json:"mape"`
	// ShapeMAPE and ShapeWorst are the mean and greatest error with the level taken
	// out, Within5 the share of networks of which it is below 5%.
	ShapeMAPE  explore.Number `json:"shape_mape"`
	ShapeWorst explore.Number `json:"shape_worst"`
	Within5    explore.Number `json:"within_5_percent"`
	Worst      explore.Number `json:"worst"` // the greatest error of one network
	Kendall    explore.Number `json:"kendall"`
	// Of one half of the rounds against the other; null for one round.
	CeilingMAPE    explore.Number `json:"ceiling_mape"`
	CeilingKendall explore.Number `json:"ceiling_kendall"`
	// Slope and InterceptMS are the line of the new calibration; without
	// --calibrate, the line from predicted to measured.
	Slope       explore.Number       `json:"slope"`
	InterceptMS explore.Number       `json:"intercept_ms"`
	Calibrated  bool                 `json:"calibrated"`          // by this call
	FittedOn    int                  `json:"fitted_on,omitempty"` // networks, others than those compared
	Calibration *latency.Calibration `json:"calibration"`         // in the table now
	LUT         string               `json:"lut"`
	File        string               `json:"file,omitempty"` // that was written
	Space       string               `json:"space"`
	ImageSize   int                  `json:"image_size"`
	Threads     int                  `json:"threads"`
	Batch       int                  `json:"batch"`
	Host        string               `json:"host,omitempty"` // empty: this machine
	Target      string               `json:"target"`
	Precision   onnx.Precision       `json:"precision"`
	Runtime     string               `json:"runtime"`
	Checks      []verifiedNetwork    `json:"checks"` // by rising latency

	space     *model.Space
	inContext bool // how the table was measured
}

type verifiedNetwork struct {
	Name         string         `json:"name,omitempty"` // of a published network
	Architecture string         `json:"architecture"`
	PredictedMS  explore.Number `json:"predicted_ms"`
	// Standard errors, the level aside; 0 where the table has none.
	PredictedErrorMS explore.Number `json:"predicted_error_ms"`
	MeasuredErrorMS  explore.Number `json:"measured_error_ms"`
	MeasuredMS       explore.Number `json:"measured_ms"` // median
	MinMS            explore.Number `json:"min_ms"`
	Spread           explore.Number `json:"spread"`
	Error            explore.Number `json:"error"` // 0.1: predicted 10% too slow
}

func (r *verifyReport) write(w io.Writer) error {
	fmt.Fprintln(w, "predicted ms     ±     measured ms     ±     error  network")
	for _, n := range r.Checks {
		sanitize.Fprintf(w, "%12.3f  %6.3f  %11.3f  %6.3f  %+5.1f%%  %s\n", float64(n.PredictedMS), float64(n.PredictedErrorMS),
			float64(n.MeasuredMS), float64(n.MeasuredErrorMS), 100*float64(n.Error), cmp.Or(n.Name, "random"))
	}
	how := ""
	switch {
	case r.Calibrated:
		how = fmt.Sprintf(", calibrated on %d others", r.FittedOn)
	case r.Calibration != nil:
		how = ", with the table's calibration"
	}
	sanitize.Fprintf(w, "\n%d networks%s: they take %.3f times what is predicted (level); mean error %.1f %%, worst %.1f %%\n",
		r.Networks, how, float64(r.Level), 100*float64(r.MAPE), 100*float64(r.Worst))
	sanitize.Fprintf(w, "shape, the level taken out: mean error %.2f %%, worst %.1f %%, %.0f %% of networks within 5 %%; rank correlation (Kendall) %.3f\n",
		100*float64(r.ShapeMAPE), 100*float64(r.ShapeWorst), 100*float64(r.Within5), float64(r.Kendall))
	if r.CeilingMAPE.Finite() {
		sanitize.Fprintf(w, "ceiling, two halves of the measurement against one another: %.2f %%, Kendall %.3f\n", 100*float64(r.CeilingMAPE), float64(r.CeilingKendall))
	} else {
		fmt.Fprintln(w, "ceiling: not known, measured in one round; --rounds 2 or more tells error from noise")
	}
	line := fmt.Sprintf("%.4g × predicted %+.4g ms", float64(r.Slope), float64(r.InterceptMS))
	if r.Calibrated {
		_, err := fmt.Fprintf(w, "calibration %s, written to %s\n", strings.Replace(line, "predicted", "sum", 1), sanitize.Line(r.File))
		return err
	}
	advice := ""
	if !r.inContext && r.Calibration == nil {
		advice = "; --calibrate corrects the table"
	}
	_, err := fmt.Fprintf(w, "measured is about %s%s\n", line, advice)
	return err
}
